//! Looking under the lock, reading without it: what comes in between must not show.

use std::sync::Arc;

use mainstem_storage::disk::{BudgetDisk, Disk, MemDisk};
use mainstem_storage::{Log, LogConfig, OpenMode};

use super::{NOW_MS, append, batch, open, sync};

fn small() -> LogConfig {
    LogConfig {
        segment_bytes: 1_000,
        index_interval_bytes: 100,
        ..LogConfig::default()
    }
}

/// A log of batches of two records, one for each timestamp.
fn timed(config: LogConfig, timestamps: &[i64]) -> Log {
    let (mut log, _) = open(Arc::new(MemDisk::new()), config, OpenMode::default()).unwrap();
    for (tag, timestamp) in (0..).zip(timestamps) {
        append(&mut log, batch(tag, 2, *timestamp), NOW_MS).unwrap();
    }
    log
}

/// The highest timestamp below every limit, by looking at each batch.
fn check_max_timestamps(log: &Log, timestamps: &[i64]) {
    for limit in log.log_start()..=log.log_end() {
        let expected = (0i64..)
            .step_by(2)
            .zip(timestamps)
            .filter(|(first, _)| first + 1 < limit && first + 1 >= log.log_start())
            .map(|(first, timestamp)| (*timestamp, -first.max(log.log_start())))
            .max()
            .map(|(timestamp, offset)| (timestamp, -offset));
        let found = log.offset_of_max_timestamp(limit).unwrap();
        let found = found.map(|found| (found.timestamp, found.offset));
        let start = log.log_start();
        assert_eq!(found, expected, "limit {limit}, log start {start}");
    }
}

#[test]
fn the_highest_timestamp_is_that_below_the_limit() {
    let ascending: Vec<i64> = (0..60).map(|at| NOW_MS + at).collect();
    let descending: Vec<i64> = (0..60).map(|at| NOW_MS - at).collect();
    let mixed: Vec<i64> = (0..60).map(|at| NOW_MS + (at * 37) % 23).collect();
    let equal = vec![NOW_MS; 60];
    for timestamps in [ascending, descending, mixed, equal] {
        for segment_bytes in [700, 1_500, 1 << 20] {
            let config = LogConfig {
                segment_bytes,
                ..small()
            };
            let mut log = timed(config, &timestamps);
            check_max_timestamps(&log, &timestamps);
            // What DeleteRecords took away does not count, be it the highest.
            for log_start in [1, 6, 31, 99] {
                log.move_log_start(log_start, log.log_end()).unwrap();
                check_max_timestamps(&log, &timestamps);
            }
        }
    }
}

#[test]
fn bytes_are_counted_without_reading_them() {
    let log = timed(small(), &[NOW_MS; 40]);
    let one = log.size_bytes() / 40;
    // Of the latest batches, each position is known; further back, an entry of the index is.
    let slack = 100 + one;
    for from in (0..log.log_end()).step_by(2) {
        for limit in (from..=log.log_end()).step_by(2) {
            let exact = u64::try_from((limit - from) / 2).unwrap() * one;
            let counted = log.bytes_between(from, limit);
            assert!(
                counted.abs_diff(exact) <= slack,
                "{from}..{limit}: {counted}, not {exact}"
            );
        }
    }
    assert_eq!(log.bytes_between(0, log.log_end()), log.size_bytes());
    assert_eq!(log.bytes_between(7, 7), 0);
}

#[test]
fn what_was_found_is_read_though_the_log_goes_on() {
    let (mut log, _) = open(Arc::new(MemDisk::new()), small(), OpenMode::default()).unwrap();
    for tag in 0..4 {
        append(&mut log, batch(tag, 2, NOW_MS), NOW_MS).unwrap();
    }
    let span = log.find(2, 6, 1 << 20, true).unwrap().unwrap();
    let now = log.read(2, 6, 1 << 20, true).unwrap();
    for tag in 0..60 {
        append(&mut log, batch(tag, 2, NOW_MS), NOW_MS).unwrap();
    }
    let later = span.read().unwrap().unwrap();
    assert_eq!((later.bytes, later.next_offset), (now.bytes, 6));
}

#[test]
fn a_segment_that_went_meanwhile_is_read_while_it_is_open_and_missed_when_not() {
    let dir = tempfile::tempdir().unwrap();
    // Room for few files: those of the first segment are closed when others are opened.
    for (budget, is_there) in [(1_000, true), (2, false)] {
        let disk: Arc<dyn Disk> = Arc::new(BudgetDisk::new(budget));
        let path = dir.path().join(format!("orders-{budget}"));
        let (mut log, _) = Log::open(disk, path, small(), OpenMode::default(), NOW_MS).unwrap();
        for tag in 0..60 {
            append(&mut log, batch(tag, 2, NOW_MS), NOW_MS).unwrap();
        }
        sync(&mut log).unwrap();
        let span = log.find(0, 6, 1 << 20, true).unwrap().unwrap();
        log.set_config(LogConfig {
            retention_bytes: 1_000,
            ..small()
        });
        let doomed = log.apply_retention(NOW_MS, log.log_end()).unwrap();
        assert!(!doomed.is_empty());
        doomed.remove().unwrap();
        assert_eq!(span.read().is_ok(), is_there, "budget {budget}");
        assert!(log.find(0, 6, 1 << 20, true).is_err());
    }
}

#[test]
fn leader_epochs_are_written_with_the_sync_and_found_in_the_batches_after_a_crash() {
    let disk = MemDisk::new();
    let (mut log, _) = open(Arc::new(disk.clone()), small(), OpenMode::default()).unwrap();
    append(&mut log, batch(1, 2, NOW_MS), NOW_MS).unwrap();
    let file = std::path::Path::new("/data/orders-0/leader-epoch-checkpoint");
    assert!(
        disk.open(file, false).is_err(),
        "appending writes no file but the log"
    );
    assert!(log.has_unsynced_files());
    // Killed before the sync: the page cache keeps the batches.
    let (log_after_kill, _) = open(Arc::new(disk.clone()), small(), OpenMode::default()).unwrap();
    assert_eq!(log_after_kill.epochs().epoch_of(1), Some(0));
    sync(&mut log).unwrap();
    assert!(!log.has_unsynced_files());
    let (log, _) = open(Arc::new(disk.crash(7)), small(), OpenMode::default()).unwrap();
    assert_eq!(log.epochs().epoch_of(1), Some(0));
}

#[test]
fn segments_without_timestamps_age_by_their_last_write() {
    let config = LogConfig {
        retention_ms: 1_000,
        ..small()
    };
    let mut log = timed(config, &[-1; 30]);
    let check = |log: &mut Log, now_ms: i64| {
        let doomed = log.apply_retention(now_ms, log.log_end()).unwrap();
        doomed.remove().unwrap();
        log.log_start()
    };
    assert_eq!(check(&mut log, NOW_MS + 1_000), 0, "not old enough");
    assert_eq!(check(&mut log, NOW_MS + 1_001), 60);
}
