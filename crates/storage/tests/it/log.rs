//! Reading, rolling, time, retention, truncation, restart.

use std::sync::Arc;

use bytes::Bytes;
use mainstem_protocol::ErrorCode;
use mainstem_protocol::batch::{BatchBuilder, BatchHeader, BatchOptions, TimestampType};
use mainstem_protocol::compress::Codec;
use mainstem_storage::disk::{Disk, MemDisk, RealDisk};
use mainstem_storage::{CompressionPolicy, Log, LogConfig, OpenMode, ReadError, validate_produced};

use super::{NOW_MS, append, batch, contents, open, small, sync};

fn filled(config: LogConfig, batches: u64) -> (Log, MemDisk) {
    let disk = MemDisk::new();
    let (mut log, _) = open(Arc::new(disk.clone()), config, OpenMode::default()).unwrap();
    for step in 0..batches {
        append(
            &mut log,
            batch(step, 2, NOW_MS + i64::try_from(step).unwrap() * 10),
            NOW_MS,
        )
        .unwrap();
    }
    (log, disk)
}

#[test]
fn every_offset_reads_the_batch_that_holds_it() {
    let (log, _) = filled(small(), 40);
    assert!(log.segment_count() > 3);
    for offset in 0..log.log_end() {
        let slice = log.read(offset, log.log_end(), 1, true).unwrap();
        let header = BatchHeader::parse(&slice.bytes).unwrap();
        assert!(
            header.base_offset <= offset && offset <= header.last_offset(),
            "{offset}: {header:?}"
        );
    }
    assert!(
        log.read(log.log_end(), log.log_end(), 100, true)
            .unwrap()
            .bytes
            .is_empty()
    );
    assert_eq!(
        log.read(log.log_end() + 1, i64::MAX, 100, true)
            .unwrap_err()
            .code(),
        ErrorCode::OffsetOutOfRange
    );
}

#[test]
fn a_read_stays_within_its_bytes_and_its_limit() {
    let (log, _) = filled(
        LogConfig {
            index_interval_bytes: 100,
            ..LogConfig::default()
        },
        40,
    );
    let one = log.read(0, 2, 1, true).unwrap().bytes.len();
    for budget in [one, 3 * one, 10 * one + 7] {
        let slice = log.read(4, log.log_end(), budget, true).unwrap();
        assert!(
            slice.bytes.len() <= budget && slice.bytes.len() > budget - one,
            "{budget}: {}",
            slice.bytes.len()
        );
    }
    assert!(
        log.read(4, log.log_end(), one - 1, false)
            .unwrap()
            .bytes
            .is_empty()
    );
    assert_eq!(log.read(4, 8, 1 << 20, true).unwrap().next_offset, 8);
}

#[test]
fn time_finds_the_first_record_not_before_it() {
    let (log, _) = filled(small(), 40);
    let check = |after_start: i64, offset: Option<i64>| {
        let found = log
            .offset_by_time(NOW_MS + after_start, log.log_end())
            .unwrap();
        assert_eq!(found.map(|found| found.offset), offset, "{after_start}");
    };
    check(-5, Some(0));
    check(0, Some(0));
    check(1, Some(2));
    check(155, Some(32));
    check(390, Some(78));
    check(391, None);
    assert_eq!(
        log.offset_of_max_timestamp(log.log_end())
            .unwrap()
            .unwrap()
            .offset,
        78
    );
}

#[test]
fn a_search_that_nobody_waits_for_ends() {
    let (log, _) = filled(small(), 40);
    let span = log.find_time(NOW_MS + 155, 0, log.log_end()).unwrap();
    let asked = std::cell::Cell::new(0);
    let goes_on = |times: i32| {
        asked.set(asked.get() + 1);
        asked.get() < times
    };
    let given_up = Err(ReadError::Abandoned);
    assert_eq!(span.search(&|| goes_on(1)), given_up);
    let highest = log.find_max_timestamp(log.log_end());
    assert_eq!(highest.search(&|| goes_on(3)), given_up);
    assert!(asked.get() <= 3, "asked before each batch");
    assert_eq!(span.search(&|| true).unwrap().unwrap().offset, 32);
}

