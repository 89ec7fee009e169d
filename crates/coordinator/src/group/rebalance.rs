//! From one generation to the next: beginning a round, waiting for joins, completing it.

use mainstem_protocol::messages::join_group_response::JoinGroupResponseMember;
use mainstem_protocol::messages::{JoinGroupResponse, SyncGroupResponse};
use mainstem_protocol::{ErrorCode, Str};

use super::soft::{InitialDelay, Member, Phase, Round, Soft};
use super::{GroupRecord, GroupReply, Groups, TimerKey, Turn};
use crate::limits::NEW_MEMBER_JOIN_TIMEOUT_MS;

pub(super) fn joins(group: &Str) -> TimerKey {
    TimerKey::Joins {
        group: group.clone(),
    }
}

pub(super) fn syncs(group: &Str) -> TimerKey {
    TimerKey::Syncs {
        group: group.clone(),
    }
}

pub(super) fn session(group: &Str, member: &Str) -> TimerKey {
    TimerKey::Session {
        group: group.clone(),
        member: member.clone(),
    }
}

/// Begins a member's session anew.
pub(super) fn touch(turn: &mut Turn<'_>, group: &Str, member: &Member) {
    turn.arm(
        session(group, &member.id),
        i64::from(member.session_timeout_ms),
    );
}

/// A refusal of a join.
pub(super) fn refused_join(code: ErrorCode, member: &Str) -> GroupReply {
    GroupReply::Join(JoinGroupResponse {
        error_code: code.code(),
        member_id: member.clone(),
        protocol_name: None,
        ..JoinGroupResponse::default()
    })
}

/// A refusal of a sync.
pub(super) fn refused_sync(code: ErrorCode) -> GroupReply {
    GroupReply::Sync(SyncGroupResponse {
        error_code: code.code(),
        ..SyncGroupResponse::default()
    })
}

impl Groups {
    /// Begins a round, or completes the one that runs if everybody is there.
    pub(super) fn rebalance_or_complete(
        &self,
        turn: &mut Turn<'_>,
        group: &Str,
        round: &mut Round,
    ) {
        if round.phase == Phase::PreparingRebalance {
            self.complete_if_all_joined(turn, group, round);
        } else {
            self.begin_rebalance(turn, group, round);
        }
    }

    /// Begins a round. Whoever waits for an assignment of the old one must join again. An empty group waits a little for more members, so
    /// that a service that starts is not shuffled once per process.
    pub(super) fn begin_rebalance(&self, turn: &mut Turn<'_>, group: &Str, round: &mut Round) {
        if round.phase == Phase::CompletingRebalance {
            turn.cancel(syncs(group));
            round.unsynced.clear();
            for member in round.members.values_mut() {
                member.assignment = Default::default();
                if let Some(id) = member.syncing.take() {
                    turn.reply(id, refused_sync(ErrorCode::RebalanceInProgress));
                }
            }
        }
        let was_empty = round.phase == Phase::Empty;
        round.phase = Phase::PreparingRebalance;
        let delay_ms = self.settings().initial_delay_ms;
        if was_empty && !round.members.is_empty() {
            let remaining_ms = (round.rebalance_timeout_ms() - delay_ms).max(0);
            round.initial_delay = Some(InitialDelay {
                remaining_ms,
                member_came: false,
            });
            turn.arm(
                TimerKey::InitialDelay {
                    group: group.clone(),
                },
                delay_ms,
            );
            return;
        }
        if round.all_joined() {
            self.complete_joins(turn, group, round);
        } else {
            turn.arm(joins(group), round.rebalance_timeout_ms());
        }
    }

    /// The delay of an empty group is over: wait on if members came meanwhile and time is left, else complete.
    pub(super) fn initial_delay_over(&self, soft: &mut Soft, turn: &mut Turn<'_>, group: &Str) {
        let Some(round) = soft.rounds.get_mut(group.as_str()) else {
            return;
        };
        let Some(delay) = &mut round.initial_delay else {
            return;
        };
        if delay.member_came && delay.remaining_ms > 0 {
            let next_ms = self.settings().initial_delay_ms.min(delay.remaining_ms);
            delay.member_came = false;
            delay.remaining_ms -= next_ms;
            turn.arm(
                TimerKey::InitialDelay {
                    group: group.clone(),
                },
                next_ms,
            );
            return;
        }
        round.initial_delay = None;
        self.complete_joins(turn, group, round);
    }

    /// Members had time to join: those who did make the generation.
    pub(super) fn joins_over(&self, soft: &mut Soft, turn: &mut Turn<'_>, group: &Str) {
        if let Some(round) = soft.rounds.get_mut(group.as_str())
            && round.phase == Phase::PreparingRebalance
        {
            self.complete_joins(turn, group, round);
        }
    }

    /// Completes the round if everybody is there and no initial delay runs.
    pub(super) fn complete_if_all_joined(
        &self,
        turn: &mut Turn<'_>,
        group: &Str,
        round: &mut Round,
    ) {
        if round.phase == Phase::PreparingRebalance
            && round.initial_delay.is_none()
            && round.all_joined()
        {
            self.complete_joins(turn, group, round);
        }
    }

