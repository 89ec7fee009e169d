//! ListGroups (key 16) and DescribeGroups (key 15).

use super::soft::{Phase, Soft};
use super::{GroupDescription, GroupOverview, GroupReply, Groups, MemberDescription, Turn};
use crate::RequestId;

impl Groups {
    pub(super) fn list(&self, soft: &Soft, turn: &mut Turn<'_>, id: RequestId) {
        let groups = soft.rounds.iter().map(|(group, round)| GroupOverview {
            group: group.clone(),
            protocol_type: round.protocol_type.clone().unwrap_or_default(),
            state: round.phase.name(),
        });
        let groups: Vec<GroupOverview> = groups.collect();
        turn.reply(id, GroupReply::List(groups));
    }

    pub(super) fn describe(&self, soft: &Soft, turn: &mut Turn<'_>, id: RequestId, group: &str) {
        let described = soft.rounds.get(group).map(|round| {
            let is_stable = round.phase == Phase::Stable;
            let protocol = round
                .protocol
                .clone()
                .filter(|_| is_stable)
                .unwrap_or_default();
            let members = round.members.values().map(|member| MemberDescription {
                id: member.id.clone(),
                instance: member.instance.clone(),
                client_id: member.client_id.clone(),
                client_host: member.client_host.clone(),
                metadata: if is_stable {
                    member.metadata(&protocol)
                } else {
                    Default::default()
                },
                assignment: member.assignment.clone(),
            });
            GroupDescription {
                state: round.phase.name(),
                protocol_type: round.protocol_type.clone().unwrap_or_default(),
                members: members.collect(),
                protocol,
            }
        });
        turn.reply(id, GroupReply::Described(described));
    }
}
