//! OffsetCommit (key 8): where a group goes on reading.

use mainstem_protocol::ErrorCode;

use super::join::check_member;
use super::rebalance::touch;
use super::soft::{Phase, Soft};
use super::{
    CommitPartition, CommitRequest, CommittedOffset, GroupRecord, GroupReply, Groups, Turn,
};
use crate::RequestId;
use crate::limits::{COMMIT_BYTES_MAX, OFFSET_RECORD_BYTES, STRING_BYTES_MAX};

/// About how many bytes the records of a commit take: each repeats the names.
fn record_bytes(request: &CommitRequest) -> usize {
    let of = |partition: &CommitPartition| {
        let names = request.group.len() + partition.topic.len();
        OFFSET_RECORD_BYTES + names + partition.metadata.len()
    };
    request.partitions.iter().map(of).sum()
}

impl Groups {
    pub(super) fn commit(
        &self,
        soft: &mut Soft,
        turn: &mut Turn<'_>,
        id: RequestId,
        request: CommitRequest,
    ) {
        if request.group.len() > STRING_BYTES_MAX || self.has_long_metadata(&request) {
            let codes = vec![ErrorCode::UnknownServerError; request.partitions.len()];
            turn.reply(id, GroupReply::Commit(codes));
            return;
        }
        if let Err(code) = self.may_commit(soft, turn, &request) {
            let codes = vec![code; request.partitions.len()];
            turn.reply(id, GroupReply::Commit(codes));
            return;
        }
        if record_bytes(&request) > COMMIT_BYTES_MAX {
            let codes = vec![ErrorCode::InvalidCommitOffsetSize; request.partitions.len()];
            turn.reply(id, GroupReply::Commit(codes));
            return;
        }
        let group = request.group.detached();
        let mut codes = Vec::with_capacity(request.partitions.len());
        for partition in &request.partitions {
            if !self.allows(&partition.metadata) {
                codes.push(ErrorCode::OffsetMetadataTooLarge);
                continue;
            }
            codes.push(ErrorCode::None);
            turn.record(GroupRecord::Offset {
                group: group.clone(),
                topic: partition.topic.detached(),
                partition: partition.partition,
                value: Some(committed(partition, &request, turn.now_ms)),
            });
        }
        if codes.iter().any(|code| !code.is_error()) {
            // A group that only commits comes into being by it. It stands by its offsets alone: Apache Kafka writes no record of it either.
            soft.rounds.entry(group).or_default();
        }
        turn.reply(id, GroupReply::Commit(codes));
    }

    /// True when a record would have to hold words of the client that it cannot, however much `offset.metadata.max.bytes` allows.
    fn has_long_metadata(&self, request: &CommitRequest) -> bool {
        let mut allowed = request
            .partitions
            .iter()
            .map(|partition| &partition.metadata)
            .filter(|metadata| self.allows(metadata));
        allowed.any(|metadata| metadata.len() > STRING_BYTES_MAX)
    }

    /// Apache Kafka holds the length of a Java string to `offset.metadata.max.bytes`: units of UTF-16, of which there are never more than
    /// bytes.
    fn allows(&self, metadata: &str) -> bool {
        let max = self.settings().metadata_bytes_max;
        metadata.len() <= max || metadata.encode_utf16().count() <= max
    }

    /// Whether the sender may commit for the group.
    fn may_commit(
        &self,
        soft: &Soft,
        turn: &mut Turn<'_>,
        request: &CommitRequest,
    ) -> Result<(), ErrorCode> {
        // The empty name is one like any other here: old clients commit under it.
        let Some((group, round)) = soft.rounds.get_key_value(request.group.as_str()) else {
            if request.generation >= 0 {
                return Err(ErrorCode::GroupIdNotFound);
            }
            return Ok(());
        };
        if request.generation < 0 && round.phase == Phase::Empty {
            return Ok(());
        }
        if request.generation < 0 && request.member.is_empty() && request.instance.is_none() {
            return Err(ErrorCode::UnknownMemberId);
        }
        check_member(round, &request.member, request.instance.as_ref())?;
        if request.generation != round.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        if round.phase == Phase::CompletingRebalance {
            return Err(ErrorCode::RebalanceInProgress);
        }
        // A commit is a sign of life.
        if let Some(member) = round.members.get(request.member.as_str()) {
            touch(turn, group, member);
        }
        Ok(())
    }
}

fn committed(partition: &CommitPartition, request: &CommitRequest, now_ms: i64) -> CommittedOffset {
    let kept_for = (request.retention_ms >= 0).then_some(request.retention_ms);
    CommittedOffset {
        offset: partition.offset,
        // The record version that can say when an offset expires cannot say these two.
        leader_epoch: if kept_for.is_some() {
            -1
        } else {
            partition.leader_epoch
        },
        metadata: partition.metadata.detached(),
        commit_timestamp: now_ms,
        expire_timestamp: kept_for.map(|kept_for| now_ms.saturating_add(kept_for)),
        topic_id: if kept_for.is_some() {
            Default::default()
        } else {
            partition.topic_id
        },
    }
}
