//! What is done off the hot path, on a thread of its own: retention, checkpoints, removing files.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use mainstem_protocol::ErrorCode;

use crate::clock::now_ms;
use crate::limits::{CHECKPOINT, HOUSEKEEPING};
use crate::node::Node;

/// An interval that never ends, as far as a clock can add it.
const FAR_AWAY: Duration = Duration::from_secs(3_600 * 24 * 365);

#[derive(Debug)]
enum Chore {
    RemoveDir(PathBuf),
    Stop,
}

/// The way to the housekeeper. A chore is the path of a directory that was renamed, so there are never more of them than such directories.
#[derive(Clone, Debug)]
pub(crate) struct Housekeeping {
    chores: Sender<Chore>,
    stopping: Arc<AtomicBool>,
}

/// The housekeeper's end.
#[derive(Debug)]
pub(crate) struct Chores(Receiver<Chore>, Arc<AtomicBool>);

/// A housekeeper to be started.
pub(crate) fn mailbox() -> (Housekeeping, Chores) {
    let (chores, receiver) = channel();
    let stopping = Arc::new(AtomicBool::new(false));
    let chores = Housekeeping {
        chores,
        stopping: stopping.clone(),
    };
    (chores, Chores(receiver, stopping))
}

impl Housekeeping {
    pub(crate) fn remove_dir(&self, path: PathBuf) {
        let _ = self.chores.send(Chore::RemoveDir(path));
    }

    /// Ends it after the chore at hand: what is left to remove goes at the next start.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        let _ = self.chores.send(Chore::Stop);
    }
}

/// Runs until told to stop.
pub(crate) fn run(node: &Arc<Node>, chores: &Chores) {
    let mut checkpointed = Instant::now();
    let check = interval(node, "log.retention.check.interval.ms").min(HOUSEKEEPING);
    let flush = interval(node, "log.flush.scheduler.interval.ms").min(FAR_AWAY);
    let mut due = Instant::now() + check;
    let mut flush_due = Instant::now() + flush;
    loop {
        let next = due.min(flush_due);
        match chores
            .0
            .recv_timeout(next.saturating_duration_since(Instant::now()))
        {
            _ if chores.1.load(Ordering::Acquire) => return,
            Ok(Chore::RemoveDir(path)) => {
                if let Err(error) = node.log_dirs.disk.remove_dir(&path) {
                    tracing::warn!(path = %path.display(), %error, "a deleted directory could not be removed");
                }
            }
            Ok(Chore::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if Instant::now() >= flush_due {
            flush_old(node);
            flush_due = Instant::now() + flush;
        }
        // Also while directories are to be removed without end.
        if Instant::now() < due {
            continue;
        }
        retain(node);
        if checkpointed.elapsed() >= CHECKPOINT {
            checkpoint(node);
            checkpointed = Instant::now();
        }
        due = Instant::now() + check;
    }
}

fn interval(node: &Node, property: &str) -> Duration {
    let interval_ms = node.config.properties.number(property);
    Duration::from_millis(u64::try_from(interval_ms).unwrap_or(u64::MAX))
}

/// `flush.ms`, where the page cache is enough otherwise.
fn flush_old(node: &Node) {
    let now_ms = now_ms();
    for partition in node.partitions.all() {
        partition.sync_when_due(now_ms);
    }
}

fn checkpoint(node: &Node) {
    if let Err(error) = node.checkpoint() {
        tracing::warn!(%error, "checkpoints could not be written; the next start scans more");
    }
}

/// Applies retention. Checkpoints come first: a deletion that a crash undoes in part must be told from a lost tail.
fn retain(node: &Node) {
    let now_ms = now_ms();
    let due: Vec<_> = node
        .partitions
        .all()
        .into_iter()
        .filter(|partition| partition.has_retired(now_ms))
        .collect();
    if due.is_empty() {
        return;
    }
    checkpoint(node);
    for partition in due {
        match partition.retire(now_ms) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(topic = %partition.topic, %error, "old segments could not be removed");
            }
            Err(refusal) if refusal.code == ErrorCode::UnknownTopicOrPartition => {} // deleted meanwhile
            Err(refusal) => {
                tracing::error!(topic = %partition.topic, error = refusal.message, "retention failed");
            }
        }
    }
}
