//! Offsets that nobody came back for (KIP-211).
//!
//! | group | an offset expires |
//! |---|---|
//! | stable | if no member reads its topic, `retention` after the commit |
//! | that rebalances | never: what its members read is not settled |
//! | empty | `retention` after the group became empty, or after the commit if that came later |
//! | that only commits | `retention` after the commit |
//!
//! A client may have said another time in the commit (versions 2 to 4). A group that is empty and has no offsets left goes too, at
//! the next look, however short a time it has been empty.
//!
//! Apache Kafka does not look at a commit to an empty group: it takes back an offset that was just set for a group that has long been
//! empty. It also takes an empty group from a member that has its id and is about to join. Neither is done here.

use super::offsets::subscribed_topics;
use super::soft::{Phase, Round, Soft};
use super::{CommittedOffset, GroupRecord, Groups, Turn};

impl Groups {
    pub(super) fn expire_offsets(&self, soft: &mut Soft, turn: &mut Turn<'_>) {
        let names: Vec<_> = soft.rounds.keys().cloned().collect();
        for group in names {
            let Some(round) = soft.rounds.get(group.as_str()) else {
                continue;
            };
            let subscribed = match round.phase {
                Phase::Empty | Phase::Stable => subscribed_topics(round),
                Phase::PreparingRebalance | Phase::CompletingRebalance => None,
            };
            let empty_since = self
                .group(&group)
                .map(|value| value.current_state_timestamp);
            let mut left = 0;
            for ((topic, partition), value) in self.offsets_of(&group).into_iter().flatten() {
                let is_read = subscribed
                    .as_ref()
                    .is_none_or(|topics| topics.contains(topic));
                if is_read || turn.now_ms < self.expires_at(round, value, empty_since) {
                    left += 1;
                    continue;
                }
                let (group, topic, partition) = (group.clone(), topic.clone(), *partition);
                turn.record(GroupRecord::Offset {
                    group,
                    topic,
                    partition,
                    value: None,
                });
            }
            let idle = round.phase == Phase::Empty && round.pending.is_empty();
            if idle && left == 0 {
                if self.group(&group).is_some() {
                    turn.record(GroupRecord::Group {
                        group: group.clone(),
                        value: None,
                    });
                }
                soft.rounds.remove(group.as_str());
            }
        }
    }

    fn expires_at(&self, round: &Round, value: &CommittedOffset, empty_since: Option<i64>) -> i64 {
        let from = match (value.expire_timestamp, round.phase, &round.protocol_type) {
            (Some(said), ..) => return said,
            (None, Phase::Empty, Some(_)) => empty_since
                .unwrap_or(value.commit_timestamp)
                .max(value.commit_timestamp),
            _ => value.commit_timestamp,
        };
        from.saturating_add(self.settings().retention_ms)
    }
}
