//! Timers by name, and in the order in which they go off.
//!
//! Invariant: both orders hold the same timers. Nothing here walks all of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::Timestamp;

/// The timers of a shard.
pub(crate) struct Timers<K> {
    by_key: BTreeMap<K, Timestamp>,
    by_time: BTreeSet<(Timestamp, K)>,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self {
            by_key: BTreeMap::new(),
            by_time: BTreeSet::new(),
        }
    }
}

impl<K: Ord + Clone> Timers<K> {
    /// Sets a timer; it replaces what was set under the key.
    pub(crate) fn arm(&mut self, key: K, at: Timestamp) {
        self.cancel(&key);
        self.by_time.insert((at, key.clone()));
        self.by_key.insert(key, at);
        debug_assert_eq!(self.by_key.len(), self.by_time.len());
    }

    /// Takes a timer away, if it is set.
    pub(crate) fn cancel(&mut self, key: &K) {
        if let Some((key, at)) = self.by_key.remove_entry(key) {
            let was_there = self.by_time.remove(&(at, key));
            assert!(was_there, "a timer stands in both orders");
        }
    }

    /// Takes the timers that are due, in key order.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Vec<K> {
        let mut due = Vec::new();
        while self.by_time.first().is_some_and(|(at, _)| *at <= now)
            && let Some((_, key)) = self.by_time.pop_first()
        {
            self.by_key.remove(&key);
            due.push(key);
        }
        due.sort();
        due
    }

    /// When the next one goes off.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_goes_off_once_at_the_time_it_was_set_to_last() {
        let mut timers = Timers::default();
        for (key, at) in [("b", 5), ("a", 7), ("c", 9), ("b", 8), ("d", 1)] {
            timers.arm(key, Timestamp(at));
        }
        timers.cancel(&"d");
        timers.cancel(&"nobody");
        assert_eq!(timers.next_due(), Some(Timestamp(7)));
        assert!(timers.take_due(Timestamp(6)).is_empty());
        assert_eq!(timers.take_due(Timestamp(8)), ["a", "b"]);
        assert_eq!(timers.take_due(Timestamp(8)), [""; 0]);
        assert_eq!(timers.next_due(), Some(Timestamp(9)));
    }
}
