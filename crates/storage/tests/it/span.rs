//! Looking under the lock, reading without it: what comes in between must not show.

use std::io::{Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mainstem_protocol::batch::{BatchBuilder, BatchHeader, BatchOptions};
use mainstem_storage::disk::{BudgetDisk, Disk, DiskFile, Entry, MemDisk};
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

/// A file that counts what is read of it.
#[derive(Debug)]
struct CountedFile(Arc<dyn DiskFile>, Arc<AtomicUsize>);

impl DiskFile for CountedFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.1.fetch_add(buffer.len(), Ordering::Relaxed);
        self.0.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, head: &[u8], tail: &[u8]) -> std::io::Result<()> {
        self.0.write_at(offset, head, tail)
    }

    fn length(&self) -> std::io::Result<u64> {
        self.0.length()
    }

    fn modified_ms(&self) -> std::io::Result<i64> {
        self.0.modified_ms()
    }

    fn set_length(&self, length: u64) -> std::io::Result<()> {
        self.0.set_length(length)
    }

    fn sync(&self) -> std::io::Result<()> {
        self.0.sync()
    }
}

/// A disk in memory of such files.
#[derive(Debug, Default)]
struct CountedDisk(MemDisk, Arc<AtomicUsize>);

impl Disk for CountedDisk {
    fn open(&self, path: &Path, create: bool) -> std::io::Result<Arc<dyn DiskFile>> {
        let file = self.0.open(path, create)?;
        Ok(Arc::new(CountedFile(file, self.1.clone())))
    }

    fn create_dir(&self, path: &Path) -> std::io::Result<()> {
        self.0.create_dir(path)
    }

    fn list(&self, path: &Path) -> std::io::Result<Vec<Entry>> {
        self.0.list(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> std::io::Result<()> {
        self.0.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> std::io::Result<()> {
        self.0.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> std::io::Result<()> {
        self.0.sync_dir(path)
    }
}

#[test]
fn the_head_of_a_batch_is_read_without_the_batch() {
    for index_interval_bytes in [64, 4_096, 1 << 30] {
        let disk = CountedDisk::default();
        let read = disk.1.clone();
        let config = LogConfig {
            segment_bytes: 3 << 20,
            index_interval_bytes,
            ..LogConfig::default()
        };
        let (mut log, _) = open(Arc::new(disk), config, OpenMode::default()).unwrap();
        for at in 0..6 {
            let mut builder = BatchBuilder::new(BatchOptions::default());
            for record in 0..2 {
                builder.append(NOW_MS + 2 * at + record, None, Some(&[7; 400_000]), &[]);
            }
            append(&mut log, builder.build().unwrap(), NOW_MS).unwrap();
        }
        read.store(0, Ordering::Relaxed);
        for offset in 0..12 {
            let span = log.find(offset, 12, 0, true).unwrap().unwrap();
            let header = span.header().unwrap().unwrap();
            let first = offset - offset % 2;
            assert_eq!(
                (header.base_offset, header.last_offset()),
                (first, first + 1)
            );
            assert_eq!(header.base_timestamp, NOW_MS + first);
        }
        let read = read.load(Ordering::Relaxed);
        assert!(read <= 12 * 200_000, "{read} bytes for 12 heads");
    }
}