#[test]
fn a_clean_stop_is_loaded_without_loss() {
    let (mut log, disk) = filled(small(), 40);
    sync(&mut log).unwrap();
    let before = contents(&log);
    log.close().unwrap();
    let mode = OpenMode {
        clean: true,
        recovery_point: log.log_end(),
        log_start: 0,
        ..OpenMode::default()
    };
    let (log, repair) = open(Arc::new(disk), small(), mode).unwrap();
    assert_eq!(repair, None);
    assert_eq!(contents(&log), before);
    assert_eq!(log.durable_end(), log.log_end());
    assert_eq!(
        log.offset_by_time(NOW_MS + 155, log.log_end())
            .unwrap()
            .unwrap()
            .offset,
        32
    );
}

#[test]
fn a_torn_tail_is_cut_and_said_so() {
    let (log, disk) = filled(small(), 10);
    let end = log.log_end();
    let before = contents(&log);
    drop(log);
    let names = disk.list("/data/orders-0".as_ref()).unwrap();
    let last = names
        .iter()
        .rfind(|entry| entry.name.ends_with(".log"))
        .unwrap();
    let file = disk
        .open(
            &std::path::Path::new("/data/orders-0").join(&last.name),
            false,
        )
        .unwrap();
    let length = file.length().unwrap();
    file.write_at(length, &[7; 33], &[]).unwrap();
    let (log, repair) = open(Arc::new(disk), small(), OpenMode::default()).unwrap();
    let repair = repair.unwrap();
    assert_eq!((repair.cut_bytes, repair.at_offset), (33, end));
    assert_eq!(contents(&log), before);
}

#[test]
fn old_segments_go_and_the_log_starts_later() {
    let config = LogConfig {
        retention_ms: 100,
        ..small()
    };
    let (mut log, disk) = filled(config, 40);
    let end = log.log_end();
    log.apply_retention(NOW_MS + 300, 40)
        .unwrap()
        .remove()
        .unwrap();
    assert!(
        log.log_start() > 0 && log.log_start() <= 40,
        "{}",
        log.log_start()
    );
    assert_eq!(log.log_end(), end);
    assert_eq!(
        log.read(0, end, 100, true).unwrap_err().code(),
        ErrorCode::OffsetOutOfRange
    );
    log.apply_retention(NOW_MS + 100_000, end)
        .unwrap()
        .remove()
        .unwrap();
    assert_eq!((log.log_start(), log.log_end()), (end, end));
    assert_eq!(append(&mut log, batch(1, 1, NOW_MS), NOW_MS), Ok(end));
    let names = disk.list("/data/orders-0".as_ref()).unwrap();
    let bases = names
        .iter()
        .filter_map(|entry| entry.name.split_once('.')?.0.parse().ok());
    assert!(bases.clone().all(|base: i64| base >= end), "{names:?}");
}

#[test]
fn a_segment_is_as_old_as_its_newest_record_says_also_in_the_future() {
    let config = LogConfig {
        retention_ms: 100,
        ..small()
    };
    let ahead_ms = 3_000_000;
    let disk = MemDisk::new();
    let (mut log, _) = open(Arc::new(disk), config.clone(), OpenMode::default()).unwrap();
    // One record of the first segment is from the future; those behind it are from now.
    for step in 0..40 {
        let timestamp = NOW_MS + if step == 1 { ahead_ms } else { 0 };
        append(&mut log, batch(step, 2, timestamp), NOW_MS).unwrap();
    }
    let (segments, end) = (log.segment_count(), log.log_end());
    assert!(segments > 3);
    // Nothing goes before what is older in the log has gone.
    for after_ms in [0, 101, ahead_ms, ahead_ms + 100] {
        assert!(!log.has_retired(NOW_MS + after_ms, end), "{after_ms}");
    }
    assert!(log.has_retired(NOW_MS + ahead_ms + 101, end));
    for keeps in [
        LogConfig {
            retention_ms: -1,
            ..config.clone()
        },
        LogConfig {
            delete: false,
            ..config.clone()
        },
    ] {
        log.set_config(keeps);
        assert!(!log.has_retired(i64::MAX, end));
    }
    log.set_config(config);
    let doomed = log.apply_retention(NOW_MS + ahead_ms + 101, end).unwrap();
    doomed.remove().unwrap();
    assert_eq!(log.log_start(), end);
}

