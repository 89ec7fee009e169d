//! The task of one group shard: loads it, feeds it, and lets its replies go when they may.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mainstem_coordinator::group::{
    GroupInput, GroupRecord, GroupReply, GroupSettings, Groups, RecordError,
};
use mainstem_coordinator::{
    AppendError, Context, LostLeadership, Offset, RecordAppender, RequestId, Shard, Timestamp,
};
use mainstem_metadata::MetadataImage;
use mainstem_protocol::ErrorCode;
use mainstem_protocol::batch::{BatchBuilder, BatchError, BatchOptions};
use tokio::sync::{mpsc, oneshot};

use super::Message;
use super::load::load;
use crate::clock::{now_ms, random_bytes};
use crate::context::Boxed;
use crate::partition::Partition;

/// Fewer that wait are not looked through for those that have gone away.
const WAITING_MIN: usize = 64;
/// How long the task sleeps when no timer is set.
const IDLE: Duration = Duration::from_secs(3_600);

struct Appender<'a>(&'a Arc<Partition>);

impl RecordAppender<GroupRecord> for Appender<'_> {
    fn append(&mut self, records: &[GroupRecord]) -> Result<Offset, AppendError> {
        let batch = encode(records, self.0.leader_epoch).map_err(|error| {
            // What a client sent has no written form: its request is refused, and the others of the shard go on.
            tracing::warn!(partition = self.0.index, %error, "group records cannot be written");
            AppendError::Unwritable
        })?;
        match self.0.append_internal(batch) {
            Ok((appended, _)) => Ok(Offset(appended.last + 1)),
            Err(refusal) => {
                tracing::error!(
                    partition = self.0.index,
                    error = refusal.message,
                    "a group shard ends"
                );
                Err(LostLeadership.into())
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum EncodeError {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Batch(#[from] BatchError),
}

fn encode(group_records: &[GroupRecord], leader_epoch: i32) -> Result<Bytes, EncodeError> {
    let mut builder = BatchBuilder::new(BatchOptions {
        leader_epoch,
        ..BatchOptions::default()
    });
    let now_ms = now_ms();
    for record in group_records {
        let (key, value) = record.encode()?;
        builder.append(now_ms, Some(&key), value.as_deref(), &[]);
    }
    Ok(builder.build()?)
}

/// A shard and who waits for it.
struct Driver {
    partition: Arc<Partition>,
    shard: Shard<Groups>,
    waiting: BTreeMap<RequestId, oneshot::Sender<GroupReply>>,
    /// So many must wait before those that have gone away are looked for.
    look_at: usize,
    next_request: u64,
    /// Resolves when the first parked replies may go.
    committed: Option<Boxed<Result<(), ErrorCode>>>,
}

/// Runs until the mailbox is closed or an append fails.
pub(super) async fn run(
    partition: Arc<Partition>,
    settings: GroupSettings,
    image: Arc<MetadataImage>,
    mut mailbox: mpsc::Receiver<Message>,
) {
    let shard = match load(&partition, settings).await {
        Ok(shard) => shard,
        Err(error) => {
            tracing::error!(partition = partition.index, %error, "groups cannot be loaded");
            return;
        }
    };
    let mut driver = Driver {
        partition,
        shard,
        waiting: BTreeMap::new(),
        look_at: WAITING_MIN,
        next_request: 0,
        committed: None,
    };
    if driver.input(GroupInput::Loaded).is_err() || driver.forget_topics(&image).is_err() {
        return;
    }
    drop(image);
    loop {
        let sleep = driver.until_next_timer();
        let committed = driver.committed.is_some();
        tokio::select! {
            message = mailbox.recv() => {
                let Some(message) = message else { return };
                if driver.message(message).is_err() {
                    return;
                }
            }
            committed = ready(&mut driver.committed), if committed => {
                if let Err(code) = committed {
                    // What was decided on is not durable and never will be: who waits must not wait for ever.
                    tracing::error!(partition = driver.partition.index, %code, "groups are unloaded");
                    return;
                }
                driver.committed = None;
                driver.release();
            }
            () = tokio::time::sleep(sleep) => {
                for key in driver.shard.due(Timestamp(now_ms())) {
                    if driver.input(GroupInput::Timer(key)).is_err() {
                        return;
                    }
                }
            }
        }
    }
}

async fn ready(committed: &mut Option<Boxed<Result<(), ErrorCode>>>) -> Result<(), ErrorCode> {
    match committed {
        Some(committed) => committed.await,
        None => Ok(()),
    }
}

impl Driver {
    /// Offsets of topics that are gone go too: their deletion may have been the last thing before a crash.
    fn forget_topics(&mut self, image: &MetadataImage) -> Result<(), LostLeadership> {
        let mut ids = BTreeSet::new();
        let mut names = BTreeSet::new();
        for (name, id) in self.shard.state().committed_topics() {
            if id.is_zero() && image.topic(name).is_none() {
                names.insert(name.clone());
            } else if !id.is_zero() && image.topic_by_id(id).is_none() {
                ids.insert(id);
            }
        }
        if ids.is_empty() && names.is_empty() {
            return Ok(());
        }
        self.input(GroupInput::TopicsRemoved { ids, names })
    }

    fn message(&mut self, message: Message) -> Result<(), LostLeadership> {
        match message {
            Message::Ask(input, reply) => {
                let id = RequestId(self.next_request);
                self.next_request += 1;
                self.waiting.insert(id, reply);
                self.input(input(id))
            }
            Message::Tell(input) => self.input(*input),
        }
    }

    fn input(&mut self, input: GroupInput) -> Result<(), LostLeadership> {
        let mut random = || {
            let [a, b, c, d, e, f, g, h, ..] = random_bytes();
            u64::from_be_bytes([a, b, c, d, e, f, g, h])
        };
        let mut cx = Context {
            now: Timestamp(now_ms()),
            random: &mut random,
        };
        self.shard
            .handle(input, &mut cx, &mut Appender(&self.partition))?;
        self.release();
        Ok(())
    }

    /// Lets go what is committed, and waits for the next.
    fn release(&mut self) {
        let high_watermark = self
            .partition
            .offsets()
            .map_or(0, |offsets| offsets.high_watermark);
        for (id, reply) in self.shard.committed(Offset(high_watermark)) {
            if let Some(waiting) = self.waiting.remove(&id) {
                let _ = waiting.send(reply);
            }
        }
        if self.committed.is_none()
            && let Some(Offset(offset)) = self.shard.waits_for()
        {
            self.committed = Some(Box::pin(self.partition.committed_on_control(offset)));
        }
        // Who has gone away does not wait any more. Looked at when there are twice as many as after the last look.
        if self.waiting.len() >= self.look_at {
            self.waiting.retain(|_, waiting| !waiting.is_closed());
            self.look_at = WAITING_MIN.max(2 * self.waiting.len());
        }
    }

    fn until_next_timer(&self) -> Duration {
        match self.shard.next_due() {
            None => IDLE,
            Some(Timestamp(at)) => {
                Duration::from_millis(u64::try_from(at.saturating_sub(now_ms())).unwrap_or(0))
                    .min(IDLE)
            }
        }
    }
}
