//! OffsetFetch (key 9) and OffsetDelete (key 47).

use std::collections::BTreeSet;

use mainstem_protocol::messages::ConsumerProtocolSubscription;
use mainstem_protocol::records::decode_versioned;
use mainstem_protocol::{ErrorCode, Str};

use super::input::check_name;
use super::soft::{Phase, Round, Soft};
use super::{CommittedOffset, GroupRecord, GroupReply, Groups, TopicOffsets, Turn};
use crate::RequestId;

impl Groups {
    pub(super) fn fetch_offsets(
        &self,
        turn: &mut Turn<'_>,
        id: RequestId,
        group: &str,
        wanted: Option<Vec<(Str, Vec<i32>)>>,
    ) {
        let offsets = self.offsets_of(group);
        let found = match wanted {
            None => by_topic(offsets.into_iter().flatten()),
            Some(wanted) => {
                let topics = wanted.into_iter().map(|(topic, partitions)| {
                    let found = partitions.into_iter().map(|partition| {
                        let key = (topic.clone(), partition);
                        (partition, offsets.and_then(|all| all.get(&key)).cloned())
                    });
                    let found = found.collect();
                    (topic, found)
                });
                topics.collect()
            }
        };
        turn.reply(id, GroupReply::Offsets(found));
    }

    pub(super) fn delete_offsets(
        &self,
        soft: &Soft,
        turn: &mut Turn<'_>,
        id: RequestId,
        group: &Str,
        partitions: Vec<(Str, i32)>,
    ) {
        let refuse = |code: ErrorCode| GroupReply::DeletedOffsets(code, Vec::new());
        if let Err(code) = check_name(group) {
            turn.reply(id, refuse(code));
            return;
        }
        let Some(round) = soft.rounds.get(group.as_str()) else {
            turn.reply(id, refuse(ErrorCode::GroupIdNotFound));
            return;
        };
        let is_consumer = round.protocol_type.as_deref() == Some("consumer");
        if round.phase != Phase::Empty && !is_consumer {
            turn.reply(id, refuse(ErrorCode::NonEmptyGroup));
            return;
        }
        let subscribed = subscribed_topics(round);
        let offsets = self.offsets_of(group);
        let mut codes = Vec::with_capacity(partitions.len());
        for (topic, partition) in partitions {
            if subscribed
                .as_ref()
                .is_none_or(|topics| topics.contains(&topic))
            {
                codes.push(ErrorCode::GroupSubscribedToTopic);
                continue;
            }
            codes.push(ErrorCode::None);
            if offsets.is_some_and(|offsets| offsets.contains_key(&(topic.clone(), partition))) {
                let (group, topic) = (group.detached(), topic.detached());
                turn.record(GroupRecord::Offset {
                    group,
                    topic,
                    partition,
                    value: None,
                });
            }
        }
        turn.reply(id, GroupReply::DeletedOffsets(ErrorCode::None, codes));
    }
}

/// Offsets that come in the order of their topics, each topic once.
fn by_topic<'a>(
    offsets: impl Iterator<Item = (&'a (Str, i32), &'a CommittedOffset)>,
) -> Vec<TopicOffsets> {
    let mut topics: Vec<TopicOffsets> = Vec::new();
    for ((topic, partition), value) in offsets {
        let found = (*partition, Some(value.clone()));
        match topics.last_mut() {
            Some((last, partitions)) if last == topic => partitions.push(found),
            _ => topics.push((topic.clone(), vec![found])),
        }
    }
    topics
}

/// The topics that the members of a group read; `None` when that cannot be told, and every topic may be read.
pub(super) fn subscribed_topics(round: &Round) -> Option<BTreeSet<Str>> {
    let mut topics = BTreeSet::new();
    if round.members.is_empty() {
        return Some(topics);
    }
    if round.protocol_type.as_deref() != Some("consumer") {
        return None;
    }
    for member in round.members.values() {
        let metadata = match &round.protocol {
            Some(chosen) => member.metadata(chosen),
            None => member.protocols.first()?.1.clone(),
        };
        let subscription: ConsumerProtocolSubscription = decode_versioned(metadata).ok()?;
        topics.extend(subscription.topics);
    }
    Some(topics)
}
