//! Heartbeat (key 12): a member is alive, and learns whether it must join again.

use mainstem_protocol::ErrorCode;
use mainstem_protocol::messages::HeartbeatRequest;

use super::input::check_name;
use super::join::check_member;
use super::rebalance::touch;
use super::soft::{Phase, Soft};
use super::{GroupReply, Groups, Turn};
use crate::RequestId;

impl Groups {
    pub(super) fn heartbeat(
        &self,
        soft: &mut Soft,
        turn: &mut Turn<'_>,
        id: RequestId,
        request: &HeartbeatRequest,
    ) {
        let code = beat(soft, turn, request).err().unwrap_or(ErrorCode::None);
        turn.reply(id, GroupReply::Heartbeat(code));
    }
}

fn beat(soft: &Soft, turn: &mut Turn<'_>, request: &HeartbeatRequest) -> Result<(), ErrorCode> {
    check_name(&request.group_id)?;
    let (group, round) = soft
        .rounds
        .get_key_value(request.group_id.as_str())
        .ok_or(ErrorCode::UnknownMemberId)?;
    check_member(
        round,
        &request.member_id,
        request.group_instance_id.as_ref(),
    )?;
    if request.generation_id != round.generation {
        return Err(ErrorCode::IllegalGeneration);
    }
    let member = round
        .members
        .get(request.member_id.as_str())
        .ok_or(ErrorCode::UnknownMemberId)?;
    match round.phase {
        Phase::Empty => Err(ErrorCode::UnknownMemberId),
        Phase::PreparingRebalance => {
            touch(turn, group, member);
            Err(ErrorCode::RebalanceInProgress)
        }
        Phase::CompletingRebalance | Phase::Stable => {
            touch(turn, group, member);
            Ok(())
        }
    }
}
