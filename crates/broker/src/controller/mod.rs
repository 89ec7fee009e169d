//! The controller: the one thread that changes metadata.
//!
//! decide (a function of `mainstem_metadata::control`) → encode → apply to the controller's own image → append to `__cluster_metadata-0` and
//! sync → start and stop partitions → publish the image → answer. Commands that arrive together share a batch. A decision that cannot be
//! encoded is refused alone. A failed append or sync ends the role: nothing is changed any more until the node starts again.

mod applying;
mod metadata_log;
mod replay;
mod snapshots;
mod upkeep;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};

use bytes::Bytes;
use mainstem_metadata::control::Decision;
use mainstem_metadata::{Changed, MetadataImage};
use mainstem_protocol::ErrorCode;
use mainstem_protocol::messages::MetadataRecord;
use tokio::sync::oneshot;

pub(crate) use applying::start_partitions;
pub(crate) use metadata_log::{MetadataLog, MetadataLogError, QUORUM_STATE, write_first_snapshot};
pub(crate) use upkeep::SnapshotLimits;

use metadata_log::{RECORDS_PER_BATCH, encode};

use crate::limits::{CHECKPOINT, CONTROLLER_MAILBOX};
use crate::node::Node;

/// Commands that are decided before one sync.
const COMMANDS_PER_SYNC: usize = 64;

type Reply = Box<dyn FnOnce(Result<(), ErrorCode>) + Send>;
type Step = Box<dyn FnOnce(&MetadataImage) -> (Vec<MetadataRecord>, Reply) + Send>;

enum Command {
    Change(Step),
    Stop,
}

/// The way to the controller.
#[derive(Clone, Debug)]
pub(crate) struct Controller {
    commands: SyncSender<Command>,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Change(_) => "Change",
            Self::Stop => "Stop",
        })
    }
}

/// The controller's end of its mailbox.
#[derive(Debug)]
pub(crate) struct Mailbox(Receiver<Command>);

impl Mailbox {
    /// Waits for commands, but not for ever: without any it is time to look after the log.
    fn next(&self) -> Vec<Command> {
        let first = match self.0.recv_timeout(CHECKPOINT) {
            Ok(first) => first,
            Err(RecvTimeoutError::Timeout) => return Vec::new(),
            Err(RecvTimeoutError::Disconnected) => Command::Stop,
        };
        let others = self.0.try_iter().take(COMMANDS_PER_SYNC - 1);
        std::iter::once(first).chain(others).collect()
    }
}

/// A controller and its mailbox.
pub(crate) fn mailbox() -> (Controller, Mailbox) {
    let (commands, receiver) = sync_channel(CONTROLLER_MAILBOX);
    (Controller { commands }, Mailbox(receiver))
}

impl Controller {
    /// Has `decide` called on the current image; the answer comes when its records are committed and in effect.
    pub(crate) async fn change<R: Send + 'static>(
        &self,
        decide: impl FnOnce(&MetadataImage) -> Decision<R> + Send + 'static,
    ) -> Result<R, ErrorCode> {
        let (sender, receiver) = oneshot::channel();
        let step: Step = Box::new(move |image| {
            let Decision { records, response } = decide(image);
            let reply: Reply = Box::new(move |result| {
                let _ = sender.send(result.map(|()| response));
            });
            (records, reply)
        });
        match self.commands.try_send(Command::Change(step)) {
            Ok(()) => receiver.await.unwrap_or(Err(ErrorCode::NotController)),
            Err(TrySendError::Full(_)) => Err(ErrorCode::RequestTimedOut),
            Err(TrySendError::Disconnected(_)) => Err(ErrorCode::NotController),
        }
    }

    /// Lets the thread end.
    pub(crate) fn stop(&self) {
        let _ = self.commands.send(Command::Stop);
    }
}

/// Runs the controller until it is told to stop; gives the metadata log back for closing.
pub(crate) fn run(node: &Arc<Node>, mailbox: &Mailbox, mut log: MetadataLog) -> MetadataLog {
    let mut image = MetadataImage::clone(&node.metadata.load());
    let mut failed = false;
    let mut stop = false;
    while !stop {
        if !failed {
            look_after(node, &mut log, &image);
        }
        let mut replies = Vec::new();
        let mut decided = Decided::default();
        for command in mailbox.next() {
            let Command::Change(step) = command else {
                stop = true;
                continue;
            };
            let (records, reply) = step(&image);
            let result = match failed {
                true => Err(ErrorCode::KafkaStorageError),
                false => decided.take(&mut log, &mut image, &records),
            };
            failed |= result == Err(ErrorCode::KafkaStorageError);
            replies.push((reply, result));
        }
        if !failed && !decided.is_empty() {
            match decided.write(&mut log, &mut image) {
                Ok(()) => applying::apply(node, &image, &decided.changed),
                Err(_) => failed = true,
            }
        }
        for (reply, result) in replies {
            reply(match failed {
                true => Err(ErrorCode::KafkaStorageError),
                false => result,
            });
        }
    }
    log
}

/// What was decided together, and is in the controller's image, but not in the log yet.
#[derive(Default)]
struct Decided {
    values: Vec<Bytes>,
    /// Something was written before `values`.
    is_begun: bool,
    changed: Changed,
}

impl Decided {
    fn is_empty(&self) -> bool {
        self.values.is_empty() && !self.is_begun
    }

    /// Takes one decision. `KafkaStorageError` ends the role; any other error is this decision's alone.
    fn take(
        &mut self,
        log: &mut MetadataLog,
        image: &mut MetadataImage,
        records: &[MetadataRecord],
    ) -> Result<(), ErrorCode> {
        let values = encode(records).map_err(|error| {
            tracing::warn!(%error, "a change of metadata is refused");
            ErrorCode::UnknownServerError
        })?;
        if self.values.len() + values.len() > RECORDS_PER_BATCH {
            self.write(log, image)?;
        }
        for record in records {
            image.apply(record, &mut self.changed).map_err(|error| {
                tracing::error!(%error, "a decision does not fit the image: nothing is changed any more");
                ErrorCode::KafkaStorageError
            })?;
        }
        self.values.extend(values);
        Ok(())
    }

    /// Writes what is not in the log yet: one batch, which is there whole or not at all.
    fn write(&mut self, log: &mut MetadataLog, image: &mut MetadataImage) -> Result<(), ErrorCode> {
        if self.values.is_empty() {
            return Ok(());
        }
        image.at = log.append_values(&self.values).map_err(|error| {
            tracing::error!(%error, "the metadata log cannot be written: nothing is changed any more");
            ErrorCode::KafkaStorageError
        })?;
        self.values.clear();
        self.is_begun = true;
        Ok(())
    }
}

/// Writes a snapshot and drops what is old, when it is time for either.
fn look_after(node: &Node, log: &mut MetadataLog, image: &MetadataImage) {
    log.snapshot_when_due(image);
    if !log.has_old() {
        return;
    }
    // A log that is found to begin later must be told from one that lost its tail.
    let dropped = node
        .checkpoint()
        .map_err(MetadataLogError::from)
        .and_then(|()| log.drop_old());
    if let Err(error) = dropped {
        tracing::warn!(%error, "old metadata could not be dropped");
        log.note_not_dropped();
    }
}
