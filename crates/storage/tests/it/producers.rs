//! What the log knows of producers after a crash and after a stop: a batch that is sent again is known.

use std::sync::Arc;

use bytes::Bytes;
use mainstem_protocol::batch::{BatchBuilder, BatchOptions};
use mainstem_storage::disk::{Disk, MemDisk};
use mainstem_storage::{Log, LogConfig, OpenMode, validate_produced};

use super::{NOW_MS, append, open, small, sync};

fn produced(producer_epoch: i16, sequence: i32) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions {
        producer_id: 5,
        producer_epoch,
        base_sequence: sequence,
        ..BatchOptions::default()
    });
    builder.append(NOW_MS, None, Some(b"v"), &[]);
    builder.build().unwrap()
}

#[test]
fn a_repeated_batch_is_known_after_a_crash_too() {
    let disk = MemDisk::new();
    let (mut log, _) = open(Arc::new(disk.clone()), small(), OpenMode::default()).unwrap();
    for sequence in 0..30 {
        append(&mut log, produced(0, sequence), NOW_MS).unwrap();
    }
    let end = log.log_end();
    sync(&mut log).unwrap();
    let (mut log, _) = open(Arc::new(disk.crash(3)), small(), OpenMode::default()).unwrap();
    let repeated = validate_produced(produced(0, 29), log.config(), NOW_MS).unwrap();
    let appended = log.append_as_leader(&repeated, 0, NOW_MS).unwrap();
    assert!(appended.duplicate);
    assert_eq!((appended.first, log.log_end()), (end - 1, end));
    assert_eq!(append(&mut log, produced(0, 30), NOW_MS), Ok(end));
}

fn is_repeated(log: &mut Log, sequence: i32) -> bool {
    let again = validate_produced(produced(0, sequence), log.config(), NOW_MS).unwrap();
    log.append_as_leader(&again, 0, NOW_MS)
        .is_ok_and(|appended| appended.duplicate)
}

#[test]
fn a_repeated_batch_is_known_though_its_records_were_deleted() {
    let disk = MemDisk::new();
    let config = LogConfig::default();
    let (mut log, _) = open(Arc::new(disk.clone()), config.clone(), OpenMode::default()).unwrap();
    for sequence in 0..10 {
        append(&mut log, produced(0, sequence), NOW_MS).unwrap();
    }
    log.move_log_start(10, 10).unwrap();
    sync(&mut log).unwrap();
    let mode = OpenMode {
        log_start: 10,
        recovery_point: 10,
        ..OpenMode::default()
    };
    let (mut log, _) = open(Arc::new(disk.crash(3)), config, mode).unwrap();
    assert_eq!((log.log_start(), log.log_end()), (10, 10));
    assert!(is_repeated(&mut log, 9));
}

#[test]
fn five_batches_under_way_are_known_after_a_crash_wherever_a_segment_began() {
    let disk = MemDisk::new();
    let (mut log, _) = open(Arc::new(disk.clone()), small(), OpenMode::default()).unwrap();
    for sequence in 0..60 {
        append(&mut log, produced(0, sequence), NOW_MS).unwrap();
        sync(&mut log).unwrap();
        let (mut after, _) = open(Arc::new(disk.crash(3)), small(), OpenMode::default()).unwrap();
        for under_way in (sequence - 4).max(0)..=sequence {
            assert!(
                is_repeated(&mut after, under_way),
                "{under_way} of {sequence}"
            );
        }
    }
    assert!(log.segment_count() > 3);
}

#[test]
fn snapshots_of_clean_stops_do_not_pile_up() {
    let disk = MemDisk::new();
    let (mut log, _) = open(Arc::new(disk.clone()), small(), OpenMode::default()).unwrap();
    for sequence in 0..60 {
        append(&mut log, produced(0, sequence), NOW_MS).unwrap();
        log.close().unwrap();
        let mode = OpenMode {
            clean: true,
            recovery_point: log.log_end(),
            ..OpenMode::default()
        };
        (log, _) = open(Arc::new(disk.clone()), small(), mode).unwrap();
    }
    let names = disk.list(std::path::Path::new("/data/orders-0")).unwrap();
    let snapshots = names
        .iter()
        .filter(|entry| entry.name.ends_with(".snapshot"));
    // One for each segment but the first, and that of the last stop.
    assert!(snapshots.count() <= log.segment_count());
    assert!(is_repeated(&mut log, 57));
}