    /// Makes the next generation of those who joined. Static members who did not keep their place; others are dropped.
    fn complete_joins(&self, turn: &mut Turn<'_>, group: &Str, round: &mut Round) {
        turn.cancel(joins(group));
        let absent = round
            .members
            .values()
            .filter(|member| member.joining.is_none() && member.instance.is_none());
        let absent: Vec<Str> = absent.map(|member| member.id.clone()).collect();
        for id in absent {
            round.remove(&id);
            turn.cancel(session(group, &id));
        }
        if !elect(round) && !round.members.is_empty() {
            // Only static members, none of whom has joined: wait for them once more.
            turn.arm(joins(group), round.rebalance_timeout_ms());
            return;
        }
        round.generation = round.generation.wrapping_add(1).max(0);
        round.initial_delay = None;
        if round.members.is_empty() {
            round.phase = Phase::Empty;
            round.protocol = None;
            round.leader = None;
            turn.record(GroupRecord::Group {
                group: group.clone(),
                value: Some(round.to_record(turn.now_ms)),
            });
            return;
        }
        round.protocol = round.choose_protocol();
        round.phase = Phase::CompletingRebalance;
        round.unsynced = round.members.keys().cloned().collect();
        let ids: Vec<Str> = round.members.keys().cloned().collect();
        for id in ids {
            self.answer_join(turn, group, round, &id);
        }
        turn.arm(syncs(group), round.rebalance_timeout_ms());
    }

    /// Answers the join of a member that waits, with the generation that was made.
    fn answer_join(&self, turn: &mut Turn<'_>, group: &Str, round: &mut Round, id: &Str) {
        let Some(member) = round.members.get_mut(id.as_str()) else {
            return;
        };
        member.is_new = false;
        let joining = member.joining.take();
        let member = member.clone();
        touch(turn, group, &member);
        if let Some((request, _)) = joining {
            turn.reply(request, GroupReply::Join(joined(round, id, false)));
        }
    }

    /// Members had time to ask for their assignment: those who did not are dropped, and the others begin anew.
    pub(super) fn syncs_over(&self, soft: &mut Soft, turn: &mut Turn<'_>, group: &Str) {
        let Some(round) = soft.rounds.get_mut(group.as_str()) else {
            return;
        };
        if !matches!(round.phase, Phase::CompletingRebalance | Phase::Stable)
            || round.unsynced.is_empty()
        {
            return;
        }
        let late: Vec<Str> = round.unsynced.iter().cloned().collect();
        for id in late {
            round.remove(&id);
            turn.cancel(session(group, &id));
        }
        self.begin_rebalance(turn, group, round);
    }

    /// A member was silent for its session (or a new id was never used).
    pub(super) fn session_expired(
        &self,
        soft: &mut Soft,
        turn: &mut Turn<'_>,
        group: &Str,
        id: &Str,
    ) {
        let Some(round) = soft.rounds.get_mut(group.as_str()) else {
            return;
        };
        if round.pending.remove(id) {
            self.complete_if_all_joined(turn, group, round);
            return;
        }
        let Some(member) = round.members.get(id.as_str()) else {
            return;
        };
        let waits = member.joining.is_some() || member.syncing.is_some();
        if waits && !member.is_new {
            return; // it is we who keep it waiting; its session begins anew with the answer
        }
        self.drop_member(turn, group, round, id);
    }

    /// Takes a member out and lets the others go on without it.
    pub(super) fn drop_member(
        &self,
        turn: &mut Turn<'_>,
        group: &Str,
        round: &mut Round,
        id: &Str,
    ) {
        let Some(member) = round.remove(id) else {
            return;
        };
        turn.cancel(session(group, id));
        if let Some((request, _)) = member.joining {
            turn.reply(request, refused_join(ErrorCode::UnknownMemberId, id));
        }
        if let Some(request) = member.syncing {
            turn.reply(request, refused_sync(ErrorCode::UnknownMemberId));
        }
        match round.phase {
            Phase::Stable | Phase::CompletingRebalance => self.begin_rebalance(turn, group, round),
            Phase::PreparingRebalance => self.complete_if_all_joined(turn, group, round),
            Phase::Empty => {}
        }
    }

    /// Tells a member that comes for the first time how long it may be silent while it waits.
    pub(super) fn touch_new(&self, turn: &mut Turn<'_>, group: &Str, member: &Str) {
        turn.arm(session(group, member), NEW_MEMBER_JOIN_TIMEOUT_MS);
    }
}

/// Makes sure that the leader is one who joined; false when nobody has.
fn elect(round: &mut Round) -> bool {
    let joined = |round: &Round, id: &Str| {
        round
            .members
            .get(id.as_str())
            .is_some_and(|member| member.joining.is_some())
    };
    if round
        .leader
        .clone()
        .is_some_and(|leader| joined(round, &leader))
    {
        return true;
    }
    let next = round
        .members
        .values()
        .find(|member| member.joining.is_some())
        .map(|member| member.id.clone());
    let found = next.is_some();
    if found {
        round.leader = next;
    }
    found
}

/// The answer to a member's join in the generation that stands. The leader gets every member's subscription.
pub(super) fn joined(round: &Round, id: &Str, skip_assignment: bool) -> JoinGroupResponse {
    let protocol = round.protocol.clone().unwrap_or_default();
    let is_leader = round.leader.as_ref() == Some(id);
    let members =
        round
            .members
            .values()
            .filter(|_| is_leader)
            .map(|member| JoinGroupResponseMember {
                member_id: member.id.clone(),
                group_instance_id: member.instance.clone(),
                metadata: member.metadata(&protocol),
            });
    JoinGroupResponse {
        generation_id: round.generation,
        protocol_type: round.protocol_type.clone(),
        protocol_name: Some(protocol.clone()),
        leader: round.leader.clone().unwrap_or_default(),
        member_id: id.clone(),
        skip_assignment,
        members: members.collect(),
        ..JoinGroupResponse::default()
    }
}
