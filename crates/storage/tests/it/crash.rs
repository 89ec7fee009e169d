//! Crash after the k-th operation, for every k: what a sync covered is there, whole and unchanged.

use std::sync::Arc;

use bytes::Bytes;
use mainstem_storage::disk::{Disk, DiskFile, MemDisk, read_small, write_small};
use mainstem_storage::{Log, LogConfig, OpenMode};

use super::{NOW_MS, append, batch, contents, open, sync};

/// Longer than records are kept.
const A_MONTH_MS: i64 = 30 * 86_400_000;

fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 700,
        index_interval_bytes: 100,
        retention_bytes: 2_000,
        ..LogConfig::default()
    }
}

/// What the workload was promised.
#[derive(Debug, Default)]
struct Promised {
    /// Everything below is durable.
    durable_end: i64,
    /// As a checkpoint on stable storage would say.
    recovery_point: i64,
    /// Batches in the order of appending.
    batches: Vec<(i64, Bytes)>,
}

/// Appends, rolls, syncs, drops old segments, until the disk is gone.
fn work(log: &mut Log, promised: &mut Promised) -> Result<(), String> {
    for step in 0..32u64 {
        let first = append(log, batch(step, 1 + step % 3, NOW_MS), NOW_MS)?;
        let slice = log
            .read(first, log.log_end(), 1, true)
            .map_err(|error| error.to_string())?;
        promised.batches.push((first, slice.bytes));
        if step % 3 == 2 {
            promised.durable_end = sync(log)?;
        }
        if step % 8 == 7 {
            promised.recovery_point = log.durable_end();
            // Once all of it is durable and old: the log goes on where it was, in a segment that is new.
            let now_ms = NOW_MS + if step == 23 { A_MONTH_MS } else { 0 };
            log.apply_retention(now_ms, log.durable_end())
                .map_err(|error| error.to_string())?
                .remove()
                .map_err(|error| error.to_string())?;
        }
    }
    log.close().map_err(|error| error.to_string())?;
    promised.durable_end = log.log_end();
    Ok(())
}

/// Runs the workload, crashes at operation `count`, and checks what the next start finds. Returns false when the workload ended
/// before it.
fn crash_at(count: u64, seed: u64) -> bool {
    let disk = MemDisk::new();
    let mut promised = Promised::default();
    // The log directory itself was there before.
    disk.create_dir("/data".as_ref()).unwrap();
    disk.sync_dir("/".as_ref()).unwrap();
    let count = disk.operations() + count;
    disk.fail_from(count);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let finished = open(shared, config(), OpenMode::default())
        .and_then(|(mut log, _)| work(&mut log, &mut promised))
        .is_ok();
    let after = disk.crash(seed);
    let mode = OpenMode {
        recovery_point: promised.recovery_point,
        ..OpenMode::default()
    };
    let (log, _) = open(Arc::new(after.clone()), config(), mode).unwrap();
    assert!(
        log.log_end() >= promised.durable_end,
        "crash at {count}, seed {seed}: {} was durable, the log ends at {}",
        promised.durable_end,
        log.log_end()
    );
    let found = contents(&log);
    for (offset, bytes) in &found {
        let (_, written) = promised
            .batches
            .iter()
            .find(|(first, _)| first == offset)
            .unwrap();
        assert_eq!(
            written, bytes,
            "crash at {count}, seed {seed}: offset {offset} changed"
        );
    }
    // A crash right after recovery, before anything was synced again, finds the same below the durable end.
    let again = after.crash(seed ^ 0xabcd);
    let (log, _) = open(Arc::new(again), config(), mode).unwrap();
    assert!(
        log.log_end() >= promised.durable_end,
        "crash at {count}, seed {seed}: the second start lost records"
    );
    let second = contents(&log);
    for pair in found
        .iter()
        .filter(|(offset, _)| *offset < promised.durable_end && *offset >= log.log_start())
    {
        assert!(
            second.contains(pair),
            "crash at {count}, seed {seed}: {} differs at the second start",
            pair.0
        );
    }
    !finished
}

#[test]
fn what_was_synced_survives_a_crash_at_every_operation() {
    for seed in 0..6 {
        let mut count = 1;
        while crash_at(count, seed * 7_919 + count) {
            count += 1;
        }
        assert!(
            count > 60,
            "the workload is long enough to mean something: {count}"
        );
    }
}

#[test]
fn a_failed_sync_ends_the_log() {
    let disk = MemDisk::new();
    let (mut log, _) = open(Arc::new(disk.clone()), config(), OpenMode::default()).unwrap();
    append(&mut log, batch(1, 1, NOW_MS), NOW_MS).unwrap();
    sync(&mut log).unwrap();
    append(&mut log, batch(2, 1, NOW_MS), NOW_MS).unwrap();
    disk.fail_syncs();
    let ticket = log.sync_ticket();
    let error = ticket.sync().unwrap_err();
    log.poison(&error);
    assert!(
        append(&mut log, batch(2, 1, NOW_MS), NOW_MS)
            .unwrap_err()
            .contains("offline")
    );
    // Only writing ends: what was durable before is read on.
    let durable = log.read(0, log.durable_end(), 1_000, true).unwrap();
    assert_eq!(durable.next_offset, 1);
}

