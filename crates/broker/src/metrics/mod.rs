//! What the node counts of itself, and the page that shows it (`/metrics`).
//!
//! Invariants: each core counts for itself, on cache lines of its own, without a lock and without allocating unless there is an error; only a scrape adds them
//! up. Everything else on the page (offsets, sizes, lag) is read when it is asked for, so that counting it costs nothing meanwhile.

mod histogram;
mod lag;
mod page;
mod process;
mod text;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mainstem_protocol::{ApiKey, Message};

use crate::limits::API_KEYS_MAX;

pub(crate) use histogram::Histogram;
pub(crate) use page::page;

/// Counts of one API on one core.
#[derive(Debug, Default)]
struct ApiCounters {
    refused: AtomicU64,
    took: Histogram,
}

/// Counts of one core.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct CoreCounters {
    received_bytes: AtomicU64,
    sent_bytes: AtomicU64,
    apis: Box<[ApiCounters]>,
    /// By API and error code. Errors are few, so a lock that only scrapes contend for is no matter.
    errors: Mutex<BTreeMap<(i16, i16), u64>>,
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
            errors: Mutex::default(),
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
        if let Some(counters) = self.api(api.code()) {
            counters.took.record(after);
        }
    }

    /// A request closed its connection: it was none, or not one that is served.
    pub(crate) fn refused(&self, key: i16) {
        if let Some(counters) = self.api(key) {
            add(&counters.refused, 1);
        }
    }

    /// Counts the error codes of a response.
    pub(crate) fn errors_of(&self, api: ApiKey, response: &impl Message) {
        response.each_error(&mut |code| {
            if code != 0 {
                self.error(api, code);
            }
        });
    }

    fn error(&self, api: ApiKey, code: i16) {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        *errors.entry((api.code(), code)).or_default() += 1;
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

    /// Errors by API and code.
    fn errors(&self) -> BTreeMap<(i16, i16), u64> {
        let mut all = BTreeMap::new();
        for core in &self.cores {
            let errors = core.errors.lock().unwrap_or_else(PoisonError::into_inner);
            for (what, count) in errors.iter() {
                *all.entry(*what).or_default() += count;
            }
        }
        all
    }

    fn api(&self, api: ApiKey) -> impl Iterator<Item = &ApiCounters> {
        self.cores
            .iter()
            .filter_map(move |core| core.api(api.code()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