/// How many milliseconds each segment is open, when a batch comes every millisecond.
fn open_for(dir: &str, config: &LogConfig, batches: i64) -> Vec<i64> {
    let disk: Arc<dyn Disk> = Arc::new(MemDisk::new());
    let mode = OpenMode::default();
    let (mut log, _) = Log::open(disk, dir.into(), config.clone(), mode, NOW_MS).unwrap();
    let (mut began, mut found) = (0, Vec::new());
    for after_ms in 0..batches {
        let segments = log.segment_count();
        append(&mut log, batch(1, 1, NOW_MS + after_ms), NOW_MS).unwrap();
        if log.segment_count() > segments {
            found.push(after_ms - began);
            began = after_ms;
        }
    }
    found
}

#[test]
fn segments_roll_by_the_time_of_their_records() {
    let config = LogConfig {
        segment_ms: 100,
        ..LogConfig::default()
    };
    assert_eq!(open_for("/data/orders-0", &config, 305), [101, 101, 101]);
    // Records without a time roll by the clock.
    let disk = Arc::new(MemDisk::new());
    let (mut log, _) = open(disk, config, OpenMode::default()).unwrap();
    for (after_ms, segments) in [(0, 1), (100, 1), (101, 2), (201, 2), (202, 3)] {
        append(&mut log, batch(1, 1, -1), NOW_MS + after_ms).unwrap();
        assert_eq!(log.segment_count(), segments, "{after_ms}");
    }
}

#[test]
fn each_segment_has_its_own_jitter() {
    let config = LogConfig {
        segment_ms: 100,
        segment_jitter_ms: 60,
        ..LogConfig::default()
    };
    let found = open_for("/data/orders-0", &config, 3_000);
    assert!(found.len() > 29 && found.iter().all(|open| (42..=101).contains(open)));
    let spread: std::collections::BTreeSet<_> = found.iter().collect();
    assert!(spread.len() > 15, "{found:?}");
    assert!(found.iter().min() < Some(&50) && found.iter().max() > Some(&90));
    // The same log does it again, another one in its own way.
    assert_eq!(open_for("/data/orders-0", &config, 3_000), found);
    assert_ne!(open_for("/data/orders-1", &config, 3_000), found);
    // No segment is open for less than no time.
    let config = LogConfig {
        segment_jitter_ms: i64::MAX,
        ..config
    };
    let found = open_for("/data/orders-0", &config, 1_000);
    assert!(
        found.iter().all(|open| (2..=101).contains(open)),
        "{found:?}"
    );
}

#[test]
fn too_much_goes_from_the_front() {
    let (mut log, _) = filled(
        LogConfig {
            retention_bytes: 2_500,
            ..small()
        },
        60,
    );
    log.apply_retention(NOW_MS, log.log_end())
        .unwrap()
        .remove()
        .unwrap();
    assert!(
        log.size_bytes() >= 2_500 && log.size_bytes() < 3_600,
        "{}",
        log.size_bytes()
    );
}

#[test]
fn a_cut_log_goes_on_from_the_cut() {
    let (mut log, _) = filled(small(), 40);
    log.truncate_to(31).unwrap();
    assert_eq!(log.log_end(), 30, "the batch 30-31 goes as a whole");
    assert_eq!(append(&mut log, batch(9, 1, NOW_MS), NOW_MS), Ok(30));
    assert_eq!(contents(&log).last().unwrap().0, 30);
}

#[test]
fn what_the_topic_does_not_want_is_refused_with_kafkas_code() {
    let check = |config: LogConfig, bytes: Bytes, code: ErrorCode| {
        assert_eq!(
            validate_produced(bytes, &config, NOW_MS)
                .unwrap_err()
                .code(),
            code
        );
    };
    let base = LogConfig::default();
    check(
        LogConfig {
            max_message_bytes: 100,
            ..base.clone()
        },
        batch(1, 9, NOW_MS),
        ErrorCode::MessageTooLarge,
    );
    check(
        LogConfig {
            segment_bytes: 100,
            ..base.clone()
        },
        batch(1, 9, NOW_MS),
        ErrorCode::RecordListTooLarge,
    );
    check(
        base.clone(),
        batch(1, 1, NOW_MS + 3_600_001),
        ErrorCode::InvalidTimestamp,
    );
    check(
        LogConfig {
            timestamp_before_max_ms: 10,
            ..base.clone()
        },
        batch(1, 1, NOW_MS - 11),
        ErrorCode::InvalidTimestamp,
    );
    let mut keyless = BatchBuilder::new(BatchOptions::default());
    keyless.append(NOW_MS, None, Some(b"v"), &[]);
    check(
        LogConfig {
            compact: true,
            ..base
        },
        keyless.build().unwrap(),
        ErrorCode::InvalidRecord,
    );
}

