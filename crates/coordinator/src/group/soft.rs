//! The running round of each group: who is a member now, who waits for what, and which generation is being made.
//!
//! Invariants of a round: the leader is a member, or there is none; `static_members` names members that exist; a member waits for a join or
//! for a sync, never for both.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use mainstem_protocol::Str;
use mainstem_protocol::messages::GroupMetadataValue;
use mainstem_protocol::messages::group_metadata_value::MemberMetadata;

use crate::RequestId;

/// Where a round stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// No members.
    #[default]
    Empty,
    /// Members join.
    PreparingRebalance,
    /// The leader works out assignments.
    CompletingRebalance,
    /// Every member has its assignment.
    Stable,
}

impl Phase {
    /// Kafka's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

/// A member.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) id: Str,
    pub(crate) instance: Option<Str>,
    pub(crate) client_id: Str,
    pub(crate) client_host: Str,
    pub(crate) rebalance_timeout_ms: i32,
    pub(crate) session_timeout_ms: i32,
    pub(crate) protocols: Vec<(Str, Bytes)>,
    pub(crate) assignment: Bytes,
    /// The JoinGroup that waits, and its version.
    pub(crate) joining: Option<(RequestId, i16)>,
    /// The SyncGroup that waits.
    pub(crate) syncing: Option<RequestId>,
    /// True until its first join was answered.
    pub(crate) is_new: bool,
}

impl Member {
    /// Its subscription under a protocol.
    pub(crate) fn metadata(&self, protocol: &str) -> Bytes {
        let found = self.protocols.iter().find(|(name, _)| *name == *protocol);
        found
            .map(|(_, metadata)| metadata.clone())
            .unwrap_or_default()
    }
}

/// What an empty group still waits for before its first generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct InitialDelay {
    /// Milliseconds that may still be waited after the running delay.
    pub(crate) remaining_ms: i64,
    /// A member came during the running delay.
    pub(crate) member_came: bool,
}

/// The round of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Round {
    pub(crate) phase: Phase,
    pub(crate) protocol_type: Option<Str>,
    pub(crate) protocol: Option<Str>,
    pub(crate) generation: i32,
    pub(crate) leader: Option<Str>,
    pub(crate) members: BTreeMap<Str, Member>,
    pub(crate) static_members: BTreeMap<Str, Str>,
    /// Ids that were given out and have not joined with them yet.
    pub(crate) pending: BTreeSet<Str>,
    /// Members that have not asked for their assignment yet.
    pub(crate) unsynced: BTreeSet<Str>,
    /// Set while the first generation is delayed.
    pub(crate) initial_delay: Option<InitialDelay>,
}

/// Soft state of the machine.
#[derive(Clone, Debug, Default)]
pub struct Soft {
    pub(crate) rounds: BTreeMap<Str, Round>,
}

impl Round {
    /// The round that a group's record says.
    pub(crate) fn from_record(value: &GroupMetadataValue) -> Self {
        let protocol = value.protocol.clone();
        let name = protocol.clone().unwrap_or_default();
        let members: BTreeMap<Str, Member> = value
            .members
            .iter()
            .map(|member| (member.member_id.clone(), member_from_record(member, &name)))
            .collect();
        let statics = members
            .values()
            .filter_map(|member| Some((member.instance.clone()?, member.id.clone())));
        Self {
            phase: if members.is_empty() {
                Phase::Empty
            } else {
                Phase::Stable
            },
            protocol_type: Some(value.protocol_type.clone()).filter(|name| !name.is_empty()),
            protocol,
            generation: value.generation,
            leader: value.leader.clone(),
            static_members: statics.collect(),
            members,
            ..Self::default()
        }
    }

    /// The record that says this round.
    pub(crate) fn to_record(&self, now_ms: i64) -> GroupMetadataValue {
        let protocol = self.protocol.clone().unwrap_or_default();
        let members = self.members.values().map(|member| MemberMetadata {
            member_id: member.id.clone(),
            group_instance_id: member.instance.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            rebalance_timeout: member.rebalance_timeout_ms,
            session_timeout: member.session_timeout_ms,
            subscription: member.metadata(&protocol),
            assignment: member.assignment.clone(),
        });
        GroupMetadataValue {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            current_state_timestamp: now_ms,
            members: members.collect(),
        }
    }

