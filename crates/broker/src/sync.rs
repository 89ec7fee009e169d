//! Group commit: threads that sync what was appended.
//!
//! A partition stands on the list at most once. While it is being synced, appends gather and become the next group; there is no timer:
//! an idle partition is synced at once, a busy one batches by itself. Several threads sync different partitions at the same time, and
//! the file system commits them together. What could not be begun for want of a descriptor is tried again: only a sync that failed is final.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use mainstem_storage::SyncTicket;
use mainstem_storage::disk::is_no_descriptor;
use tokio::sync::Notify;

use crate::limits::{DESCRIPTOR_RETRY, SYNC_THREADS, UNDURABLE_BYTES_MAX};
use crate::metrics::Histogram;
use crate::net::Warnings;
use crate::partition::Partition;
use crate::wakes::Wakes;

/// A partition to sync, with the ticket that could not be begun when it was tried.
type Due = (Arc<Partition>, Option<SyncTicket>);

/// The list of partitions to sync.
#[derive(Debug)]
pub(crate) struct SyncQueue {
    /// Who waits for what syncs make ready.
    pub(crate) wakes: Arc<Wakes>,
    /// How long syncs took.
    pub(crate) took: Histogram,
    /// Said when descriptors are short.
    pub(crate) warnings: Warnings,
    dirty: Mutex<VecDeque<Due>>,
    wake: Condvar,
    stopping: AtomicBool,
    undurable_bytes: AtomicU64,
    room: Notify,
}

impl SyncQueue {
    pub(crate) fn new(wakes: Arc<Wakes>) -> Self {
        Self {
            wakes,
            took: Histogram::default(),
            warnings: Warnings::default(),
            dirty: Mutex::default(),
            wake: Condvar::new(),
            stopping: AtomicBool::new(false),
            undurable_bytes: AtomicU64::new(0),
            room: Notify::new(),
        }
    }

    pub(crate) fn push(&self, partition: Arc<Partition>) {
        self.put((partition, None));
    }

    fn put(&self, due: Due) {
        self.dirty
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(due);
        self.wake.notify_one();
    }

    /// Bytes that wait for the disk.
    pub(crate) fn undurable_bytes(&self) -> u64 {
        self.undurable_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn add_undurable(&self, bytes: usize) {
        self.undurable_bytes
            .fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn remove_undurable(&self, bytes: u64) {
        let before = self.undurable_bytes.fetch_sub(bytes, Ordering::Relaxed);
        if before > UNDURABLE_BYTES_MAX && before - bytes <= UNDURABLE_BYTES_MAX {
            self.room.notify_waiters();
        }
    }

    /// Waits until fewer bytes than the bound wait for the disk.
    pub(crate) async fn room(&self) {
        while self.undurable_bytes.load(Ordering::Relaxed) > UNDURABLE_BYTES_MAX {
            let notified = self.room.notified();
            if self.undurable_bytes.load(Ordering::Relaxed) <= UNDURABLE_BYTES_MAX {
                return;
            }
            notified.await;
        }
    }

    fn pop(&self) -> Option<Due> {
        let mut dirty = self.dirty.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(due) = dirty.pop_front() {
                return Some(due);
            }
            if self.stopping.load(Ordering::Acquire) {
                return None;
            }
            dirty = self
                .wake
                .wait(dirty)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets the threads end when the list is empty.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        let _list = self.dirty.lock().unwrap_or_else(PoisonError::into_inner);
        self.wake.notify_all();
    }
}

/// Starts the threads.
pub(crate) fn start(queue: &Arc<SyncQueue>) -> std::io::Result<Vec<JoinHandle<()>>> {
    (0..SYNC_THREADS)
        .map(|at| {
            let queue = queue.clone();
            std::thread::Builder::new()
                .name(format!("sync-{at}"))
                .spawn(move || run(&queue))
        })
        .collect()
}

fn run(queue: &SyncQueue) {
    while let Some((partition, tried)) = queue.pop() {
        let Some(ticket) = tried.or_else(|| partition.begin_sync()) else {
            continue;
        };
        let began = Instant::now();
        let result = partition.sync(&ticket);
        if let Err(error) = &result
            && is_no_descriptor(error)
            && !queue.stopping.load(Ordering::Acquire)
        {
            if let Some(more) = queue.warnings.may_say(began) {
                tracing::warn!(topic = %partition.topic, partition = partition.index, %error, more, "a sync waits for descriptors");
            }
            // Others may need none, so it goes behind them; and those who hold descriptors get time to give them back.
            std::thread::sleep(DESCRIPTOR_RETRY);
            queue.put((partition, Some(ticket)));
            continue;
        }
        queue.took.record(began.elapsed());
        if partition.end_sync(&ticket, result) {
            queue.push(partition);
        }
    }
}
