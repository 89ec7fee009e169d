//! What comes to the machine and what it answers.

use std::collections::BTreeSet;

use bytes::Bytes;
use mainstem_protocol::messages::leave_group_request::MemberIdentity;
use mainstem_protocol::messages::leave_group_response::MemberResponse;
use mainstem_protocol::messages::{
    HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, SyncGroupRequest, SyncGroupResponse,
};
use mainstem_protocol::{ErrorCode, Str, Uuid};

use super::CommittedOffset;
use super::rebalance::{refused_join, refused_sync};
use crate::RequestId;

/// The settings of all groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSettings {
    /// `group.min.session.timeout.ms`.
    pub session_timeout_min_ms: i32,
    /// `group.max.session.timeout.ms`.
    pub session_timeout_max_ms: i32,
    /// `group.initial.rebalance.delay.ms`.
    pub initial_delay_ms: i64,
    /// `group.max.size`.
    pub members_max: usize,
    /// `offset.metadata.max.bytes`.
    pub metadata_bytes_max: usize,
    /// `offsets.retention.minutes`, in milliseconds.
    pub retention_ms: i64,
    /// `offsets.retention.check.interval.ms`.
    pub expiry_check_ms: i64,
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            session_timeout_min_ms: 6_000,
            session_timeout_max_ms: 1_800_000,
            initial_delay_ms: 3_000,
            members_max: usize::MAX,
            metadata_bytes_max: 4_096,
            retention_ms: 7 * 24 * 3_600_000,
            expiry_check_ms: 600_000,
        }
    }
}

impl GroupSettings {
    /// Whether a member may ask for such a session.
    pub(super) fn check_session(&self, timeout_ms: i32) -> Result<(), ErrorCode> {
        let bounds = self.session_timeout_min_ms..=self.session_timeout_max_ms;
        if bounds.contains(&timeout_ms) {
            Ok(())
        } else {
            Err(ErrorCode::InvalidSessionTimeout)
        }
    }
}

/// Members cannot come together under the empty name; offsets can be kept under it.
pub(super) fn check_name(group: &str) -> Result<(), ErrorCode> {
    if group.is_empty() {
        Err(ErrorCode::InvalidGroupId)
    } else {
        Ok(())
    }
}

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// What it calls itself.
    pub id: Str,
    /// Where it comes from: `/127.0.0.1`.
    pub host: Str,
}

/// A partition in a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitPartition {
    /// Topic.
    pub topic: Str,
    /// Its id.
    pub topic_id: Uuid,
    /// Partition.
    pub partition: i32,
    /// Offset, with what goes with it.
    pub offset: i64,
    /// Leader epoch of the record before; -1 when unknown.
    pub leader_epoch: i32,
    /// The client's words.
    pub metadata: Str,
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitRequest {
    /// Group.
    pub group: Str,
    /// Member; empty for a consumer outside a group.
    pub member: Str,
    /// Instance id of a static member.
    pub instance: Option<Str>,
    /// Generation; negative for a consumer outside a group.
    pub generation: i32,
    /// Keep for this long instead of the usual; -1 for the usual.
    pub retention_ms: i64,
    /// Partitions.
    pub partitions: Vec<CommitPartition>,
}

/// Names of timers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimerKey {
    /// A member is silent.
    Session {
        /// Group.
        group: Str,
        /// Member.
        member: Str,
    },
    /// An empty group waits for more members before its first generation.
    InitialDelay {
        /// Group.
        group: Str,
    },
    /// Members had time to join the round.
    Joins {
        /// Group.
        group: Str,
    },
    /// Members had time to ask for their assignment.
    Syncs {
        /// Group.
        group: Str,
    },
    /// Offsets may be too old.
    Expiry,
}

