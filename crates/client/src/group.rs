//! The group consumer: shares a topic's partitions with other members, and commits how far it has read (classic protocol, range assignor).
//!
//! A task of its own sends heartbeats, so that a slow reader stays a member. When it hears of a rebalance, the next `poll` joins again;
//! what was handed out before is committed first if the caller asks for it in time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mainstem_protocol::messages::consumer_protocol_assignment::TopicPartition;
use mainstem_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use mainstem_protocol::messages::leave_group_request::MemberIdentity;
use mainstem_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use mainstem_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use mainstem_protocol::messages::{
    ConsumerProtocolAssignment, ConsumerProtocolSubscription, HeartbeatRequest, JoinGroupRequest,
    JoinGroupResponse, LeaveGroupRequest, OffsetCommitRequest, SyncGroupRequest,
};
use mainstem_protocol::records::{decode_versioned, encode_versioned};
use mainstem_protocol::{ErrorCode, Str};

use crate::assign::range;
use crate::cluster::{Use, retry};
use crate::connection::Connection;
use crate::{ClientError, Cluster, Consumer, ConsumerOptions, Record, Start};

/// How to be a member.
#[derive(Clone, Debug)]
pub struct GroupOptions {
    /// The group.
    pub group: String,
    /// Instance id, for a static member.
    pub instance: Option<String>,
    /// A member that is silent for so long is dropped.
    pub session_timeout: Duration,
    /// How long members may take to join again.
    pub rebalance_timeout: Duration,
    /// Time between heartbeats.
    pub heartbeat: Duration,
    /// Where to begin when nothing was committed.
    pub start: Start,
    /// How to read.
    pub consumer: ConsumerOptions,
}

impl GroupOptions {
    /// A member of `group` with usual times.
    pub fn new(group: &str) -> Self {
        Self {
            group: group.to_owned(),
            instance: None,
            session_timeout: Duration::from_secs(45),
            rebalance_timeout: Duration::from_secs(60),
            heartbeat: Duration::from_secs(3),
            start: Start::Earliest,
            consumer: ConsumerOptions::default(),
        }
    }
}

/// The generation that a member is in.
#[derive(Debug)]
struct Membership {
    /// To the coordinator, as it was when this generation began.
    connection: Arc<Connection>,
    member: Str,
    generation: i32,
    rejoin: Arc<AtomicBool>,
    heartbeat: tokio::task::JoinHandle<()>,
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

/// A member of a group.
#[derive(Debug)]
pub struct GroupConsumer {
    cluster: Cluster,
    options: GroupOptions,
    topics: Vec<Str>,
    member: Str,
    membership: Option<Membership>,
    consumer: Consumer,
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

impl GroupConsumer {
    /// A member that will read `topics`; it joins with the first `poll`.
    pub fn new(cluster: Cluster, options: GroupOptions, topics: Vec<Str>) -> Self {
        let consumer = Consumer::new(cluster.clone(), options.consumer.clone());
        Self {
            cluster,
            options,
            topics,
            member: Str::EMPTY,
            membership: None,
            consumer,
        }
    }

    /// The next offset of every partition that this member reads now.
    pub fn positions(&self) -> &BTreeMap<(Str, i32), i64> {
        self.consumer.positions()
    }

    /// The next records; none while the group rebalances or nothing comes.
    pub async fn poll(&mut self) -> Result<Vec<Record>, ClientError> {
        let rejoin = self
            .membership
            .as_ref()
            .is_none_or(|membership| membership.rejoin.load(Ordering::Relaxed));
        if rejoin {
            self.membership = None;
            self.join().await?;
        }
        if self.consumer.positions().is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            return Ok(Vec::new());
        }
        self.consumer.poll().await
    }

    /// True when the next `poll` joins again; what was handed out should be committed before.
    pub fn must_rejoin(&self) -> bool {
        self.membership
            .as_ref()
            .is_some_and(|membership| membership.rejoin.load(Ordering::Relaxed))
    }

    fn instance(&self) -> Option<Str> {
        self.options.instance.as_ref().map(Str::from)
    }

    fn refused(&self, code: ErrorCode) -> ClientError {
        ClientError::refused(format!("group {}", self.options.group), code, None)
    }

