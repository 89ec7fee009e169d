//! What the node counts of itself, and the page that shows it (`/metrics`).
//!
//! Invariants: each core counts for itself, on cache lines of its own, without a lock and without allocating; only a scrape adds them
//! up. Everything else on the page (offsets, sizes, lag) is read when it is asked for, so that counting it costs nothing meanwhile.

mod lag;
mod page;
mod text;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mainstem_protocol::ApiKey;

use crate::limits::API_KEYS_MAX;

pub(crate) use page::page;

/// Upper bounds of the latency buckets, in microseconds; what is slower counts in the last, open one.
const BUCKETS_MICROS: [u64; 12] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
];

/// Counts of one API on one core.
#[derive(Debug, Default)]
struct ApiCounters {
    requests: AtomicU64,
    refused: AtomicU64,
    failed_partitions: AtomicU64,
    micros: AtomicU64,
    buckets: [AtomicU64; BUCKETS_MICROS.len() + 1],
}

/// Counts of one core.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct CoreCounters {
    received_bytes: AtomicU64,
    sent_bytes: AtomicU64,
    apis: Box<[ApiCounters]>,
}

/// Counts of the node.
#[derive(Debug)]
pub(crate) struct Metrics {
    cores: Box<[CoreCounters]>,
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

fn of(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl CoreCounters {
    fn new() -> Self {
        Self {
            received_bytes: AtomicU64::new(0),
            sent_bytes: AtomicU64::new(0),
            apis: (0..API_KEYS_MAX).map(|_| ApiCounters::default()).collect(),
        }
    }

    fn api(&self, key: i16) -> Option<&ApiCounters> {
        self.apis.get(usize::try_from(key).ok()?)
    }

    /// A frame came in.
    pub(crate) fn received(&self, bytes: usize) {
        add(&self.received_bytes, u64::try_from(bytes).unwrap_or(0));
    }

    /// An answer goes out.
    pub(crate) fn sent(&self, bytes: usize) {
        add(&self.sent_bytes, u64::try_from(bytes).unwrap_or(0));
    }

    /// A request was handled; `after` counts from its frame being whole, and includes what it waited for.
    pub(crate) fn handled(&self, api: ApiKey, after: Duration) {
        let Some(counters) = self.api(api.code()) else {
            return;
        };
        let micros = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_MICROS.partition_point(|bound| *bound < micros);
        add(&counters.requests, 1);
        add(&counters.micros, micros);
        if let Some(bucket) = counters.buckets.get(bucket) {
            add(bucket, 1);
        }
    }

    /// A request closed its connection: it was none, or not one that is served.
    pub(crate) fn refused(&self, key: i16) {
        if let Some(counters) = self.api(key) {
            add(&counters.refused, 1);
        }
    }

    /// A partition of a Produce or Fetch was answered with an error.
    pub(crate) fn failed_partition(&self, api: ApiKey) {
        if let Some(counters) = self.api(api.code()) {
            add(&counters.failed_partitions, 1);
        }
    }
}

impl Metrics {
    /// Counters for so many cores, and one for whatever is on none.
    pub(crate) fn new(cores: usize) -> Self {
        Self {
            cores: (0..cores.max(1)).map(|_| CoreCounters::new()).collect(),
        }
    }

    /// The counters of a core.
    pub(crate) fn core(&self, core: usize) -> &CoreCounters {
        &self.cores[core % self.cores.len()]
    }

    fn sum(&self, counter: impl Fn(&CoreCounters) -> u64) -> u64 {
        self.cores.iter().map(counter).sum()
    }

    fn sum_api(&self, api: ApiKey, counter: impl Fn(&ApiCounters) -> u64) -> u64 {
        self.sum(|core| core.api(api.code()).map_or(0, &counter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cores_count_is_added_up() {
        let metrics = Metrics::new(2);
        for (core, micros) in [(0, 250), (1, 251), (1, 9_000_000)] {
            let after = Duration::from_micros(micros);
            metrics.core(core).handled(ApiKey::Fetch, after);
        }
        let sum = |bucket: usize| metrics.sum_api(ApiKey::Fetch, |api| of(&api.buckets[bucket]));
        assert_eq!(metrics.sum_api(ApiKey::Fetch, |api| of(&api.requests)), 3);
        assert_eq!((sum(0), sum(1), sum(BUCKETS_MICROS.len())), (1, 1, 1));
        assert_eq!(metrics.sum_api(ApiKey::Produce, |api| of(&api.requests)), 0);
    }

    #[test]
    fn keys_that_nobody_serves_are_counted_or_left_out() {
        let metrics = Metrics::new(1);
        for key in [i16::MIN, -1, 4, i16::MAX] {
            metrics.core(7).refused(key);
        }
        let keys = ApiKey::all().map(ApiKey::code).max();
        assert!(usize::try_from(keys.unwrap()).unwrap() < API_KEYS_MAX);
    }
}
