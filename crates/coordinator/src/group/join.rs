//! JoinGroup (key 11): a member comes, comes again, or comes with other subscriptions (KIP-345, KIP-394, KIP-814).

use bytes::Bytes;
use mainstem_protocol::messages::JoinGroupRequest;
use mainstem_protocol::{ErrorCode, Str};

use super::input::check_name;
use super::rebalance::{joined, refused_join, refused_sync, session, touch};
use super::soft::{Member, Phase, Round, Soft};
use super::{Client, GroupRecord, GroupReply, Groups, Turn};
use crate::RequestId;
use crate::limits::{GROUP_VALUE_BYTES_MAX, STRING_BYTES_MAX};

/// A join under way.
struct Joining {
    id: RequestId,
    version: i16,
    client: Client,
    group: Str,
    member: Str,
    instance: Option<Str>,
    protocol_type: Str,
    protocols: Vec<(Str, Bytes)>,
    session_timeout_ms: i32,
    rebalance_timeout_ms: i32,
}

impl Joining {
    fn new((id, version, client): (RequestId, i16, Client), request: &JoinGroupRequest) -> Self {
        // Everything that stays in the group is copied, so that no frame is kept alive by it.
        let protocols = request.protocols.iter().map(|protocol| {
            (
                protocol.name.detached(),
                Bytes::copy_from_slice(&protocol.metadata),
            )
        });
        let client = Client {
            id: client.id.detached(),
            host: client.host.detached(),
        };
        Self {
            id,
            version,
            client,
            group: request.group_id.detached(),
            member: request.member_id.detached(),
            instance: request.group_instance_id.as_ref().map(Str::detached),
            protocol_type: request.protocol_type.detached(),
            protocols: protocols.collect(),
            session_timeout_ms: request.session_timeout_ms,
            // Version 0 has no rebalance timeout: the session timeout stands in.
            rebalance_timeout_ms: if version == 0 {
                request.session_timeout_ms
            } else {
                request.rebalance_timeout_ms
            },
        }
    }

    fn to_member(&self, id: &Str) -> Member {
        Member {
            id: id.clone(),
            instance: self.instance.clone(),
            client_id: self.client.id.clone(),
            client_host: self.client.host.clone(),
            rebalance_timeout_ms: self.rebalance_timeout_ms,
            session_timeout_ms: self.session_timeout_ms,
            protocols: self.protocols.clone(),
            assignment: Bytes::new(),
            joining: Some((self.id, self.version)),
            syncing: None,
            is_new: true,
        }
    }

    /// About how many bytes the group's record grows by.
    fn bytes(&self) -> usize {
        let protocols = self.protocols.iter();
        let protocols: usize = protocols
            .map(|(name, metadata)| name.len() + metadata.len())
            .sum();
        let instance = self.instance.as_ref().map_or(0, |instance| instance.len());
        protocols + self.protocol_type.len() + 2 * (self.client.id.len() + instance)
    }

    /// True when the group's record can hold each of the names. The member id that is made of the client's or the instance's has a suffix.
    fn is_writable(&self) -> bool {
        let prefix = self.instance.as_ref().unwrap_or(&self.client.id);
        let names = [
            &self.group,
            &self.protocol_type,
            &self.member,
            &self.client.id,
        ];
        names.iter().all(|name| name.len() <= STRING_BYTES_MAX)
            && prefix.len() + SUFFIX_BYTES <= STRING_BYTES_MAX
            && self
                .protocols
                .iter()
                .all(|(name, _)| name.len() <= STRING_BYTES_MAX)
    }
}

/// Bytes that make a member id of a prefix: a hyphen and a UUID.
const SUFFIX_BYTES: usize = 37;

