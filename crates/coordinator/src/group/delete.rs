//! DeleteGroups (key 42), and offsets of topics that are gone.

use std::collections::BTreeSet;

use mainstem_protocol::{ErrorCode, Str, Uuid};

use super::soft::{Phase, Soft};
use super::{GroupRecord, GroupReply, Groups, Turn};
use crate::RequestId;

impl Groups {
    pub(super) fn delete(&self, soft: &mut Soft, turn: &mut Turn<'_>, id: RequestId, group: &Str) {
        let code = match soft.rounds.get(group.as_str()) {
            None => ErrorCode::GroupIdNotFound,
            Some(round) if round.phase != Phase::Empty => ErrorCode::NonEmptyGroup,
            Some(_) => {
                self.forget(soft, turn, &group.detached());
                ErrorCode::None
            }
        };
        turn.reply(id, GroupReply::Deleted(code));
    }

    /// Writes tombstones for a group and all its offsets.
    pub(super) fn forget(&self, soft: &mut Soft, turn: &mut Turn<'_>, group: &Str) {
        for (topic, partition) in self
            .offsets_of(group)
            .into_iter()
            .flat_map(|offsets| offsets.keys())
        {
            let (topic, partition) = (topic.clone(), *partition);
            turn.record(GroupRecord::Offset {
                group: group.clone(),
                topic,
                partition,
                value: None,
            });
        }
        if self.group(group).is_some() {
            turn.record(GroupRecord::Group {
                group: group.clone(),
                value: None,
            });
        }
        soft.rounds.remove(group.as_str());
    }

    /// Offsets of deleted topics go, so that a topic made again under the name begins anew.
    pub(super) fn topics_removed(
        &self,
        turn: &mut Turn<'_>,
        ids: &BTreeSet<Uuid>,
        names: &BTreeSet<Str>,
    ) {
        for (group, offsets) in self.all_offsets() {
            for ((topic, partition), value) in offsets {
                let is_gone = match value.topic_id.is_zero() {
                    true => names.contains(topic),
                    false => ids.contains(&value.topic_id),
                };
                if is_gone {
                    let (group, topic, partition) = (group.clone(), topic.clone(), *partition);
                    turn.record(GroupRecord::Offset {
                        group,
                        topic,
                        partition,
                        value: None,
                    });
                }
            }
        }
    }
}
