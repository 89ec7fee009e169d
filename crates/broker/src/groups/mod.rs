//! The drivers of the group shards: one task for each partition of `__consumer_offsets` that this node leads.
//!
//! A request goes into the mailbox of its group's shard and comes back as a reply: one hop in, one out. While a shard loads, its requests
//! wait in the mailbox. When an append fails the shard ends; the next request loads it anew.

mod load;
mod shard;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use mainstem_coordinator::RequestId;
use mainstem_coordinator::group::{GroupInput, GroupReply, GroupSettings};
use mainstem_protocol::hash::partition_of_coordinator;
use mainstem_protocol::{ErrorCode, Str, Uuid};
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::config::Properties;
use crate::limits::SHARD_MAILBOX;
use crate::node::{Node, OFFSETS_TOPIC};

type MakeInput = Box<dyn FnOnce(RequestId) -> GroupInput + Send>;

/// What comes to a shard's task.
enum Message {
    /// A request and where its reply goes.
    Ask(MakeInput, oneshot::Sender<GroupReply>),
    /// Something that is not answered.
    Tell(Box<GroupInput>),
}

/// The way to the shards.
#[derive(Debug)]
pub(crate) struct Groups {
    control: Handle,
    shards: Mutex<BTreeMap<i32, mpsc::Sender<Message>>>,
}

/// What the properties say of groups.
fn settings(properties: &Properties) -> GroupSettings {
    let small = |name: &str| i32::try_from(properties.number(name)).unwrap_or(i32::MAX);
    GroupSettings {
        session_timeout_min_ms: small("group.min.session.timeout.ms"),
        session_timeout_max_ms: small("group.max.session.timeout.ms"),
        initial_delay_ms: properties.number("group.initial.rebalance.delay.ms"),
        members_max: usize::try_from(properties.number("group.max.size")).unwrap_or(usize::MAX),
        metadata_bytes_max: usize::try_from(properties.number("offset.metadata.max.bytes"))
            .unwrap_or(4_096),
        retention_ms: properties
            .number("offsets.retention.minutes")
            .saturating_mul(60_000),
        expiry_check_ms: properties.number("offsets.retention.check.interval.ms"),
    }
}

impl Groups {
    pub(crate) fn new(control: Handle) -> Self {
        Self {
            control,
            shards: Mutex::default(),
        }
    }

    /// Starts the shards of all partitions that are there, so that members that are gone are noticed without anybody asking.
    pub(crate) fn start(&self, node: &Arc<Node>) {
        for index in 0..partition_count(node) {
            let _ = self.shard(node, index);
        }
    }

    /// Ends the tasks.
    pub(crate) fn stop(&self) {
        self.shards
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn shard(&self, node: &Arc<Node>, index: i32) -> Result<mpsc::Sender<Message>, ErrorCode> {
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shard) = shards.get(&index).filter(|shard| !shard.is_closed()) {
            return Ok(shard.clone());
        }
        let partition = node
            .partitions
            .by_name(OFFSETS_TOPIC, index)
            .ok_or(ErrorCode::NotCoordinator)?;
        let (sender, receiver) = mpsc::channel(SHARD_MAILBOX);
        self.control.spawn(shard::run(
            partition,
            settings(&node.config.properties),
            node.metadata.load_full(),
            receiver,
        ));
        shards.insert(index, sender.clone());
        Ok(sender)
    }

    /// Asks the shard of a group.
    pub(crate) async fn ask(
        &self,
        node: &Arc<Node>,
        group: &str,
        input: impl FnOnce(RequestId) -> GroupInput + Send + 'static,
    ) -> Result<GroupReply, ErrorCode> {
        let count = partition_count(node);
        if count == 0 {
            // Nobody coordinates before the topic is there; what is wrong in itself is said first.
            input(RequestId(0)).check(&settings(&node.config.properties))?;
            return Err(ErrorCode::NotCoordinator);
        }
        let index = partition_of_coordinator(group, count.unsigned_abs()).cast_signed();
        self.ask_shard(node, index, input).await
    }

    async fn ask_shard(
        &self,
        node: &Arc<Node>,
        index: i32,
        input: impl FnOnce(RequestId) -> GroupInput + Send + 'static,
    ) -> Result<GroupReply, ErrorCode> {
        let shard = self.shard(node, index)?;
        let (sender, receiver) = oneshot::channel();
        match shard.try_send(Message::Ask(Box::new(input), sender)) {
            Ok(()) => receiver.await.map_err(|_| ErrorCode::NotCoordinator),
            Err(TrySendError::Full(_)) => Err(ErrorCode::CoordinatorLoadInProgress),
            Err(TrySendError::Closed(_)) => Err(ErrorCode::NotCoordinator),
        }
    }

    /// Asks every shard.
    pub(crate) async fn ask_all(
        &self,
        node: &Arc<Node>,
        input: impl Fn(RequestId) -> GroupInput + Clone + Send + 'static,
    ) -> Result<Vec<GroupReply>, ErrorCode> {
        let mut replies = Vec::new();
        for index in 0..partition_count(node) {
            replies.push(self.ask_shard(node, index, input.clone()).await?);
        }
        Ok(replies)
    }

    /// Tells every shard that topics are gone.
    pub(crate) fn topics_removed(&self, ids: &BTreeSet<Uuid>, names: &BTreeSet<Str>) {
        if ids.is_empty() {
            return;
        }
        let shards: Vec<_> = self
            .shards
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect();
        for shard in shards {
            let message = Message::Tell(Box::new(GroupInput::TopicsRemoved {
                ids: ids.clone(),
                names: names.clone(),
            }));
            // This comes from the controller's thread, which may wait for room.
            let _ = shard.blocking_send(message);
        }
    }
}

/// Partitions of the offsets topic; 0 while it does not exist.
fn partition_count(node: &Node) -> i32 {
    let image = node.metadata.load();
    let count = image
        .topic(OFFSETS_TOPIC)
        .map_or(0, |topic| topic.partitions.len());
    i32::try_from(count).unwrap_or(i32::MAX)
}
