//! The log as its users see it, on a disk in memory that crashes and on the real one.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "a test may fail loudly and list many cases"
)]

mod budget;
#[path = "../../../protocol/tests/it/checksum.rs"]
mod checksum;
mod crash;
mod log;
#[path = "../../../protocol/tests/it/mutate.rs"]
mod mutate;
mod mutations;
mod producers;
#[allow(dead_code, reason = "the tests of the codec use all of it")]
#[path = "../../../protocol/tests/it/sample.rs"]
mod sample;
mod span;
mod targets;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use mainstem_protocol::batch::{BatchBuilder, BatchOptions};
use mainstem_storage::disk::Disk;
use mainstem_storage::{Log, LogConfig, OpenMode, Repair, validate_produced};

const NOW_MS: i64 = 1_700_000_000_000;

/// A batch of `count` records whose values all begin with `tag`.
fn batch(tag: u64, count: u64, timestamp: i64) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for at in 0..count {
        let value = format!("{tag}-{at}-{}", "x".repeat(40));
        builder.append(timestamp, Some(b"key"), Some(value.as_bytes()), &[]);
    }
    builder.build().unwrap()
}

fn append(log: &mut Log, bytes: Bytes, now_ms: i64) -> Result<i64, String> {
    let valid =
        validate_produced(bytes, log.config(), now_ms).map_err(|error| error.to_string())?;
    log.append_as_leader(&valid, 0, now_ms)
        .map(|appended| appended.first)
        .map_err(|error| error.to_string())
}

fn sync(log: &mut Log) -> Result<i64, String> {
    let ticket = log.sync_ticket();
    ticket.sync().map_err(|error| error.to_string())?;
    Ok(log.on_synced(&ticket))
}

/// Settings under which a few batches fill a segment.
fn small() -> LogConfig {
    LogConfig {
        segment_bytes: 1_000,
        index_interval_bytes: 100,
        ..LogConfig::default()
    }
}

fn open(
    disk: Arc<dyn Disk>,
    config: LogConfig,
    mode: OpenMode,
) -> Result<(Log, Option<Repair>), String> {
    Log::open(disk, PathBuf::from("/data/orders-0"), config, mode, NOW_MS)
        .map_err(|error| error.to_string())
}

/// Every stored batch from the log start on, as (base offset, bytes).
fn contents(log: &Log) -> Vec<(i64, Bytes)> {
    let mut found = Vec::new();
    let mut from = log.log_start();
    while from < log.log_end() {
        let slice = log.read(from, log.log_end(), 1, true).unwrap();
        assert!(
            slice.next_offset > from,
            "offset {from} reads nothing below {}",
            log.log_end()
        );
        found.push((from, slice.bytes));
        from = slice.next_offset;
    }
    found
}