    async fn join(&mut self) -> Result<(), ClientError> {
        let deadline =
            Instant::now() + self.options.rebalance_timeout + self.options.session_timeout;
        loop {
            let error = match self.try_join().await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let again = match error.code() {
                Some(
                    ErrorCode::MemberIdRequired
                    | ErrorCode::RebalanceInProgress
                    | ErrorCode::IllegalGeneration,
                ) => true,
                Some(ErrorCode::UnknownMemberId) => {
                    self.member = Str::EMPTY;
                    true
                }
                _ => error.is_retriable(),
            };
            if !again || Instant::now() > deadline {
                return Err(error);
            }
            if error.is_retriable() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }

    async fn try_join(&mut self) -> Result<(), ClientError> {
        self.consumer.clear();
        let connection = self
            .cluster
            .coordinator(&self.options.group, Use::Group)
            .await?;
        let joined = self.ask_join(&connection).await?;
        let assignments = if joined.leader == joined.member_id {
            self.assign(&joined).await?
        } else {
            Vec::new()
        };
        let group = Str::from(&self.options.group);
        // The leader of the group may take its time to assign.
        let synced = connection
            .ask_within(self.options.rebalance_timeout, |version| SyncGroupRequest {
                group_id: group.clone(),
                generation_id: joined.generation_id,
                member_id: joined.member_id.clone(),
                group_instance_id: self.instance().filter(|_| version >= 3),
                protocol_type: Some(Str::from_static("consumer")),
                protocol_name: Some(Str::from_static("range")),
                assignments,
            })
            .await?;
        let code = ErrorCode::from_code(synced.error_code);
        if code.is_error() {
            return Err(self.refused(code));
        }
        let rejoin = Arc::new(AtomicBool::new(false));
        let beat = HeartbeatRequest {
            group_id: group,
            generation_id: joined.generation_id,
            member_id: joined.member_id.clone(),
            group_instance_id: self.instance(),
        };
        self.membership = Some(Membership {
            connection: connection.clone(),
            member: joined.member_id,
            generation: joined.generation_id,
            rejoin: rejoin.clone(),
            heartbeat: tokio::spawn(heartbeats(connection, beat, self.options.heartbeat, rejoin)),
        });
        self.begin(&synced.assignment).await.inspect_err(|_| {
            self.membership = None;
        })
    }

    async fn ask_join(
        &mut self,
        connection: &Connection,
    ) -> Result<JoinGroupResponse, ClientError> {
        let subscription = ConsumerProtocolSubscription {
            topics: self.topics.clone(),
            ..Default::default()
        };
        let metadata = encode_versioned(&subscription, 1).map_err(|cause| ClientError::Encode {
            api: mainstem_protocol::ApiKey::JoinGroup,
            cause,
        })?;
        // Answered once every member has joined again, or was given up.
        let joined = connection
            .ask_within(self.options.rebalance_timeout, |version| JoinGroupRequest {
                group_id: Str::from(&self.options.group),
                session_timeout_ms: millis(self.options.session_timeout),
                rebalance_timeout_ms: millis(self.options.rebalance_timeout),
                member_id: self.member.clone(),
                group_instance_id: self.instance().filter(|_| version >= 5),
                protocol_type: Str::from_static("consumer"),
                protocols: vec![JoinGroupRequestProtocol {
                    name: Str::from_static("range"),
                    metadata,
                }],
                reason: None,
            })
            .await?;
        let code = ErrorCode::from_code(joined.error_code);
        if code == ErrorCode::MemberIdRequired || !code.is_error() {
            self.member = joined.member_id.detached();
        }
        if code.is_error() {
            Err(self.refused(code))
        } else {
            Ok(joined)
        }
    }

    /// As the leader: shares the partitions out.
    async fn assign(
        &self,
        joined: &JoinGroupResponse,
    ) -> Result<Vec<SyncGroupRequestAssignment>, ClientError> {
        let mut subscriptions = BTreeMap::new();
        let mut counts = BTreeMap::new();
        for member in &joined.members {
            let subscription: ConsumerProtocolSubscription =
                decode_versioned(member.metadata.clone()).map_err(|cause| ClientError::Decode {
                    api: mainstem_protocol::ApiKey::JoinGroup,
                    cause,
                })?;
            for topic in &subscription.topics {
                if !counts.contains_key(topic) {
                    counts.insert(topic.clone(), self.cluster.partition_count(topic).await?);
                }
            }
            subscriptions.insert(member.member_id.clone(), subscription.topics);
        }
        let mut assignments = Vec::new();
        for (member_id, topics) in range(&subscriptions, &counts) {
            let topics = topics
                .into_iter()
                .map(|(topic, partitions)| TopicPartition { topic, partitions });
            let message = ConsumerProtocolAssignment {
                assigned_partitions: topics.collect(),
                ..Default::default()
            };
            let assignment =
                encode_versioned(&message, 1).map_err(|cause| ClientError::Encode {
                    api: mainstem_protocol::ApiKey::SyncGroup,
                    cause,
                })?;
            assignments.push(SyncGroupRequestAssignment {
                member_id,
                assignment,
            });
        }
        Ok(assignments)
    }

    /// Begins to read what was assigned, from the committed offsets on.
    async fn begin(&mut self, assignment: &Bytes) -> Result<(), ClientError> {
        if assignment.is_empty() {
            return Ok(());
        }
        let assigned: ConsumerProtocolAssignment =
            decode_versioned(assignment.clone()).map_err(|cause| ClientError::Decode {
                api: mainstem_protocol::ApiKey::SyncGroup,
                cause,
            })?;
        let committed = self.cluster.committed(&self.options.group).await?;
        for topic in assigned.assigned_partitions {
            let name = topic.topic.detached();
            for partition in topic.partitions {
                let start = match committed.get(&(name.clone(), partition)) {
                    Some(offset) => Start::Offset(*offset),
                    None => self.options.start,
                };
                let consumer = &mut self.consumer;
                consumer.assign(&name, partition, start).await?;
            }
        }
        Ok(())
    }

    /// Commits the next offset of every partition that was handed out.
    pub async fn commit(&mut self) -> Result<(), ClientError> {
        let positions = self.consumer.positions().clone();
        self.commit_offsets(&positions).await
    }

    /// Commits offsets: of each partition the next to be read.
    pub async fn commit_offsets(
        &mut self,
        offsets: &BTreeMap<(Str, i32), i64>,
    ) -> Result<(), ClientError> {
        let Some(membership) = &self.membership else {
            return Ok(());
        };
        if offsets.is_empty() {
            return Ok(());
        }
        let mut topics: Vec<OffsetCommitRequestTopic> = Vec::new();
        for ((topic, partition), offset) in offsets {
            if topics.last().is_none_or(|last| last.name != *topic) {
                topics.push(OffsetCommitRequestTopic {
                    name: topic.clone(),
                    ..Default::default()
                });
            }
            if let Some(last) = topics.last_mut() {
                last.partitions.push(OffsetCommitRequestPartition {
                    partition_index: *partition,
                    committed_offset: *offset,
                    committed_metadata: Some(Str::EMPTY),
                    ..Default::default()
                });
            }
        }
        let attempt = || async {
            let moved = membership.rejoin.load(Ordering::Relaxed);
            let connection = if moved || membership.connection.is_lost() {
                self.cluster
                    .coordinator(&self.options.group, Use::Group)
                    .await?
            } else {
                membership.connection.clone()
            };
            let request = |version| OffsetCommitRequest {
                group_id: Str::from(&self.options.group),
                generation_id_or_member_epoch: membership.generation,
                member_id: membership.member.clone(),
                group_instance_id: self.instance().filter(|_| version >= 7),
                topics: topics.clone(),
                ..OffsetCommitRequest::default()
            };
            let response = connection.ask(request).await?;
            let codes = response.topics.iter().flat_map(|topic| &topic.partitions);
            let failed = codes
                .map(|partition| ErrorCode::from_code(partition.error_code))
                .find(|code| code.is_error());
            let Some(code) = failed else {
                return Ok(());
            };
            if code == ErrorCode::NotCoordinator || !code.is_retriable() {
                // This generation is over, or known elsewhere: the next `poll` joins again.
                membership.rejoin.store(true, Ordering::Relaxed);
            }
            Err(self.refused(code))
        };
        retry(self.cluster.deadline(), attempt).await
    }

    /// Leaves the group, so that others take over at once; a join that is under way ends too. A static member stays.
    pub async fn leave(&mut self) -> Result<(), ClientError> {
        self.membership = None;
        self.consumer.clear();
        let member = std::mem::replace(&mut self.member, Str::EMPTY);
        if member.is_empty() || self.options.instance.is_some() {
            return Ok(());
        }
        // Not behind a join that may still wait for others.
        let cluster = &self.cluster;
        let connection = cluster.coordinator(&self.options.group, Use::Plain).await?;
        let request = |version| {
            let mut request = LeaveGroupRequest {
                group_id: Str::from(&self.options.group),
                ..Default::default()
            };
            if version >= 3 {
                request.members = vec![MemberIdentity {
                    member_id: member,
                    ..MemberIdentity::default()
                }];
            } else {
                request.member_id = member;
            }
            request
        };
        connection.ask(request).await?;
        Ok(())
    }
}

/// Sends heartbeats until one says that the member must join again.
async fn heartbeats(
    connection: Arc<Connection>,
    beat: HeartbeatRequest,
    every: Duration,
    rejoin: Arc<AtomicBool>,
) {
    loop {
        tokio::time::sleep(every).await;
        let request = |version| {
            let group_instance_id = beat.group_instance_id.clone().filter(|_| version >= 3);
            HeartbeatRequest {
                group_instance_id,
                ..beat.clone()
            }
        };
        match connection.ask(request).await {
            Ok(response) if response.error_code == 0 => {}
            _ => {
                rejoin.store(true, Ordering::Relaxed);
                return;
            }
        }
    }
}