#[test]
fn the_topic_may_rewrite_time_and_codec() {
    let config = LogConfig {
        timestamp_type: TimestampType::LogAppendTime,
        compression: CompressionPolicy::Codec(Codec::Zstd),
        ..LogConfig::default()
    };
    let (mut log, _) = open(Arc::new(MemDisk::new()), config, OpenMode::default()).unwrap();
    append(&mut log, batch(1, 3, 5), NOW_MS).unwrap();
    let stored = log.read(0, 3, 1, true).unwrap().bytes;
    let header = BatchHeader::parse(&stored).unwrap();
    header.check_crc(&stored).unwrap();
    assert_eq!(header.attributes.codec().unwrap(), Codec::Zstd);
    assert_eq!(
        (header.attributes.timestamp_type(), header.max_timestamp),
        (TimestampType::LogAppendTime, NOW_MS)
    );
}

#[test]
fn the_real_disk_does_what_the_one_in_memory_does() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders-0");
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let (mut log, _) = Log::open(
        disk.clone(),
        path.clone(),
        small(),
        OpenMode::default(),
        NOW_MS,
    )
    .unwrap();
    for step in 0..40 {
        append(&mut log, batch(step, 2, NOW_MS), NOW_MS).unwrap();
    }
    sync(&mut log).unwrap();
    let before = contents(&log);
    drop(log);
    let (mut log, repair) = Log::open(
        disk.clone(),
        path.clone(),
        small(),
        OpenMode::default(),
        NOW_MS,
    )
    .unwrap();
    assert_eq!(repair, None);
    assert_eq!(contents(&log), before);
    log.close().unwrap();
    let mode = OpenMode {
        clean: true,
        recovery_point: log.log_end(),
        log_start: 0,
        ..OpenMode::default()
    };
    let (log, _) = Log::open(disk, path, small(), mode, NOW_MS).unwrap();
    assert_eq!(contents(&log), before);
}

#[test]
fn an_epoch_is_known_from_its_begin_and_kept_from_its_first_batch() {
    let disk: Arc<dyn Disk> = Arc::new(MemDisk::new());
    let clean = |log_end: i64| OpenMode {
        clean: true,
        recovery_point: log_end,
        ..OpenMode::default()
    };
    let appended = |log: &mut Log, epoch: i32| {
        let valid = validate_produced(batch(1, 2, NOW_MS), log.config(), NOW_MS).unwrap();
        log.append_as_leader(&valid, epoch, NOW_MS).unwrap();
    };
    let mode = OpenMode::default();
    let (mut log, _) = open(disk.clone(), small(), mode).unwrap();
    log.begin_epoch(3);
    assert_eq!(log.epochs().end_of(3, 0), Some((3, 0)));
    appended(&mut log, 3);
    log.close().unwrap();
    let (mut log, _) = open(disk.clone(), small(), clean(2)).unwrap();
    assert_eq!(log.epochs().latest(), Some(3), "it has a batch");
    log.begin_epoch(5);
    assert_eq!(log.epochs().end_of(3, 2), Some((3, 2)));
    assert_eq!(log.epochs().end_of(5, 2), Some((5, 2)));
    log.close().unwrap();
    let (mut log, _) = open(disk, small(), clean(2)).unwrap();
    assert_eq!(log.epochs().latest(), Some(3), "it had no batch");
    // An epoch that is not newer begins nothing.
    log.begin_epoch(3);
    log.begin_epoch(-1);
    assert_eq!(log.epochs().end_of(3, 2), Some((3, 2)));
}

#[test]
fn a_time_behind_records_that_have_none_begins_no_segment() {
    let (mut log, _) = open(
        Arc::new(MemDisk::new()),
        LogConfig::default(),
        OpenMode::default(),
    )
    .unwrap();
    append(&mut log, batch(0, 1, -1), NOW_MS).unwrap();
    append(&mut log, batch(1, 1, NOW_MS), NOW_MS).unwrap();
    assert_eq!(log.segment_count(), 1);
}