#[test]
fn a_small_file_that_cannot_be_kept_leaves_the_old_one_and_nothing_else() {
    let disk = MemDisk::new();
    let path = std::path::Path::new("/data/file");
    disk.create_dir("/data".as_ref()).unwrap();
    write_small(&disk, path, b"old").unwrap();
    disk.fail_syncs();
    write_small(&disk, path, b"new").unwrap_err();
    assert_eq!(read_small(&disk, path).unwrap().unwrap(), b"old");
    assert_eq!(disk.list("/data".as_ref()).unwrap().len(), 1);
}

#[test]
fn a_failed_write_ends_the_log() {
    let disk = MemDisk::new();
    let (mut log, _) = open(Arc::new(disk.clone()), config(), OpenMode::default()).unwrap();
    append(&mut log, batch(1, 1, NOW_MS), NOW_MS).unwrap();
    disk.fail_from(disk.operations() + 1);
    assert!(append(&mut log, batch(2, 1, NOW_MS), NOW_MS).is_err());
    assert!(
        append(&mut log, batch(3, 1, NOW_MS), NOW_MS)
            .unwrap_err()
            .contains("offline")
    );
}

#[test]
fn what_a_start_found_in_the_page_cache_is_durable_after_one_sync() {
    for seed in 0..50 {
        let disk = MemDisk::new();
        disk.create_dir("/data".as_ref()).unwrap();
        disk.sync_dir("/".as_ref()).unwrap();
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let config = LogConfig {
            retention_bytes: -1,
            ..config()
        };
        let (mut log, _) = open(shared.clone(), config.clone(), OpenMode::default()).unwrap();
        // Several segments, and no sync: the process is killed, the machine goes on.
        for step in 0..24 {
            append(&mut log, batch(step, 2, NOW_MS), NOW_MS).unwrap();
        }
        drop(log);
        let (mut log, _) = open(shared, config.clone(), OpenMode::default()).unwrap();
        assert_eq!(sync(&mut log).unwrap(), 48);
        let found = contents(&log);
        // As a checkpoint would say it. Now the power goes.
        let mode = OpenMode {
            recovery_point: 48,
            ..OpenMode::default()
        };
        let (log, repair) = open(Arc::new(disk.crash(seed)), config, mode).unwrap();
        assert!(repair.is_none(), "seed {seed}: {repair:?}");
        assert_eq!(contents(&log), found, "seed {seed}");
    }
}

/// A log of forty batches, of which the file of one segment was changed by `damage`; opened again after an unclean stop, with
/// everything below the recovery point.
fn check_damage(config: LogConfig, timestamp: i64, segment: usize, damage: fn(&dyn DiskFile)) {
    let disk = MemDisk::new();
    let (mut log, _) = open(Arc::new(disk.clone()), config.clone(), OpenMode::default()).unwrap();
    for step in 0..40 {
        append(&mut log, batch(step, 2, timestamp), NOW_MS).unwrap();
    }
    sync(&mut log).unwrap();
    let (before, end) = (contents(&log), log.log_end());
    let dir = std::path::Path::new("/data/orders-0");
    let names = disk.list(dir).unwrap();
    let mut logs = names.iter().filter(|entry| entry.name.ends_with(".log"));
    let name = &logs.nth(segment).unwrap().name;
    assert!(logs.count() > 3);
    damage(&*disk.open(&dir.join(name), false).unwrap());
    let mode = OpenMode {
        recovery_point: end,
        ..OpenMode::default()
    };
    let (log, repair) = open(Arc::new(disk), config, mode).unwrap();
    assert_eq!((repair, log.log_start(), log.log_end()), (None, 0, end));
    let readable = |offset: i64| log.read(offset, end, 1, true).map(|slice| slice.bytes);
    let damaged = before
        .iter()
        .filter(|(offset, bytes)| readable(*offset).as_ref() != Ok(bytes));
    assert_eq!(
        damaged.count(),
        1,
        "the batch that was cut is missed, and no other"
    );
}

#[test]
fn damage_in_an_old_segment_costs_no_other() {
    let settings = LogConfig {
        retention_bytes: -1,
        ..config()
    };
    // The last bytes are lost, behind what its index tells of.
    let cut = |file: &dyn DiskFile| file.set_length(file.length().unwrap() - 7).unwrap();
    check_damage(settings.clone(), NOW_MS, 2, cut);
    // Without timestamps there is nothing in the time index, and nothing lost.
    check_damage(settings, -1, 2, cut);
}

#[test]
fn damage_in_what_was_synced_is_no_torn_tail() {
    let disk = MemDisk::new();
    let (mut log, _) = open(
        Arc::new(disk.clone()),
        LogConfig::default(),
        OpenMode::default(),
    )
    .unwrap();
    for step in 0..40 {
        append(&mut log, batch(step, 2, NOW_MS), NOW_MS).unwrap();
    }
    sync(&mut log).unwrap();
    let end = log.log_end();
    let path = std::path::Path::new("/data/orders-0/00000000000000000000.log");
    let file = disk.open(path, false).unwrap();
    file.write_at(100, &[0xff, 0xee, 0x11], &[]).unwrap();
    let length = file.length().unwrap();
    let mode = OpenMode {
        recovery_point: end,
        ..OpenMode::default()
    };
    let error = open(Arc::new(disk.clone()), LogConfig::default(), mode).unwrap_err();
    assert!(error.contains("sound batches follow"), "{error}");
    assert_eq!(file.length().unwrap(), length, "and it was left as it is");
    // What was never synced may be torn.
    let (log, repair) = open(Arc::new(disk), LogConfig::default(), OpenMode::default()).unwrap();
    assert!(repair.is_some() && log.log_end() < end);
}
