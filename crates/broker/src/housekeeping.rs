//! What is done off the hot path, on a thread of its own: retention, checkpoints, removing files.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Instant;

use crate::clock::now_ms;
use crate::limits::{CHECKPOINT, HOUSEKEEPING};
use crate::node::Node;

#[derive(Debug)]
enum Chore {
    RemoveDir(PathBuf),
    Stop,
}

/// The way to the housekeeper. Chores are as many as topics were deleted, so the list is bounded by the controller's mailbox.
#[derive(Clone, Debug)]
pub(crate) struct Housekeeping {
    chores: Sender<Chore>,
}

/// The housekeeper's end.
#[derive(Debug)]
pub(crate) struct Chores(Receiver<Chore>);

/// A housekeeper to be started.
pub(crate) fn mailbox() -> (Housekeeping, Chores) {
    let (chores, receiver) = channel();
    (Housekeeping { chores }, Chores(receiver))
}

impl Housekeeping {
    pub(crate) fn remove_dir(&self, path: PathBuf) {
        let _ = self.chores.send(Chore::RemoveDir(path));
    }

    pub(crate) fn stop(&self) {
        let _ = self.chores.send(Chore::Stop);
    }
}

/// Runs until told to stop.
pub(crate) fn run(node: &Arc<Node>, chores: &Chores) {
    let mut checkpointed = Instant::now();
    let check_ms = node
        .config
        .properties
        .number("log.retention.check.interval.ms");
    let check = std::time::Duration::from_millis(u64::try_from(check_ms).unwrap_or(300_000))
        .min(HOUSEKEEPING);
    let mut due = Instant::now() + check;
    loop {
        match chores
            .0
            .recv_timeout(due.saturating_duration_since(Instant::now()))
        {
            Ok(Chore::RemoveDir(path)) => {
                if let Err(error) = node.log_dirs.disk.remove_dir(&path) {
                    tracing::warn!(path = %path.display(), %error, "a deleted directory could not be removed");
                }
            }
            Ok(Chore::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
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
        match partition.apply_retention(now_ms) {
            Ok(doomed) => {
                if let Err(error) = doomed.remove() {
                    tracing::warn!(topic = %partition.topic, %error, "old segments could not be removed");
                }
            }
            Err(refusal) => {
                tracing::error!(topic = %partition.topic, error = refusal.message, "retention failed");
            }
        }
    }
}