/// What comes in.
#[derive(Clone, Debug)]
pub enum GroupInput {
    /// Everything in the log was replayed.
    Loaded,
    /// JoinGroup.
    Join {
        /// Request.
        id: RequestId,
        /// Its version: what the client understands.
        version: i16,
        /// Who.
        client: Client,
        /// The request.
        request: JoinGroupRequest,
    },
    /// SyncGroup.
    Sync {
        /// Request.
        id: RequestId,
        /// The request.
        request: SyncGroupRequest,
    },
    /// Heartbeat.
    Heartbeat {
        /// Request.
        id: RequestId,
        /// The request.
        request: HeartbeatRequest,
    },
    /// LeaveGroup.
    Leave {
        /// Request.
        id: RequestId,
        /// Group.
        group: Str,
        /// Who leaves.
        members: Vec<MemberIdentity>,
    },
    /// OffsetCommit.
    Commit {
        /// Request.
        id: RequestId,
        /// The request.
        request: CommitRequest,
    },
    /// OffsetFetch; all offsets when nothing is named.
    FetchOffsets {
        /// Request.
        id: RequestId,
        /// Group.
        group: Str,
        /// Topics and partitions.
        wanted: Option<Vec<(Str, Vec<i32>)>>,
    },
    /// OffsetDelete.
    DeleteOffsets {
        /// Request.
        id: RequestId,
        /// Group.
        group: Str,
        /// Topics and partitions.
        partitions: Vec<(Str, i32)>,
    },
    /// DeleteGroups, one of them.
    Delete {
        /// Request.
        id: RequestId,
        /// Group.
        group: Str,
    },
    /// ListGroups.
    List {
        /// Request.
        id: RequestId,
    },
    /// DescribeGroups, one of them.
    Describe {
        /// Request.
        id: RequestId,
        /// Group.
        group: Str,
    },
    /// Topics were deleted; their offsets go.
    TopicsRemoved {
        /// Ids.
        ids: BTreeSet<Uuid>,
        /// Names, for offsets of old clients that say no id.
        names: BTreeSet<Str>,
    },
    /// A timer went off.
    Timer(TimerKey),
}

impl GroupInput {
    /// What Apache Kafka looks at before it looks for the group's coordinator.
    pub fn check(&self, settings: &GroupSettings) -> Result<(), ErrorCode> {
        match self {
            Self::Join { request, .. } => {
                check_name(&request.group_id)?;
                settings.check_session(request.session_timeout_ms)
            }
            Self::Sync { request, .. } => check_name(&request.group_id),
            Self::Heartbeat { request, .. } => check_name(&request.group_id),
            Self::Leave { group, .. } | Self::DeleteOffsets { group, .. } => check_name(group),
            _ => Ok(()),
        }
    }
}

/// A group in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupOverview {
    /// Name.
    pub group: Str,
    /// `consumer`, `connect`, …; empty for one that only commits.
    pub protocol_type: Str,
    /// State in Kafka's words.
    pub state: &'static str,
}

/// A member as described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberDescription {
    /// Member id.
    pub id: Str,
    /// Instance id.
    pub instance: Option<Str>,
    /// Client id.
    pub client_id: Str,
    /// Host.
    pub client_host: Str,
    /// Subscription, in the chosen protocol.
    pub metadata: Bytes,
    /// Assignment.
    pub assignment: Bytes,
}

/// A group as described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDescription {
    /// State in Kafka's words.
    pub state: &'static str,
    /// Protocol type.
    pub protocol_type: Str,
    /// Chosen protocol, when stable.
    pub protocol: Str,
    /// Members.
    pub members: Vec<MemberDescription>,
}

/// What a group committed for the partitions of a topic, where it did.
pub type TopicOffsets = (Str, Vec<(i32, Option<CommittedOffset>)>);

/// What goes out.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupReply {
    /// To Join.
    Join(JoinGroupResponse),
    /// To Sync.
    Sync(SyncGroupResponse),
    /// To Heartbeat.
    Heartbeat(ErrorCode),
    /// To Leave: for the whole, and for each member.
    Leave(ErrorCode, Vec<MemberResponse>),
    /// To Commit: for each partition, in order.
    Commit(Vec<ErrorCode>),
    /// To FetchOffsets: what was named, in that order and as often; each topic once when nothing was.
    Offsets(Vec<TopicOffsets>),
    /// To DeleteOffsets: for the whole, and for each partition in order.
    DeletedOffsets(ErrorCode, Vec<ErrorCode>),
    /// To Delete.
    Deleted(ErrorCode),
    /// To List.
    List(Vec<GroupOverview>),
    /// To Describe; none when there is no such group.
    Described(Option<GroupDescription>),
}

impl GroupReply {
    /// The refusal that takes the place of this answer.
    pub(super) fn refused(self, code: ErrorCode) -> Self {
        match self {
            Self::Join(_) => refused_join(code, &Str::EMPTY),
            Self::Sync(_) => refused_sync(code),
            Self::Heartbeat(_) => Self::Heartbeat(code),
            Self::Leave(..) => Self::Leave(code, Vec::new()),
            Self::Commit(codes) => Self::Commit(vec![code; codes.len()]),
            Self::DeletedOffsets(..) => Self::DeletedOffsets(code, Vec::new()),
            Self::Deleted(_) => Self::Deleted(code),
            // What only looks writes nothing that could fail.
            looked @ (Self::Offsets(_) | Self::List(_) | Self::Described(_)) => looked,
        }
    }
}
