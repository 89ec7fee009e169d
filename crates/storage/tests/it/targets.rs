//! What arbitrary bytes on disk are given to. Each is a plain function: tests call them with mutated samples, `fuzz/` with what a fuzzer
//! finds.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use mainstem_protocol::batch::{BatchBuilder, BatchOptions, batches};
use mainstem_storage::disk::{Disk, MemDisk};
use mainstem_storage::{Log, LogConfig, OpenMode, log_dir, read_offsets, validate_produced};

const NOW_MS: i64 = 1_700_000_000_000;
const DIR: &str = "/data/orders-0";

/// The files of a small log: one segment that is closed, one that is appended to, producers, epochs.
pub(crate) fn sound_log() -> Vec<(String, Vec<u8>)> {
    let disk = MemDisk::new();
    let mut log = open(&disk, OpenMode::default()).unwrap();
    for step in 0..8 {
        append(&mut log, step);
    }
    log.close().unwrap();
    let names = disk.list(Path::new(DIR)).unwrap();
    let read = |name: &str| {
        let file = disk.open(&Path::new(DIR).join(name), false).unwrap();
        let mut bytes = vec![0; usize::try_from(file.length().unwrap()).unwrap()];
        file.read_at(0, &mut bytes).unwrap();
        bytes
    };
    let files = names.into_iter().map(|entry| entry.name);
    files.map(|name| (name.clone(), read(&name))).collect()
}

fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 600,
        index_interval_bytes: 100,
        ..LogConfig::default()
    }
}

fn open(disk: &MemDisk, mode: OpenMode) -> Result<Log, String> {
    Log::open(
        Arc::new(disk.clone()),
        PathBuf::from(DIR),
        config(),
        mode,
        NOW_MS,
    )
    .map(|(log, _)| log)
    .map_err(|error| error.to_string())
}

fn append(log: &mut Log, sequence: i32) -> i64 {
    let mut builder = BatchBuilder::new(BatchOptions {
        producer_id: 9,
        producer_epoch: 0,
        base_sequence: sequence,
        ..BatchOptions::default()
    });
    let timestamp = NOW_MS + i64::from(sequence);
    builder.append(timestamp, Some(b"key"), Some(&[7; 60]), &[]);
    let valid = validate_produced(builder.build().unwrap(), log.config(), NOW_MS).unwrap();
    log.append_as_leader(&valid, 3, NOW_MS).unwrap().first
}

fn put(disk: &MemDisk, path: &Path, bytes: &[u8]) {
    if let Some(parent) = path.parent() {
        disk.create_dir(parent).unwrap();
    }
    let file = disk.open(path, true).unwrap();
    file.set_length(0).unwrap();
    file.write_at(0, bytes, &[]).unwrap();
}

/// The first byte chooses a file of a sound log and whether the last stop counts as clean; the rest becomes that file. Whatever it is:
/// the log opens or says why not, keeps its order, serves what it says it has, takes more, and opens again as it was.
pub(crate) fn damaged_log(bytes: &[u8]) {
    let Some((choice, content)) = bytes.split_first() else {
        return;
    };
    let mut files = sound_log();
    let at = usize::from(*choice >> 1) % files.len();
    content.clone_into(&mut files[at].1);
    let disk = MemDisk::new();
    for (name, bytes) in &files {
        put(&disk, &Path::new(DIR).join(name), bytes);
    }
    let clean = choice & 1 == 1;
    let mode = OpenMode {
        clean,
        ..OpenMode::default()
    };
    let Ok(mut log) = open(&disk, mode) else {
        return;
    };
    assert!(log.log_start() <= log.log_end());
    read_all(&log, !clean);
    let _ = log.offset_by_time(NOW_MS + 4, log.log_end());
    let _ = log.offset_of_max_timestamp(log.log_end());
    if log.log_end() > 1 << 40 {
        // Offsets that nobody gave: nothing can be appended behind the last of all.
        return;
    }
    let sequence = 1_000;
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(NOW_MS, None, Some(&sequence.to_string().into_bytes()), &[]);
    let batch = validate_produced(builder.build().unwrap(), log.config(), NOW_MS).unwrap();
    let end = log.log_end();
    assert_eq!(log.append_as_leader(&batch, 3, NOW_MS).unwrap().first, end);
    let ticket = log.sync_ticket();
    ticket.sync().unwrap();
    log.on_synced(&ticket);
    if !clean {
        // What recovery left and what came behind it is there again after the next crash, to the byte.
        let before = read_all(&log, true);
        let bounds = (log.log_start(), log.log_end());
        drop(log);
        let again = open(&disk, mode).unwrap();
        assert_eq!((again.log_start(), again.log_end()), bounds);
        assert_eq!(read_all(&again, true), before);
    }
}

/// Reads everything from the log start on. After a recovery every batch is sound and in order; a log that was closed cleanly is believed, so
/// there a damaged batch may be found on the way, and is said to be one.
fn read_all(log: &Log, all_sound: bool) -> Vec<Bytes> {
    let mut found = Vec::new();
    let mut from = log.log_start();
    while from < log.log_end() {
        let slice = match log.read(from, log.log_end(), 1 << 20, true) {
            Ok(slice) => slice,
            Err(error) => {
                assert!(!all_sound, "{error}");
                break;
            }
        };
        if slice.bytes.is_empty() {
            assert!(!all_sound, "nothing at {from} below {}", log.log_end());
            break;
        }
        assert!(slice.next_offset > from);
        for batch in batches(&slice.bytes) {
            let (header, bytes) = batch.unwrap();
            assert!(!all_sound || header.check_crc(&bytes).is_ok());
        }
        from = slice.next_offset;
        found.push(slice.bytes);
    }
    found
}

/// The small files of a log directory: read, or refused by name.
pub(crate) fn small_files(bytes: &[u8]) {
    let disk = MemDisk::new();
    let dir = Path::new("/data");
    let names = |message: String| assert!(message.contains("/data/"), "{message}");
    let offsets = dir.join(log_dir::file::RECOVERY_POINTS);
    put(&disk, &offsets, bytes);
    if let Err(error) = read_offsets(&disk, &offsets) {
        names(error.to_string());
    }
    put(&disk, &dir.join(log_dir::file::META), bytes);
    if let Err(error) = log_dir::read_meta(&disk, dir) {
        names(error.to_string());
    }
    put(&disk, &dir.join(log_dir::file::PARTITION_METADATA), bytes);
    if let Err(error) = log_dir::read_partition_metadata(&disk, dir) {
        names(error.to_string());
    }
}
