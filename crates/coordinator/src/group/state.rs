//! Hard state: what the log says of groups and offsets. Fields are private, so that only `apply` can change them.

use std::collections::{BTreeMap, BTreeSet};

use mainstem_protocol::messages::GroupMetadataValue;
use mainstem_protocol::{Str, Uuid};

use super::{GroupRecord, GroupSettings};

/// An offset that a group committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    /// Offset of the next record to read.
    pub offset: i64,
    /// Leader epoch of the record before; -1 when unknown.
    pub leader_epoch: i32,
    /// The client's words.
    pub metadata: Str,
    /// When it was committed.
    pub commit_timestamp: i64,
    /// When it expires, if the client said so.
    pub expire_timestamp: Option<i64>,
    /// Id of the topic; zero when unknown.
    pub topic_id: Uuid,
}

/// Offsets of a group by topic and partition.
pub(crate) type Offsets = BTreeMap<(Str, i32), CommittedOffset>;

/// All groups of a shard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    settings: GroupSettings,
    groups: BTreeMap<Str, GroupMetadataValue>,
    offsets: BTreeMap<Str, Offsets>,
}

impl Groups {
    /// No groups yet.
    pub fn new(settings: GroupSettings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    pub(crate) fn settings(&self) -> &GroupSettings {
        &self.settings
    }

    /// The last record of each group.
    pub fn groups(&self) -> impl Iterator<Item = (&Str, &GroupMetadataValue)> {
        self.groups.iter()
    }

    /// The last record of a group.
    pub fn group(&self, name: &str) -> Option<&GroupMetadataValue> {
        self.groups.get(name)
    }

    /// What a group committed.
    pub(crate) fn offsets_of(&self, group: &str) -> Option<&Offsets> {
        self.offsets.get(group)
    }

    /// The topics that something was committed for, with their ids; the id is zero where a commit does not say it.
    pub fn committed_topics(&self) -> BTreeSet<(&Str, Uuid)> {
        let offsets = self.offsets.values().flatten();
        offsets
            .map(|((topic, _), value)| (topic, value.topic_id))
            .collect()
    }

    /// Every group that committed something.
    pub(crate) fn all_offsets(&self) -> impl Iterator<Item = (&Str, &Offsets)> {
        self.offsets.iter()
    }

    pub(super) fn apply_record(&mut self, record: &GroupRecord) {
        match record {
            GroupRecord::Group {
                group,
                value: Some(value),
            } => {
                self.groups.insert(group.clone(), value.clone());
            }
            GroupRecord::Group { group, value: None } => {
                self.groups.remove(group);
            }
            GroupRecord::Offset {
                group,
                topic,
                partition,
                value: Some(value),
            } => {
                let offsets = self.offsets.entry(group.clone()).or_default();
                offsets.insert((topic.clone(), *partition), value.clone());
            }
            GroupRecord::Offset {
                group,
                topic,
                partition,
                value: None,
            } => {
                if let Some(offsets) = self.offsets.get_mut(group) {
                    offsets.remove(&(topic.clone(), *partition));
                    if offsets.is_empty() {
                        self.offsets.remove(group);
                    }
                }
            }
        }
    }
}
