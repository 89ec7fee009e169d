//! Looking under the lock, reading without it: what comes in between must not show.

use std::io::{Read, Seek};
use std::sync::Arc;

use mainstem_protocol::batch::{BatchBuilder, BatchHeader, BatchOptions};
use mainstem_storage::disk::{BudgetDisk, Disk, MemDisk};
use mainstem_storage::{FoundBatches, Log, LogConfig, OpenMode};

use super::{NOW_MS, append, batch, open, small, sync};

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

/// A batch of one record of `bytes` bytes.
fn large(tag: u8, bytes: usize) -> bytes::Bytes {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(NOW_MS, None, Some(&vec![tag; bytes]), &[]);
    builder.build().unwrap()
}

#[test]
fn batches_that_are_sent_from_their_file_are_those_that_would_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders-0");
    let disk: Arc<dyn Disk> = Arc::new(BudgetDisk::new(100));
    let config = LogConfig {
        segment_bytes: 1_000_000,
        ..LogConfig::default()
    };
    let (mut log, _) = Log::open(disk, path, config, OpenMode::default(), NOW_MS).unwrap();
    // Large ones, then small ones, then large ones again, over several segments.
    let sizes = [20_000, 100_000, 30_000].iter().cycle().take(40);
    let sizes = sizes.chain([200; 500].iter()).chain([50_000; 20].iter());
    for (tag, size) in (0..=250).cycle().zip(sizes) {
        append(&mut log, large(tag, *size), NOW_MS).unwrap();
    }
    let (mut stored, mut read) = (0, 0);
    for from in (0..log.log_end()).step_by(3) {
        for (limit, max_bytes) in [
            (log.log_end(), 1 << 20),
            (from + 5, 1 << 20),
            (from + 30, 300_000),
        ] {
            let limit = limit.min(log.log_end());
            let span = log.find(from, limit, max_bytes, true).unwrap().unwrap();
            let expected = span.read().unwrap().unwrap().bytes;
            match span.find_or_read().unwrap().unwrap() {
                FoundBatches::Read(slice) => {
                    assert_eq!(slice.bytes, expected, "{from}..{limit}");
                    read += 1;
                }
                FoundBatches::Stored(batches) => {
                    let mut socket = tempfile::tempfile().unwrap();
                    let mut sent = 0;
                    while sent < batches.len() {
                        sent += batches.send(sent, &socket).unwrap();
                    }
                    let mut bytes = Vec::new();
                    socket.rewind().unwrap();
                    socket.read_to_end(&mut bytes).unwrap();
                    // It may end before a small batch, which is left to be read; never inside one.
                    let (whole, rest) = expected.split_at(bytes.len());
                    assert!(whole == bytes, "{from}..{limit}");
                    assert!(rest.is_empty() || rest.len() > 61 && BatchHeader::parse(rest).is_ok());
                    stored += 1;
                }
            }
        }
    }
    assert!(
        stored > 50 && read > 50,
        "{stored} were sent, {read} were read"
    );
}

#[test]
fn a_file_that_somebody_cut_ends_an_answer_instead_of_going_on_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders-0");
    let disk: Arc<dyn Disk> = Arc::new(BudgetDisk::new(100));
    let (mut log, _) = Log::open(
        disk,
        path.clone(),
        LogConfig::default(),
        OpenMode::default(),
        NOW_MS,
    )
    .unwrap();
    append(&mut log, large(7, 100_000), NOW_MS).unwrap();
    let span = log.find(0, 1, 1 << 20, true).unwrap().unwrap();
    let Some(FoundBatches::Stored(batches)) = span.find_or_read().unwrap() else {
        panic!("a large batch is sent from its file");
    };
    let file = std::fs::File::options()
        .write(true)
        .open(path.join("00000000000000000000.log"))
        .unwrap();
    file.set_len(10).unwrap();
    let socket = tempfile::tempfile().unwrap();
    assert_eq!(batches.send(0, &socket).unwrap(), 10);
    let error = batches.send(10, &socket).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
}