/// A random id in the text form of a UUID.
fn random_suffix(random: &mut dyn FnMut() -> u64) -> String {
    let (high, low) = (random(), random());
    let high = (high & !0xf000) | 0x4000;
    let low = (low & !(3 << 62)) | (2 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

impl Groups {
    pub(super) fn join(
        &self,
        soft: &mut Soft,
        turn: &mut Turn<'_>,
        who: (RequestId, i16, Client),
        request: JoinGroupRequest,
    ) {
        let join = Joining::new(who, &request);
        drop(request);
        if let Err(code) = self.admit(soft, &join) {
            // An answer cannot hold a long name either.
            let member = if join.is_writable() {
                &join.member
            } else {
                &Str::EMPTY
            };
            turn.reply(join.id, refused_join(code, member));
            return;
        }
        if !self.has_place(soft, &join) {
            // Who asks while others have taken the places is no member any more, nor to come.
            self.forget_member(soft, turn, &join);
            let refusal = refused_join(ErrorCode::GroupMaxSizeReached, &Str::EMPTY);
            turn.reply(join.id, refusal);
            return;
        }
        let is_new_group = !soft.rounds.contains_key(join.group.as_str());
        let round = soft.rounds.entry(join.group.clone()).or_default();
        if is_new_group {
            // Apache Kafka logs an empty group first, so that it exists after a failover.
            let value = Some(round.to_record(turn.now_ms));
            turn.record(GroupRecord::Group {
                group: join.group.clone(),
                value,
            });
        }
        let result = if join.member.is_empty() {
            self.join_unknown(turn, round, &join)
        } else {
            self.join_known(turn, round, &join)
        };
        if let Err(code) = result {
            turn.reply(join.id, refused_join(code, &join.member));
        }
    }

    /// Checks that need no round.
    fn admit(&self, soft: &Soft, join: &Joining) -> Result<(), ErrorCode> {
        check_name(&join.group)?;
        self.settings().check_session(join.session_timeout_ms)?;
        if !join.is_writable() {
            return Err(ErrorCode::UnknownServerError);
        }
        let Some(round) = soft.rounds.get(join.group.as_str()) else {
            if !join.member.is_empty() {
                return Err(ErrorCode::UnknownMemberId);
            }
            let fits = Round::default().supports(&join.protocol_type, &join.protocols);
            return if fits {
                Ok(())
            } else {
                Err(ErrorCode::InconsistentGroupProtocol)
            };
        };
        if round.record_bytes() + join.bytes() > GROUP_VALUE_BYTES_MAX {
            return Err(ErrorCode::UnknownServerError);
        }
        Ok(())
    }

    /// Whether `group.max.size` leaves room. While a round gathers, its places are for those who wait in it; ids that were only given out
    /// never count.
    fn has_place(&self, soft: &Soft, join: &Joining) -> bool {
        let Some(round) = soft.rounds.get(join.group.as_str()) else {
            return true;
        };
        let member = round.members.get(join.member.as_str());
        let members_max = self.settings().members_max;
        match round.phase {
            Phase::Empty => true,
            Phase::PreparingRebalance => {
                let waiting = round.members.values().filter(|one| one.joining.is_some());
                member.is_some_and(|member| member.joining.is_some())
                    || waiting.count() < members_max
            }
            Phase::CompletingRebalance | Phase::Stable => {
                member.is_some() || round.members.len() < members_max
            }
        }
    }

    fn forget_member(&self, soft: &mut Soft, turn: &mut Turn<'_>, join: &Joining) {
        let Some(round) = soft.rounds.get_mut(join.group.as_str()) else {
            return;
        };
        let was_pending = round.pending.contains(join.member.as_str());
        if round.remove(&join.member).is_some() || was_pending {
            turn.cancel(session(&join.group, &join.member));
            // Apache Kafka lets the others wait until their time is over; nobody is missing any more.
            self.complete_if_all_joined(turn, &join.group, round);
        }
    }

    /// A join without a member id.
    fn join_unknown(
        &self,
        turn: &mut Turn<'_>,
        round: &mut Round,
        join: &Joining,
    ) -> Result<(), ErrorCode> {
        if !round.supports(&join.protocol_type, &join.protocols) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        let prefix = join.instance.as_ref().unwrap_or(&join.client.id);
        let new_id = Str::from(format!("{prefix}-{}", random_suffix(turn.random)));
        if let Some(instance) = &join.instance {
            if let Some(old_id) = round.static_members.get(instance).cloned() {
                return self.replace_static(turn, round, join, (&old_id, &new_id));
            }
            self.add(turn, round, join, &new_id);
            return Ok(());
        }
        if join.version >= 4 {
            // The client must come again with the id, so that one whose answer was lost leaves no ghost (KIP-394).
            round.pending.insert(new_id.clone());
            turn.arm(
                session(&join.group, &new_id),
                i64::from(join.session_timeout_ms),
            );
            turn.reply(join.id, refused_join(ErrorCode::MemberIdRequired, &new_id));
            return Ok(());
        }
        self.add(turn, round, join, &new_id);
        Ok(())
    }

    fn add(&self, turn: &mut Turn<'_>, round: &mut Round, join: &Joining, id: &Str) {
        if let Some(delay) = &mut round.initial_delay {
            delay.member_came = true;
        }
        round.add(join.to_member(id), &join.protocol_type);
        self.touch_new(turn, &join.group, id);
        self.rebalance_or_complete(turn, &join.group, round);
    }

    /// A join with a member id.
    fn join_known(
        &self,
        turn: &mut Turn<'_>,
        round: &mut Round,
        join: &Joining,
    ) -> Result<(), ErrorCode> {
        if !round.supports(&join.protocol_type, &join.protocols) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        if round.pending.contains(join.member.as_str()) {
            self.add(turn, round, join, &join.member);
            return Ok(());
        }
        check_member(round, &join.member, join.instance.as_ref())?;
        let member = round
            .members
            .get(join.member.as_str())
            .ok_or(ErrorCode::UnknownMemberId)?;
        let same = member.protocols == join.protocols;
        let is_leader = round.leader.as_ref() == Some(&join.member);
        match round.phase {
            Phase::Empty => return Err(ErrorCode::UnknownMemberId),
            // The answer to the first join was lost: the generation stands.
            Phase::CompletingRebalance if same => self.answer_again(turn, round, join),
            Phase::Stable if same && !is_leader => self.answer_again(turn, round, join),
            _ => {
                self.update(turn, round, join);
                self.rebalance_or_complete(turn, &join.group, round);
            }
        }
        Ok(())
    }

    fn answer_again(&self, turn: &mut Turn<'_>, round: &mut Round, join: &Joining) {
        if let Some(member) = round.members.get(join.member.as_str()) {
            touch(turn, &join.group, member);
        }
        turn.reply(
            join.id,
            GroupReply::Join(joined(round, &join.member, false)),
        );
    }

    /// A member that is there joins the next round, perhaps with other subscriptions.
    fn update(&self, turn: &mut Turn<'_>, round: &mut Round, join: &Joining) {
        let Some(member) = round.members.get_mut(join.member.as_str()) else {
            return;
        };
        if let Some((old, _)) = member.joining.replace((join.id, join.version)) {
            turn.reply(old, refused_join(ErrorCode::UnknownMemberId, &join.member));
        }
        member.protocols.clone_from(&join.protocols);
        member.rebalance_timeout_ms = join.rebalance_timeout_ms;
        member.session_timeout_ms = join.session_timeout_ms;
        let member = member.clone();
        touch(turn, &join.group, &member);
    }

    /// A static member comes back under a new id (KIP-345). In a stable group nothing moves unless another protocol would be
    /// chosen now: its subscription may say anything (Java's says which partitions it holds). It is no new member, and its session is its own.
    fn replace_static(
        &self,
        turn: &mut Turn<'_>,
        round: &mut Round,
        join: &Joining,
        (old_id, new_id): (&Str, &Str),
    ) -> Result<(), ErrorCode> {
        let was_leader = round.leader.as_ref() == Some(old_id);
        let Some(old) = round.members.remove(old_id.as_str()) else {
            return Err(ErrorCode::UnknownMemberId);
        };
        turn.cancel(session(&join.group, old_id));
        if let Some((request, _)) = old.joining {
            turn.reply(request, refused_join(ErrorCode::FencedInstanceId, old_id));
        }
        if let Some(request) = old.syncing {
            turn.reply(request, refused_sync(ErrorCode::FencedInstanceId));
        }
        let mut member = join.to_member(new_id);
        member.is_new = false;
        member.assignment = old.assignment;
        round.unsynced.remove(old_id.as_str());
        round.members.insert(new_id.clone(), member);
        if let Some(instance) = &join.instance {
            round
                .static_members
                .insert(instance.clone(), new_id.clone());
        }
        if was_leader {
            round.leader = Some(new_id.clone());
        }
        if let Some(member) = round.members.get(new_id.as_str()) {
            touch(turn, &join.group, member);
        }
        match round.phase {
            Phase::Stable if round.choose_protocol() == round.protocol => {
                let former_leader = was_leader.then_some(old_id);
                self.stay_stable(turn, round, join, (new_id, former_leader));
            }
            _ => self.rebalance_or_complete(turn, &join.group, round),
        }
        Ok(())
    }

    /// Answers a static member that came back to a group in which nothing has to move; the record names its new id.
    fn stay_stable(
        &self,
        turn: &mut Turn<'_>,
        round: &mut Round,
        join: &Joining,
        (new_id, former_leader): (&Str, Option<&Str>),
    ) {
        if let Some(member) = round.members.get_mut(new_id.as_str()) {
            member.joining = None;
        }
        turn.record(GroupRecord::Group {
            group: join.group.clone(),
            value: Some(round.to_record(turn.now_ms)),
        });
        let can_skip = join.version >= 9;
        let mut answer = joined(round, new_id, former_leader.is_some() && can_skip);
        if let Some(former) = former_leader.filter(|_| !can_skip) {
            // An old client would assign anew if it were told that it leads, so it is told that its former self does.
            answer.leader = former.clone();
            answer.members.clear();
        }
        turn.reply(join.id, GroupReply::Join(answer));
    }
}

/// Checks that a member is in the group, and a static one under the id that its instance has now.
pub(super) fn check_member(
    round: &Round,
    member: &Str,
    instance: Option<&Str>,
) -> Result<(), ErrorCode> {
    if let Some(instance) = instance {
        return match round.static_members.get(instance) {
            None => Err(ErrorCode::UnknownMemberId),
            Some(current) if current != member => Err(ErrorCode::FencedInstanceId),
            Some(_) => Ok(()),
        };
    }
    if round.members.contains_key(member.as_str()) {
        Ok(())
    } else {
        Err(ErrorCode::UnknownMemberId)
    }
}
