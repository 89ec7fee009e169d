//! OffsetFetch (key 9): one group up to version 7, several from 8 on; topics by id from 10 on.

use mainstem_coordinator::group::{CommittedOffset, GroupInput, GroupReply, TopicOffsets};
use mainstem_metadata::MetadataImage;
use mainstem_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use mainstem_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use mainstem_protocol::messages::{OffsetFetchRequest, OffsetFetchResponse};
use mainstem_protocol::{ErrorCode, Str, Uuid};

use crate::context::{RequestContext, Staged};

/// What the answer about a group, and about each of its partitions, takes beside its texts.
const ENTRY_BYTES: usize = 256;

/// Topics and partitions that are asked for; nothing for all.
type Wanted = Option<Vec<(Str, Vec<i32>)>>;

pub(crate) async fn handle(
    cx: RequestContext,
    request: OffsetFetchRequest,
) -> Staged<OffsetFetchResponse> {
    Staged::pending(async move {
        if cx.version >= 8 {
            let mut response = OffsetFetchResponse::default();
            for group in request.groups {
                let Some(fetched) = fetch_group(&cx, group).await else {
                    break;
                };
                response.groups.push(fetched);
            }
            return response;
        }
        let wanted: Wanted = request.topics.map(|topics| {
            topics
                .into_iter()
                .map(|topic| (topic.name, topic.partition_indexes))
                .collect()
        });
        // The first version has no place for an error of the whole: each partition says it.
        let said_by_each = wanted.clone().filter(|_| cx.version < 2);
        let (found, code) = match (ask(&cx, request.group_id, wanted).await, said_by_each) {
            (Ok(found), _) => (found, ErrorCode::None),
            (Err(code), Some(wanted)) => (nothing(wanted), code),
            (Err(code), None) => {
                return OffsetFetchResponse {
                    error_code: code.code(),
                    ..OffsetFetchResponse::default()
                };
            }
        };
        if !cx.answer.take(found_bytes(&found)).await {
            return OffsetFetchResponse::default();
        }
        OffsetFetchResponse {
            topics: old_topics(found, code),
            ..OffsetFetchResponse::default()
        }
    })
}

/// What was asked for, without an offset.
fn nothing(wanted: Vec<(Str, Vec<i32>)>) -> Vec<TopicOffsets> {
    let topics = wanted.into_iter().map(|(topic, partitions)| {
        let partitions = partitions.into_iter().map(|partition| (partition, None));
        (topic, partitions.collect())
    });
    topics.collect()
}

/// What the answer about these offsets takes.
fn found_bytes(found: &[TopicOffsets]) -> usize {
    let topics = found.iter().map(|(topic, partitions)| {
        let texts = partitions.iter().map(|(_, value)| {
            let text = value.as_ref().map_or(0, |value| value.metadata.len());
            ENTRY_BYTES + text
        });
        ENTRY_BYTES + topic.len() + texts.sum::<usize>()
    });
    topics.sum()
}

async fn ask(
    cx: &RequestContext,
    group: Str,
    wanted: Wanted,
) -> Result<Vec<TopicOffsets>, ErrorCode> {
    let name = group.clone();
    let is_all = wanted.is_none();
    let input = move |id| GroupInput::FetchOffsets {
        id,
        group: name,
        wanted,
    };
    cx.answer.pause();
    match cx.node.groups.ask(&cx.node, &group, input).await? {
        GroupReply::Offsets(found) => {
            Ok(without_old_topics(&cx.node.metadata.load(), found, is_all))
        }
        _ => Err(ErrorCode::UnknownServerError),
    }
}

/// An offset of a topic that was deleted says nothing about one that was made again under the name.
fn without_old_topics(
    image: &MetadataImage,
    mut found: Vec<TopicOffsets>,
    is_all: bool,
) -> Vec<TopicOffsets> {
    let is_old = |topic: &Str, value: &CommittedOffset| {
        let now = image.topic(topic).map(|topic| topic.id);
        !value.topic_id.is_zero() && now != Some(value.topic_id)
    };
    for (topic, partitions) in &mut found {
        for (_, value) in partitions.iter_mut() {
            *value = value.take().filter(|value| !is_old(topic, value));
        }
        partitions.retain(|(_, value)| value.is_some() || !is_all);
    }
    found.retain(|(_, partitions)| !partitions.is_empty() || !is_all);
    found
}

