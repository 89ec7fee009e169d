//! Waiting until a position has been reached, in the order of positions.
//!
//! Invariant: whoever waits for a position at or below the one reached last has been released.

use std::collections::BTreeMap;

/// Waiters by the position they wait for. Example: with waiters at 10, 20 and 30, reaching 25 releases those at 10 and 20, in
/// that order.
#[derive(Debug, Clone)]
pub struct OffsetWaiters<T> {
    waiting: BTreeMap<i64, Vec<T>>,
    count: usize,
}

impl<T> Default for OffsetWaiters<T> {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            count: 0,
        }
    }
}

impl<T> OffsetWaiters<T> {
    /// Waits for `position`.
    pub fn wait(&mut self, position: i64, waiter: T) {
        self.waiting.entry(position).or_default().push(waiter);
        self.count += 1;
    }

    /// Releases everyone who waits for `position` or less.
    pub fn reached(&mut self, position: i64) -> Vec<T> {
        if self
            .waiting
            .first_key_value()
            .is_none_or(|(first, _)| *first > position)
        {
            return Vec::new();
        }
        let later = self.waiting.split_off(&position.saturating_add(1));
        let released: Vec<T> = std::mem::replace(&mut self.waiting, later)
            .into_values()
            .flatten()
            .collect();
        self.count -= released.len();
        released
    }

    /// Releases everyone, because the position will never be reached.
    pub fn abandon(&mut self) -> Vec<T> {
        self.count = 0;
        std::mem::take(&mut self.waiting)
            .into_values()
            .flatten()
            .collect()
    }

    /// Forgets those that do not satisfy `still_waits`.
    pub fn retain(&mut self, mut still_waits: impl FnMut(&T) -> bool) {
        self.waiting.retain(|_, waiters| {
            waiters.retain(&mut still_waits);
            !waiters.is_empty()
        });
        self.count = self.waiting.values().map(Vec::len).sum();
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.count
    }

    /// True when nobody waits.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
mod tests;
