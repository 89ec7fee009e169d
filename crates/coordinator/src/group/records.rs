//! Records of `__consumer_offsets`, in Apache Kafka's own format: groups in version 3, offsets in version 4 (version 1 when the client said
//! how long to keep them).

use bytes::Bytes;
use mainstem_protocol::messages::{
    GroupKey, GroupMetadataKey, GroupMetadataValue, GroupValue, OffsetCommitKey, OffsetCommitValue,
};
use mainstem_protocol::{DecodeError, EncodeError, Str};

use super::CommittedOffset;
use crate::limits::OFFSET_RECORD_BYTES;

const GROUP_VERSION: i16 = 3;
const OFFSET_VERSION: i16 = 4;
/// The only version that can say when an offset expires.
const OFFSET_VERSION_WITH_EXPIRY: i16 = 1;

/// A change of hard state; a value of `None` is a tombstone.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupRecord {
    /// A group.
    Group {
        /// Its name.
        group: Str,
        /// Its state.
        value: Option<GroupMetadataValue>,
    },
    /// A committed offset.
    Offset {
        /// Group.
        group: Str,
        /// Topic.
        topic: Str,
        /// Partition.
        partition: i32,
        /// The offset.
        value: Option<CommittedOffset>,
    },
}

/// Why a record cannot be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl GroupRecord {
    /// About how many bytes it takes when it is a tombstone; `None` when it has a value.
    pub(super) fn tombstone_bytes(&self) -> Option<usize> {
        match self {
            Self::Group { group, value: None } => Some(OFFSET_RECORD_BYTES + group.len()),
            Self::Offset {
                group,
                topic,
                value: None,
                ..
            } => Some(OFFSET_RECORD_BYTES + group.len() + topic.len()),
            _ => None,
        }
    }

    /// Key and value as stored.
    pub fn encode(&self) -> Result<(Bytes, Option<Bytes>), RecordError> {
        match self {
            Self::Group { group, value } => {
                let key = GroupKey::GroupMetadataKey(GroupMetadataKey {
                    group: group.clone(),
                })
                .encode_key()?;
                let value = value
                    .clone()
                    .map(|value| GroupValue::GroupMetadataValue(value).encode_value(GROUP_VERSION));
                Ok((key, value.transpose()?))
            }
            Self::Offset {
                group,
                topic,
                partition,
                value,
            } => {
                let key = OffsetCommitKey {
                    group: group.clone(),
                    topic: topic.clone(),
                    partition: *partition,
                };
                let value = value.as_ref().map(encode_offset).transpose()?;
                Ok((GroupKey::OffsetCommitKey(key).encode_key()?, value))
            }
        }
    }

    /// Reads a stored record; `None` for types of other group protocols, which this machine leaves alone.
    pub fn decode(key: Bytes, value: Option<Bytes>) -> Result<Option<Self>, RecordError> {
        let key = match GroupKey::decode_key(key) {
            // A type that is newer than this build: Apache Kafka passes over such records too.
            Err(DecodeError::RecordType { .. }) => return Ok(None),
            key => key?,
        };
        let kind = key.kind();
        Ok(match key {
            GroupKey::GroupMetadataKey(key) => {
                let value = match value
                    .map(|value| GroupValue::decode_value(kind, value))
                    .transpose()?
                {
                    Some(GroupValue::GroupMetadataValue(value)) => Some(value),
                    _ => None,
                };
                Some(Self::Group {
                    group: key.group.detached(),
                    value,
                })
            }
            GroupKey::OffsetCommitKey(key) => {
                let value = match value
                    .map(|value| GroupValue::decode_value(kind, value))
                    .transpose()?
                {
                    Some(GroupValue::OffsetCommitValue(value)) => Some(committed(&value)),
                    _ => None,
                };
                let (group, topic) = (key.group.detached(), key.topic.detached());
                Some(Self::Offset {
                    group,
                    topic,
                    partition: key.partition,
                    value,
                })
            }
            _ => None,
        })
    }
}

fn encode_offset(value: &CommittedOffset) -> Result<Bytes, EncodeError> {
    let version = if value.expire_timestamp.is_some() {
        OFFSET_VERSION_WITH_EXPIRY
    } else {
        OFFSET_VERSION
    };
    let fields = OffsetCommitValue {
        offset: value.offset,
        leader_epoch: if version == OFFSET_VERSION {
            value.leader_epoch
        } else {
            -1
        },
        metadata: value.metadata.clone(),
        commit_timestamp: value.commit_timestamp,
        expire_timestamp: value.expire_timestamp.unwrap_or(-1),
        topic_id: if version == OFFSET_VERSION {
            value.topic_id
        } else {
            Default::default()
        },
    };
    GroupValue::OffsetCommitValue(fields).encode_value(version)
}

fn committed(value: &OffsetCommitValue) -> CommittedOffset {
    CommittedOffset {
        offset: value.offset,
        leader_epoch: value.leader_epoch,
        metadata: value.metadata.detached(),
        commit_timestamp: value.commit_timestamp,
        expire_timestamp: (value.expire_timestamp != -1).then_some(value.expire_timestamp),
        topic_id: value.topic_id,
    }
}
