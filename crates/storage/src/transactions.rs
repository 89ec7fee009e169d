//! Transactions in a log that Apache Kafka wrote: which were aborted, and the first that has not ended.
//!
//! `.txnindex`, beside a segment, one entry for each transaction whose abort marker stands in it:
//!
//! | bytes | field |
//! |---|---|
//! | 2 | version, 0 |
//! | 8 | producer id |
//! | 8 | first offset |
//! | 8 | last offset: that of the marker |
//! | 8 | last stable offset when it was written |
//!
//! Nothing is added: this build appends no transactions, so what was found when the log was opened holds as long as it is open. After
//! an unclean stop of Apache Kafka the entries are those that it had written; it makes the files anew when it recovers.

use std::io;
use std::path::Path;

use crate::disk::{Disk, read_small};
use crate::log::Log;
use crate::segment::file_name;

const ENTRY_BYTES: usize = 34;

const _: () = assert!(ENTRY_BYTES == 2 + 8 + 8 + 8 + 8);

/// A transaction whose records are not to be seen by who reads only what was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbortedTransaction {
    /// Who began it.
    pub producer_id: i64,
    /// Where it began.
    pub first_offset: i64,
    /// Its marker.
    pub last_offset: i64,
}

/// What is known of the transactions of a log.
#[derive(Debug, Default)]
pub(crate) struct Transactions {
    aborted: Vec<AbortedTransaction>,
    first_open: Option<i64>,
}

fn entry(mut bytes: &[u8]) -> Option<AbortedTransaction> {
    let (version, rest) = bytes.split_first_chunk::<2>()?;
    bytes = rest;
    let mut number = || {
        let (head, rest) = bytes.split_first_chunk::<8>()?;
        bytes = rest;
        Some(i64::from_be_bytes(*head))
    };
    let found = AbortedTransaction {
        producer_id: number()?,
        first_offset: number()?,
        last_offset: number()?,
    };
    (*version == [0, 0]).then_some(found)
}

impl Transactions {
    /// Reads the files beside the segments that begin at `bases`; what is not whole, or lies behind the log's end, counts for nothing.
    pub(crate) fn load(
        disk: &dyn Disk,
        dir: &Path,
        bases: &[i64],
        log_end: i64,
    ) -> io::Result<Self> {
        let mut aborted = Vec::new();
        for base in bases {
            let bytes = read_small(disk, &dir.join(file_name(*base, "txnindex")))?;
            let bytes = bytes.unwrap_or_default();
            let found = bytes.chunks_exact(ENTRY_BYTES).filter_map(entry);
            aborted.extend(found.filter(|entry| entry.last_offset < log_end));
        }
        aborted.sort_unstable_by_key(|entry| entry.last_offset);
        Ok(Self {
            aborted,
            first_open: None,
        })
    }

    /// Forgets what ends at or behind `log_end`.
    pub(crate) fn cut_end(&mut self, log_end: i64) {
        self.aborted.retain(|entry| entry.last_offset < log_end);
    }
}

impl Log {
    /// The end of what is stable below `limit`: no transaction that has not ended has a record before it.
    pub fn last_stable(&self, limit: i64) -> i64 {
        let open = self.transactions.first_open;
        open.map_or(limit, |open| open.min(limit))
    }

    /// The aborted transactions that have records from `from` on and below `upto`.
    pub fn aborted_between(&self, from: i64, upto: i64) -> Vec<AbortedTransaction> {
        let all = &self.transactions.aborted;
        let first = all.partition_point(|entry| entry.last_offset < from);
        let behind = all.get(first..).unwrap_or_default();
        let within = behind.iter().filter(|entry| entry.first_offset < upto);
        within.copied().collect()
    }

    /// Looks for the first open transaction anew.
    pub(crate) fn note_open_transactions(&mut self) {
        let open = self.producers.iter();
        self.transactions.first_open = open.filter_map(|(_, entry)| entry.open_transaction).min();
    }
}

#[cfg(test)]
mod tests;
