//! Waiting longer after each failure, with a share of chance so that many do not come back at once.

use std::time::Duration;

/// Doubling waits between a first and a longest one.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// Waits of `first`, twice that, and so on, never above `longest`.
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            failures: 0,
        }
    }

    /// The wait after one more failure; `chance` (any number) moves it by up to a fifth.
    pub fn next(&mut self, chance: u64) -> Duration {
        let doubled = self
            .first
            .saturating_mul(1u32.checked_shl(self.failures.min(20)).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        let wait = doubled.min(self.longest);
        let percent = 80 + u32::try_from(chance % 41).unwrap_or(0);
        wait.saturating_mul(percent) / 100
    }

    /// Begins anew after a success.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests;