    /// Bytes that the record's values take, about.
    pub(crate) fn record_bytes(&self) -> usize {
        let of = |member: &Member| {
            let largest = member
                .protocols
                .iter()
                .map(|(_, metadata)| metadata.len())
                .max()
                .unwrap_or(0);
            let instance = member
                .instance
                .as_ref()
                .map_or(0, |instance| instance.len());
            let names = member.id.len() + member.client_id.len() + instance;
            largest + member.assignment.len() + names + 100
        };
        let names = [&self.protocol_type, &self.protocol, &self.leader];
        let names = names.into_iter().flatten().map(|name| name.len());
        names.sum::<usize>() + self.members.values().map(of).sum::<usize>()
    }

    /// The longest time that a member asks to be given for joining.
    pub(crate) fn rebalance_timeout_ms(&self) -> i64 {
        self.members
            .values()
            .map(|member| i64::from(member.rebalance_timeout_ms))
            .max()
            .unwrap_or(0)
    }

    /// True when every member waits in a join, and nobody who got an id is still to come.
    pub(crate) fn all_joined(&self) -> bool {
        self.pending.is_empty() && self.members.values().all(|member| member.joining.is_some())
    }

    /// Protocols that every member knows, by the votes of the members: each votes for the first of its own that all know.
    pub(crate) fn choose_protocol(&self) -> Option<Str> {
        let mut known_by: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            let names: BTreeSet<&str> = member.protocols.iter().map(|(name, _)| &**name).collect();
            for name in names {
                *known_by.entry(name).or_default() += 1;
            }
        }
        let known_to_all = |name: &Str| known_by.get(&**name) == Some(&self.members.len());
        let mut votes: BTreeMap<Str, usize> = BTreeMap::new();
        for member in self.members.values() {
            let choice = member
                .protocols
                .iter()
                .map(|(name, _)| name)
                .find(|name| known_to_all(name));
            *votes.entry(choice?.clone()).or_default() += 1;
        }
        let most = votes.values().copied().max()?;
        votes
            .into_iter()
            .find(|(_, count)| *count == most)
            .map(|(name, _)| name)
    }

    /// True when a member with these protocols can be in the group.
    pub(crate) fn supports(&self, protocol_type: &str, protocols: &[(Str, Bytes)]) -> bool {
        if protocol_type.is_empty() || protocols.is_empty() {
            return false;
        }
        if self.members.is_empty() {
            return true;
        }
        let same_type = self.protocol_type.as_deref() == Some(protocol_type);
        same_type
            && protocols.iter().any(|(name, _)| {
                self.members
                    .values()
                    .all(|member| member.protocols.iter().any(|(known, _)| known == name))
            })
    }

    /// Takes a member in; the first becomes the leader.
    pub(crate) fn add(&mut self, member: Member, protocol_type: &Str) {
        if self.members.is_empty() {
            self.protocol_type = Some(protocol_type.detached());
        }
        if self.leader.is_none() {
            self.leader = Some(member.id.clone());
        }
        if let Some(instance) = &member.instance {
            self.static_members
                .insert(instance.clone(), member.id.clone());
        }
        self.pending.remove(&member.id);
        self.members.insert(member.id.clone(), member);
    }

    /// Takes a member out; another becomes the leader if it was.
    pub(crate) fn remove(&mut self, id: &str) -> Option<Member> {
        self.pending.remove(id);
        self.unsynced.remove(id);
        let member = self.members.remove(id)?;
        if let Some(instance) = &member.instance
            && self
                .static_members
                .get(instance)
                .is_some_and(|there| *there == *id)
        {
            self.static_members.remove(instance);
        }
        if self.leader.as_deref() == Some(id) {
            self.leader = self.members.keys().next().cloned();
        }
        Some(member)
    }
}

fn member_from_record(record: &MemberMetadata, protocol: &Str) -> Member {
    Member {
        id: record.member_id.detached(),
        instance: record.group_instance_id.as_ref().map(Str::detached),
        client_id: record.client_id.detached(),
        client_host: record.client_host.detached(),
        rebalance_timeout_ms: if record.rebalance_timeout == -1 {
            record.session_timeout
        } else {
            record.rebalance_timeout
        },
        session_timeout_ms: record.session_timeout,
        protocols: vec![(protocol.clone(), record.subscription.clone())],
        assignment: record.assignment.clone(),
        joining: None,
        syncing: None,
        is_new: false,
    }
}
