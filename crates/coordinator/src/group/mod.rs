//! Groups of the classic protocol, and the offsets that groups commit.
//!
//! Hard state ([`state`]) is what the log says: the last `GroupMetadataValue` of each group, and its offsets. The running round – who has
//! joined, who waits, the generation before its assignment – is soft ([`soft`]); Apache Kafka does not log it either. One file for each
//! operation. Behaviour: `GroupMetadataManager` and `OffsetMetadataManager` of Apache Kafka 4.4, classic parts.

mod commit;
mod delete;
mod describe;
mod expire;
mod heartbeat;
mod input;
mod join;
mod leave;
mod offsets;
mod rebalance;
mod records;
mod soft;
mod state;
mod sync;

pub use input::{
    Client, CommitPartition, CommitRequest, GroupDescription, GroupInput, GroupOverview,
    GroupReply, GroupSettings, MemberDescription, TimerKey, TopicOffsets,
};
pub use records::{GroupRecord, RecordError};
pub use soft::{Phase, Soft};
pub use state::{CommittedOffset, Groups};

use mainstem_protocol::ErrorCode;

use crate::limits::TOMBSTONE_BYTES_MAX;
use crate::{Context, Decision, RequestId, StateMachine, TimerChange, Timestamp};

/// A decision under way: what it writes, answers and arms.
pub(crate) struct Turn<'a> {
    pub(crate) now_ms: i64,
    pub(crate) random: &'a mut dyn FnMut() -> u64,
    pub(crate) decision: Decision<Groups>,
}

impl Turn<'_> {
    pub(crate) fn reply(&mut self, id: RequestId, reply: GroupReply) {
        self.decision.replies.push((id, reply));
    }

    pub(crate) fn record(&mut self, record: GroupRecord) {
        self.decision.records.push(record);
    }

    pub(crate) fn arm(&mut self, key: TimerKey, after_ms: i64) {
        let at = Timestamp(self.now_ms.saturating_add(after_ms.max(0)));
        self.decision.timers.push(TimerChange::Arm(key, at));
    }

    pub(crate) fn cancel(&mut self, key: TimerKey) {
        self.decision.timers.push(TimerChange::Cancel(key));
    }
}

impl StateMachine for Groups {
    type Input = GroupInput;
    type Reply = GroupReply;
    type Record = GroupRecord;
    type TimerKey = TimerKey;
    type Soft = Soft;

    fn decide(&self, soft: &mut Soft, input: GroupInput, cx: &mut Context<'_>) -> Decision<Self> {
        let mut turn = Turn {
            now_ms: cx.now.0,
            random: cx.random,
            decision: Decision::default(),
        };
        match input {
            GroupInput::Loaded => self.loaded(soft, &mut turn),
            GroupInput::Join {
                id,
                version,
                client,
                request,
            } => self.join(soft, &mut turn, (id, version, client), request),
            GroupInput::Sync { id, request } => self.sync(soft, &mut turn, id, request),
            GroupInput::Heartbeat { id, request } => self.heartbeat(soft, &mut turn, id, &request),
            GroupInput::Leave { id, group, members } => {
                self.leave(soft, &mut turn, id, &group, members);
            }
            GroupInput::Commit { id, request } => self.commit(soft, &mut turn, id, request),
            GroupInput::FetchOffsets { id, group, wanted } => {
                self.fetch_offsets(&mut turn, id, &group, wanted);
            }
            GroupInput::DeleteOffsets {
                id,
                group,
                partitions,
            } => {
                self.delete_offsets(soft, &mut turn, id, &group, partitions);
            }
            GroupInput::Delete { id, group } => self.delete(soft, &mut turn, id, &group),
            GroupInput::List { id } => self.list(soft, &mut turn, id),
            GroupInput::Describe { id, group } => self.describe(soft, &mut turn, id, &group),
            GroupInput::TopicsRemoved { ids, names } => {
                self.topics_removed(&mut turn, &ids, &names);
            }
            GroupInput::Timer(key) => self.timer(soft, &mut turn, key),
        }
        turn.decision
    }

    /// Tombstones may be more than a batch can hold. Each offset may go without the next, and a group's own goes behind those of its
    /// offsets, so whatever a crash leaves is a group with fewer offsets, or offsets of which the next expiry takes the rest.
    fn batch_len(records: &[GroupRecord]) -> usize {
        let mut bytes = 0usize;
        let mut fits = |tombstone_bytes: usize| {
            bytes = bytes.saturating_add(tombstone_bytes);
            bytes <= TOMBSTONE_BYTES_MAX
        };
        match records.first().and_then(GroupRecord::tombstone_bytes) {
            // What is no tombstone was bounded when it was decided on.
            None => records.len(),
            Some(_) => records
                .iter()
                .map_while(GroupRecord::tombstone_bytes)
                .take_while(|bytes| fits(*bytes))
                .count(),
        }
    }

    fn unwritable(reply: GroupReply) -> GroupReply {
        reply.refused(ErrorCode::UnknownServerError)
    }

    fn apply(&mut self, record: &GroupRecord) {
        self.apply_record(record);
    }
}

impl Groups {
    /// After loading: every group's round stands as its record says, and its members' sessions begin anew.
    fn loaded(&self, soft: &mut Soft, turn: &mut Turn<'_>) {
        for (name, group) in self.groups() {
            let round = soft::Round::from_record(group);
            for member in round.members.values() {
                let key = TimerKey::Session {
                    group: name.clone(),
                    member: member.id.clone(),
                };
                turn.arm(key, i64::from(member.session_timeout_ms));
            }
            soft.rounds.insert(name.clone(), round);
        }
        for (name, _) in self.all_offsets() {
            soft.rounds.entry(name.clone()).or_default(); // groups that only commit
        }
        turn.arm(TimerKey::Expiry, self.settings().expiry_check_ms);
    }

    fn timer(&self, soft: &mut Soft, turn: &mut Turn<'_>, key: TimerKey) {
        match key {
            TimerKey::Session { group, member } => {
                self.session_expired(soft, turn, &group, &member);
            }
            TimerKey::InitialDelay { group } => self.initial_delay_over(soft, turn, &group),
            TimerKey::Joins { group } => self.joins_over(soft, turn, &group),
            TimerKey::Syncs { group } => self.syncs_over(soft, turn, &group),
            TimerKey::Expiry => {
                self.expire_offsets(soft, turn);
                turn.arm(TimerKey::Expiry, self.settings().expiry_check_ms);
            }
        }
    }
}
