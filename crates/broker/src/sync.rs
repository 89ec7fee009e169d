//! Group commit: threads that sync what was appended.
//!
//! A partition stands on the list at most once. While it is being synced, appends gather and become the next group; there is no timer:
//! an idle partition is synced at once, a busy one batches by itself. Several threads sync different partitions at the same time, and
//! the file system commits them together.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::Notify;

use crate::limits::{SYNC_THREADS, UNDURABLE_BYTES_MAX};
use crate::metrics::Histogram;
use crate::partition::Partition;
use crate::wakes::Wakes;

/// The list of partitions to sync.
#[derive(Debug)]
pub(crate) struct SyncQueue {
    /// Who waits for what syncs make ready.
    pub(crate) wakes: Arc<Wakes>,
    /// How long syncs took.
    pub(crate) took: Histogram,
    dirty: Mutex<VecDeque<Arc<Partition>>>,
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
            dirty: Mutex::default(),
            wake: Condvar::new(),
            stopping: AtomicBool::new(false),
            undurable_bytes: AtomicU64::new(0),
            room: Notify::new(),
        }
    }

    pub(crate) fn push(&self, partition: Arc<Partition>) {
        self.dirty
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(partition);
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

    fn pop(&self) -> Option<Arc<Partition>> {
        let mut dirty = self.dirty.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(partition) = dirty.pop_front() {
                return Some(partition);
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
    while let Some(partition) = queue.pop() {
        let Some(ticket) = partition.begin_sync() else {
            continue;
        };
        let began = Instant::now();
        let result = partition.sync(&ticket);
        queue.took.record(began.elapsed());
        if partition.end_sync(&ticket, result) {
            queue.push(partition);
        }
    }
}
