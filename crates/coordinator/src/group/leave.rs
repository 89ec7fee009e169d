//! LeaveGroup (key 13): members go of their own will; an administrator may name static members by their instance (KIP-345).

use mainstem_protocol::messages::leave_group_request::MemberIdentity;
use mainstem_protocol::messages::leave_group_response::MemberResponse;
use mainstem_protocol::{ErrorCode, Str};

use super::input::check_name;
use super::rebalance::session;
use super::soft::{Round, Soft};
use super::{GroupReply, Groups, Turn};
use crate::RequestId;

impl Groups {
    pub(super) fn leave(
        &self,
        soft: &mut Soft,
        turn: &mut Turn<'_>,
        id: RequestId,
        group: &Str,
        members: Vec<MemberIdentity>,
    ) {
        if let Err(code) = check_name(group) {
            turn.reply(id, GroupReply::Leave(code, Vec::new()));
            return;
        }
        let group = group.detached();
        let mut round = soft.rounds.get_mut(group.as_str());
        let answers = members.into_iter().map(|identity| {
            let left = match &mut round {
                Some(round) => self.leave_one(turn, &group, round, &identity),
                None => Err(ErrorCode::UnknownMemberId),
            };
            MemberResponse {
                member_id: identity.member_id,
                group_instance_id: identity.group_instance_id,
                error_code: left.err().unwrap_or(ErrorCode::None).code(),
            }
        });
        let answers: Vec<MemberResponse> = answers.collect();
        turn.reply(id, GroupReply::Leave(ErrorCode::None, answers));
    }

    fn leave_one(
        &self,
        turn: &mut Turn<'_>,
        group: &Str,
        round: &mut Round,
        identity: &MemberIdentity,
    ) -> Result<(), ErrorCode> {
        let member = match &identity.group_instance_id {
            Some(instance) => {
                let current = round
                    .static_members
                    .get(instance)
                    .cloned()
                    .ok_or(ErrorCode::UnknownMemberId)?;
                if !identity.member_id.is_empty() && current != identity.member_id {
                    return Err(ErrorCode::FencedInstanceId);
                }
                current
            }
            None => identity.member_id.detached(),
        };
        if round.pending.remove(member.as_str()) {
            turn.cancel(session(group, &member));
            self.complete_if_all_joined(turn, group, round);
            return Ok(());
        }
        if !round.members.contains_key(member.as_str()) {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.drop_member(turn, group, round, &member);
        Ok(())
    }
}
