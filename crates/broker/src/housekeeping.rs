//! What is done off the hot path, on a thread of its own: retention, checkpoints, removing files.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use mainstem_protocol::ErrorCode;

use crate::clock::now_ms;
use crate::config::Properties;
use crate::limits::{CHECKPOINT, PRODUCER_EXPIRY};
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

/// What is done again and again.
struct Duty {
    every: Duration,
    due: Instant,
    perform: fn(&Node),
}

impl Duty {
    fn new(every: Duration, perform: fn(&Node)) -> Self {
        let every = every.min(FAR_AWAY);
        let due = Instant::now() + every;
        Self {
            every,
            due,
            perform,
        }
    }

    fn perform_if_due(&mut self, node: &Node) {
        if Instant::now() >= self.due {
            (self.perform)(node);
            self.due = Instant::now() + self.every;
        }
    }
}

fn duties(properties: &Properties) -> [Duty; 4] {
    let retention = interval(properties, "log.retention.check.interval.ms");
    let flush = interval(properties, "log.flush.scheduler.interval.ms");
    let expiry = interval(properties, "producer.id.expiration.ms").min(PRODUCER_EXPIRY);
    [
        Duty::new(retention, retain),
        Duty::new(flush, flush_old),
        Duty::new(expiry, expire_producers),
        Duty::new(CHECKPOINT, checkpoint),
    ]
}

/// Runs until told to stop.
pub(crate) fn run(node: &Arc<Node>, chores: &Chores) {
    let mut duties = duties(&node.config.properties);
    loop {
        let waits = duties
            .iter()
            .map(|duty| duty.due)
            .min()
            .map_or(CHECKPOINT, |due| {
                due.saturating_duration_since(Instant::now())
            });
        match chores.0.recv_timeout(waits) {
            _ if chores.1.load(Ordering::Acquire) => return,
            Ok(Chore::RemoveDir(path)) => {
                if let Err(error) = node.log_dirs.disk.remove_dir(&path) {
                    tracing::warn!(path = %path.display(), %error, "a deleted directory could not be removed");
                }
            }
            Ok(Chore::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        // Also while directories are to be removed without end.
        for duty in &mut duties {
            duty.perform_if_due(node);
        }
    }
}

fn interval(properties: &Properties, property: &str) -> Duration {
    let interval_ms = properties.number(property);
    Duration::from_millis(u64::try_from(interval_ms).unwrap_or(u64::MAX))
}

/// `flush.ms`, where the page cache is enough otherwise.
fn flush_old(node: &Node) {
    let now_ms = now_ms();
    for partition in node.partitions.all() {
        partition.sync_when_due(now_ms);
    }
}

fn expire_producers(node: &Node) {
    let now_ms = now_ms();
    for partition in node.partitions.all() {
        partition.expire_producers(now_ms);
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

#[cfg(test)]
mod tests {
    //! How often.

    use super::*;

    #[test]
    fn each_duty_has_its_own_interval() {
        let check = |options: &[&str], every: [u64; 4]| {
            let mut properties = Properties::default();
            for option in options {
                properties.set(option).unwrap();
            }
            let found = duties(&properties).map(|duty| duty.every);
            assert_eq!(found, every.map(Duration::from_millis), "{options:?}");
        };
        let far_away = 31_536_000_000;
        check(&[], [300_000, far_away, 600_000, 60_000]);
        check(
            &[
                "log.retention.check.interval.ms=900000",
                "log.flush.scheduler.interval.ms=2000",
                "producer.id.expiration.ms=50",
            ],
            [900_000, 2_000, 50, 60_000],
        );
    }
}
