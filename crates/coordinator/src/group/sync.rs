//! SyncGroup (key 14): the leader brings the assignments, everybody takes theirs.

use bytes::Bytes;
use mainstem_protocol::messages::{SyncGroupRequest, SyncGroupResponse};
use mainstem_protocol::{ErrorCode, Str};

use super::input::check_name;
use super::join::check_member;
use super::rebalance::{refused_sync, syncs, touch};
use super::soft::{Phase, Round, Soft};
use super::{GroupRecord, GroupReply, Groups, Turn};
use crate::RequestId;
use crate::limits::GROUP_VALUE_BYTES_MAX;

impl Groups {
    pub(super) fn sync(
        &self,
        soft: &mut Soft,
        turn: &mut Turn<'_>,
        id: RequestId,
        request: SyncGroupRequest,
    ) {
        if let Err(code) = self.try_sync(soft, turn, id, &request) {
            turn.reply(id, refused_sync(code));
        }
    }

    fn try_sync(
        &self,
        soft: &mut Soft,
        turn: &mut Turn<'_>,
        id: RequestId,
        request: &SyncGroupRequest,
    ) -> Result<(), ErrorCode> {
        check_name(&request.group_id)?;
        let group = request.group_id.detached();
        let round = soft
            .rounds
            .get_mut(group.as_str())
            .ok_or(ErrorCode::UnknownMemberId)?;
        check_member(
            round,
            &request.member_id,
            request.group_instance_id.as_ref(),
        )?;
        if request.generation_id != round.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        let differs = |asked: &Option<Str>, there: &Option<Str>| asked.is_some() && asked != there;
        if differs(&request.protocol_type, &round.protocol_type)
            || differs(&request.protocol_name, &round.protocol)
        {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        match round.phase {
            Phase::Empty => Err(ErrorCode::UnknownMemberId),
            Phase::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
            Phase::CompletingRebalance => self.sync_completing(turn, &group, round, id, request),
            Phase::Stable => {
                round.unsynced.remove(request.member_id.as_str());
                if round.unsynced.is_empty() {
                    turn.cancel(syncs(&group));
                }
                let member = round
                    .members
                    .get(request.member_id.as_str())
                    .ok_or(ErrorCode::UnknownMemberId)?;
                touch(turn, &group, member);
                turn.reply(id, assigned(round, member.assignment.clone()));
                Ok(())
            }
        }
    }

    fn sync_completing(
        &self,
        turn: &mut Turn<'_>,
        group: &Str,
        round: &mut Round,
        id: RequestId,
        request: &SyncGroupRequest,
    ) -> Result<(), ErrorCode> {
        let is_leader = round.leader.as_ref() == Some(&request.member_id);
        if is_leader {
            let bytes: usize = request
                .assignments
                .iter()
                .map(|assignment| assignment.assignment.len())
                .sum();
            if round.record_bytes() + bytes > GROUP_VALUE_BYTES_MAX {
                return Err(ErrorCode::UnknownServerError);
            }
        }
        round.unsynced.remove(request.member_id.as_str());
        if let Some(member) = round.members.get_mut(request.member_id.as_str())
            && let Some(old) = member.syncing.replace(id)
        {
            turn.reply(old, refused_sync(ErrorCode::RebalanceInProgress));
        }
        if !is_leader {
            return Ok(());
        }
        for member in round.members.values_mut() {
            let given = request
                .assignments
                .iter()
                .find(|assignment| assignment.member_id == member.id);
            member.assignment = given
                .map(|given| Bytes::copy_from_slice(&given.assignment))
                .unwrap_or_default();
        }
        round.phase = Phase::Stable;
        turn.record(GroupRecord::Group {
            group: group.clone(),
            value: Some(round.to_record(turn.now_ms)),
        });
        let waiting: Vec<Str> = round.members.keys().cloned().collect();
        for member_id in waiting {
            let Some(member) = round.members.get_mut(member_id.as_str()) else {
                continue;
            };
            let Some(request) = member.syncing.take() else {
                continue;
            };
            let member = member.clone();
            touch(turn, group, &member);
            turn.reply(request, assigned(round, member.assignment));
        }
        if round.unsynced.is_empty() {
            turn.cancel(syncs(group));
        }
        Ok(())
    }
}

fn assigned(round: &Round, assignment: Bytes) -> GroupReply {
    GroupReply::Sync(SyncGroupResponse {
        protocol_type: round.protocol_type.clone(),
        protocol_name: round.protocol.clone(),
        assignment,
        ..SyncGroupResponse::default()
    })
}
