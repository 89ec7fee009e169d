//! Warnings that a peer can cause at will: a few a second are said, the others are counted.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::WARNINGS_PER_SECOND;

/// How many were said in the second that runs, and how many were not.
#[derive(Debug, Default)]
struct Second {
    began: Option<Instant>,
    said: u32,
    left_out: u64,
}

/// The warnings of a node about its peers.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<Second>);

impl Warnings {
    /// Whether a warning may be said now; then also how many were left out before it.
    pub(crate) fn may_say(&self, now: Instant) -> Option<u64> {
        let mut second = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = second
            .began
            .is_none_or(|began| now.duration_since(began) >= Duration::from_secs(1));
        if is_over {
            (second.began, second.said) = (Some(now), 0);
        }
        if second.said >= WARNINGS_PER_SECOND {
            second.left_out += 1;
            return None;
        }
        second.said += 1;
        Some(std::mem::take(&mut second.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_by_a_few_lines_and_a_count() {
        let (warnings, start) = (Warnings::default(), Instant::now());
        let told = |after_ms: u64, times: u32| {
            let now = start + Duration::from_millis(after_ms);
            let each = (0..times).filter_map(|_| warnings.may_say(now));
            each.fold((0, 0), |(said, left_out), more| (said + 1, left_out + more))
        };
        assert_eq!(told(0, 1_000), (WARNINGS_PER_SECOND, 0));
        assert_eq!(told(999, 5), (0, 0));
        let left_out = 1_000 - u64::from(WARNINGS_PER_SECOND) + 5;
        assert_eq!(told(1_000, 1), (1, left_out));
        assert_eq!(told(5_000, 1), (1, 0));
    }
}
