//! A partition on a disk in memory, with the test in the place of the sync threads.

use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use mainstem_protocol::batch::{BatchBuilder, BatchOptions};
use mainstem_protocol::{ErrorCode, Str, Uuid};
use mainstem_storage::disk::MemDisk;
use mainstem_storage::{Log, LogConfig, OpenMode};

use super::{Offsets, Partition};
use crate::config::Durability;
use crate::limits::COMMIT_WAITS_LOOK;
use crate::sync::SyncQueue;
use crate::wakes::{FetchWait, Wakes};

/// A runtime that does not exist: what becomes ready for it is fired at once.
const HERE: usize = usize::MAX;

fn partition(durability: Durability, config: LogConfig) -> Arc<Partition> {
    opened(MemDisk::new(), durability, config, OpenMode::default())
}

fn opened(
    disk: MemDisk,
    durability: Durability,
    config: LogConfig,
    mode: OpenMode,
) -> Arc<Partition> {
    let dir = PathBuf::from("/data/orders-0");
    let (log, _) = Log::open(Arc::new(disk), dir, config, mode, 0).expect("a log");
    let name = (Str::from_static("orders"), Uuid::default(), 0);
    let queue = Arc::new(SyncQueue::new(Arc::new(Wakes::new(1))));
    Arc::new(Partition::new(name, 0, log, durability, queue))
}

fn append(partition: &Arc<Partition>, value: &[u8]) {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(1, None, Some(value), &[]);
    let batch: Bytes = builder.build().expect("a batch");
    partition.append_internal(batch).expect("appended");
}

fn sync(partition: &Partition) {
    let ticket = partition.begin_sync().expect("something to sync");
    let result = partition.sync(&ticket);
    assert!(!partition.end_sync(&ticket, result));
}

fn offsets(partition: &Partition) -> (i64, i64) {
    let Offsets {
        high_watermark,
        log_end,
        ..
    } = partition.offsets().expect("online");
    (high_watermark, log_end)
}

/// What a future says now.
fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

#[test]
fn a_sync_commits_what_it_covers_and_no_more() {
    let partition = partition(Durability::Disk, LogConfig::default());
    append(&partition, b"first");
    let first = partition.committed(1, HERE);
    let ticket = partition.begin_sync().expect("something to sync");
    append(&partition, b"second");
    let second = partition.committed(2, HERE);
    let result = ticket.sync();
    assert!(
        partition.end_sync(&ticket, result),
        "the second is still to be synced"
    );
    assert_eq!(offsets(&partition), (1, 2));
    assert_eq!((now(first), now(second)), (Some(Ok(())), None));
    sync(&partition);
    assert_eq!(offsets(&partition), (2, 2));
    assert_eq!(partition.queue.undurable_bytes(), 0);
}

#[test]
fn what_a_start_finds_in_the_page_cache_is_seen_when_it_is_on_the_disk() {
    let disk = MemDisk::new();
    let open = |durability, recovery_point| {
        let mode = OpenMode {
            recovery_point,
            ..OpenMode::default()
        };
        opened(disk.clone(), durability, LogConfig::default(), mode)
    };
    let partition = open(Durability::Disk, 0);
    for value in [b"1", b"2"] {
        append(&partition, value);
        sync(&partition);
    }
    append(&partition, b"3");
    // Killed, and started again with what the page cache holds and a checkpoint that is a little old.
    let partition = open(Durability::Disk, 1);
    assert_eq!(offsets(&partition), (1, 3));
    partition.sync_soon();
    sync(&partition);
    assert_eq!(offsets(&partition), (3, 3));
    let partition = open(Durability::PageCache, 1);
    assert_eq!(offsets(&partition), (3, 3));
}

#[test]
fn after_a_failed_sync_nothing_is_synced_again_and_nobody_waits() {
    let partition = partition(Durability::Disk, LogConfig::default());
    append(&partition, b"first");
    let ticket = partition.begin_sync().expect("something to sync");
    // In the page cache that is about to lose a write: a later sync would go well, and say nothing of it.
    append(&partition, b"second");
    let waiting = partition.committed(2, HERE);
    assert!(!partition.end_sync(&ticket, Err(io::Error::other("the disk is gone"))));
    assert_eq!(now(waiting), Some(Err(ErrorCode::KafkaStorageError)));
    assert!(partition.begin_sync().is_none());
    assert_eq!(offsets(&partition), (0, 2));
    assert_eq!(partition.queue.undurable_bytes(), 0);
    let late = partition.committed(2, HERE);
    assert_eq!(now(late), Some(Err(ErrorCode::KafkaStorageError)));
}

#[test]
fn after_a_panic_inside_nobody_waits_and_nothing_stays_charged() {
    let partition = partition(Durability::Disk, LogConfig::default());
    append(&partition, b"first");
    let waiting = partition.committed(1, HERE);
    let panicking = partition.clone();
    let panicked = std::thread::spawn(move || {
        let _ = panicking.with::<()>(|_| panic!("a defect"));
    });
    assert!(panicked.join().is_err());
    assert!(partition.begin_sync().is_none());
    assert_eq!(now(waiting), Some(Err(ErrorCode::KafkaStorageError)));
    assert_eq!(partition.queue.undurable_bytes(), 0);
    let refusal = partition.offsets().expect_err("offline");
    assert_eq!(refusal.code, ErrorCode::KafkaStorageError);
}