/// The offset, its leader epoch and the client's words; -1, -1 and nothing where none was committed.
fn values(value: Option<CommittedOffset>) -> (i64, i32, Str) {
    value.map_or((-1, -1, Str::EMPTY), |value| {
        (value.offset, value.leader_epoch, value.metadata)
    })
}

fn old_topics(found: Vec<TopicOffsets>, code: ErrorCode) -> Vec<OffsetFetchResponseTopic> {
    let topics = found.into_iter().map(|(name, partitions)| {
        let partitions = partitions.into_iter().map(|(partition_index, value)| {
            let (committed_offset, committed_leader_epoch, metadata) = values(value);
            OffsetFetchResponsePartition {
                partition_index,
                committed_offset,
                committed_leader_epoch,
                metadata: Some(metadata),
                error_code: code.code(),
            }
        });
        OffsetFetchResponseTopic {
            name,
            partitions: partitions.collect(),
        }
    });
    topics.collect()
}

async fn fetch_group(
    cx: &RequestContext,
    group: OffsetFetchRequestGroup,
) -> Option<OffsetFetchResponseGroup> {
    let image = cx.node.metadata.load_full();
    let by_id = cx.version >= 10;
    let mut unknown = Vec::new();
    let wanted = group.topics.map(|topics| {
        let named = topics.into_iter().filter_map(|topic| {
            if !by_id {
                return Some((topic.name, topic.partition_indexes));
            }
            let name = image
                .topic_by_id(topic.topic_id)
                .map(|found| found.name.clone());
            if name.is_none() {
                unknown.push((topic.topic_id, topic.partition_indexes.clone()));
            }
            Some((name?, topic.partition_indexes))
        });
        named.collect()
    });
    let fetched = match ask(cx, group.group_id.clone(), wanted).await {
        Ok(found) => {
            let more = unknown.iter().map(|(_, partitions)| partitions.len());
            let bytes = found_bytes(&found) + more.sum::<usize>() * ENTRY_BYTES;
            if !cx.answer.take(bytes).await {
                return None;
            }
            let mut topics = new_topics(&image, found, by_id);
            topics.extend(
                unknown
                    .into_iter()
                    .map(|(id, partitions)| unknown_topic(id, partitions)),
            );
            OffsetFetchResponseGroup {
                group_id: group.group_id,
                topics,
                error_code: 0,
            }
        }
        Err(code) => OffsetFetchResponseGroup {
            group_id: group.group_id,
            topics: Vec::new(),
            error_code: code.code(),
        },
    };
    let bytes = ENTRY_BYTES + fetched.group_id.len();
    cx.answer.take(bytes).await.then_some(fetched)
}

fn unknown_topic(topic_id: Uuid, partitions: Vec<i32>) -> OffsetFetchResponseTopics {
    let partitions = partitions
        .into_iter()
        .map(|partition_index| OffsetFetchResponsePartitions {
            partition_index,
            committed_offset: -1,
            committed_leader_epoch: -1,
            metadata: Some(Str::EMPTY),
            error_code: ErrorCode::UnknownTopicId.code(),
        });
    OffsetFetchResponseTopics {
        topic_id,
        partitions: partitions.collect(),
        ..OffsetFetchResponseTopics::default()
    }
}

fn new_topics(
    image: &MetadataImage,
    found: Vec<TopicOffsets>,
    by_id: bool,
) -> Vec<OffsetFetchResponseTopics> {
    let topics = found.into_iter().filter_map(|(name, partitions)| {
        let topic_id = image.topic(&name).map_or(Uuid::ZERO, |topic| topic.id);
        if by_id && topic_id.is_zero() {
            return None; // its topic is gone, and there is no name to say it by
        }
        let partitions = partitions.into_iter().map(|(partition_index, value)| {
            let (committed_offset, committed_leader_epoch, metadata) = values(value);
            OffsetFetchResponsePartitions {
                partition_index,
                committed_offset,
                committed_leader_epoch,
                metadata: Some(metadata),
                error_code: 0,
            }
        });
        Some(OffsetFetchResponseTopics {
            name,
            topic_id,
            partitions: partitions.collect(),
        })
    });
    topics.collect()
}