#[test]
fn the_page_cache_is_enough_until_flush_messages_wait() {
    let config = LogConfig {
        flush_messages: 3,
        ..LogConfig::default()
    };
    let partition = partition(Durability::PageCache, config);
    append(&partition, b"1");
    // The names of a new log are synced soon, though nobody waits for it.
    sync(&partition);
    for (value, expected) in [(b"2", (2, 2)), (b"3", (3, 3)), (b"4", (3, 4))] {
        append(&partition, value);
        assert_eq!(offsets(&partition), expected);
    }
    let waiting = partition.committed(4, HERE);
    append(&partition, b"5");
    assert_eq!(offsets(&partition), (3, 5), "two wait");
    sync(&partition);
    assert_eq!(offsets(&partition), (5, 5));
    assert_eq!(now(waiting), Some(Ok(())));
    assert_eq!(partition.queue.undurable_bytes(), 0);
}

#[test]
fn segments_that_close_are_synced_soon_where_the_page_cache_is_enough() {
    let config = LogConfig {
        segment_bytes: 200,
        ..LogConfig::default()
    };
    let partition = partition(Durability::PageCache, config);
    append(&partition, b"a record of some length");
    sync(&partition);
    let recovery_point = || partition.checkpoint().expect("online").1;
    assert_eq!(recovery_point(), 1);
    append(&partition, b"a record of some length");
    assert!(partition.begin_sync().is_none(), "the page cache is enough");
    append(&partition, b"a record of some length");
    sync(&partition);
    assert_eq!(recovery_point(), 3, "what a kill makes the next start scan");
    // `flush.ms` asks for it too.
    let partition = self::partition(
        Durability::PageCache,
        LogConfig {
            flush_ms: 0,
            ..LogConfig::default()
        },
    );
    append(&partition, b"1");
    sync(&partition);
    append(&partition, b"2");
    partition.sync_when_due(i64::MAX);
    sync(&partition);
    partition.sync_when_due(i64::MAX);
    assert!(
        partition.begin_sync().is_none(),
        "nothing was appended since"
    );
}

#[test]
fn a_fetch_is_told_of_every_move_until_it_leaves() {
    let partition = partition(Durability::Disk, LogConfig::default());
    let fetch = Arc::new(FetchWait::new(HERE));
    partition.join(&fetch);
    for value in [b"1", b"2"] {
        append(&partition, value);
        assert_eq!(now(fetch.moved()), None);
        sync(&partition);
        assert_eq!(now(fetch.moved()), Some(()));
    }
    partition.leave(&fetch);
    append(&partition, b"3");
    sync(&partition);
    assert_eq!(now(fetch.moved()), None);
    assert_eq!(Arc::strong_count(&fetch), 1, "nobody holds it any more");
}

#[test]
fn a_topic_stays_while_somebody_works_on_its_files_and_nobody_does_afterwards() {
    let disk = MemDisk::new();
    let config = LogConfig {
        segment_bytes: 200,
        retention_bytes: 200,
        ..LogConfig::default()
    };
    let old = opened(
        disk.clone(),
        Durability::PageCache,
        config,
        OpenMode::default(),
    );
    for _ in 0..10 {
        append(&old, b"a record of some length");
    }
    let asked = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let somebody = old.files.lock().expect("nobody panicked");
        scope.spawn(|| {
            asked.store(true, Ordering::Release);
            old.remove();
        });
        while !asked.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        for _ in 0..1_000 {
            assert!(old.offsets().is_ok(), "deleted under somebody's hands");
            std::thread::yield_now();
        }
        drop(somebody);
    });
    let before = disk.operations();
    let refusal = old.retire(0).expect_err("the topic is gone");
    assert_eq!(refusal.code, ErrorCode::UnknownTopicOrPartition);
    assert_eq!(disk.operations(), before, "its names may be another's");
}

#[test]
fn a_sync_that_comes_after_the_deletion_touches_no_file() {
    let disk = MemDisk::new();
    let old = opened(
        disk.clone(),
        Durability::Disk,
        LogConfig::default(),
        OpenMode::default(),
    );
    append(&old, b"1");
    let ticket = old.begin_sync().expect("something to sync");
    old.remove();
    let before = disk.operations();
    let result = old.sync(&ticket);
    assert!(result.is_err());
    assert_eq!(
        disk.operations(),
        before,
        "its names may be those of another topic"
    );
    assert!(!old.end_sync(&ticket, result));
    assert_eq!(old.queue.undurable_bytes(), 0);
}

#[test]
fn clients_that_went_away_while_the_disk_hangs_are_forgotten() {
    let partition = partition(Durability::Disk, LogConfig::default());
    append(&partition, b"1");
    let stays = partition.committed(1, HERE);
    for _ in 0..10 * COMMIT_WAITS_LOOK {
        drop(partition.committed(1, HERE));
    }
    let waiting = partition.with(|state| Ok(state.committed.len()));
    assert!(waiting.is_ok_and(|waiting| waiting <= COMMIT_WAITS_LOOK));
    sync(&partition);
    assert_eq!(now(stays), Some(Ok(())));
}
