//! Metadata (key 3): brokers, topics and their leaders; makes topics on demand.

use std::collections::{HashMap, HashSet};

use mainstem_metadata::control::{check_topic_name, create_topics};
use mainstem_metadata::{METADATA_TOPIC, MetadataImage, Topic, is_internal};
use mainstem_protocol::messages::create_topics_request::CreatableTopic;
use mainstem_protocol::messages::metadata_request::MetadataRequestTopic;
use mainstem_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use mainstem_protocol::messages::{CreateTopicsRequest, MetadataRequest, MetadataResponse};
use mainstem_protocol::{ErrorCode, Str, Uuid};

use crate::authorization;
use crate::clock::random_uuid;
use crate::context::{RequestContext, Staged};

/// What the answer about a topic or a partition takes beside its name.
const ENTRY_BYTES: usize = 192;

pub(crate) async fn handle(
    cx: RequestContext,
    request: MetadataRequest,
) -> Staged<MetadataResponse> {
    Staged::pending(async move {
        if is_refused(cx.version, &request) {
            let entries = request.topics.as_ref().map_or(0, Vec::len);
            return match cx.answer.take_each(entries, ENTRY_BYTES).await {
                true => refusal(&request),
                false => MetadataResponse::default(),
            };
        }
        let missing = missing_topics(&cx, &request);
        let failed = match missing.is_empty() {
            true => HashMap::new(),
            false => create(&cx, missing).await,
        };
        answer(&cx, &request, &failed).await
    })
}

/// Topics could be asked for by id since version 10, but Apache Kafka cannot answer so before version 12: the whole request is refused.
fn is_refused(version: i16, request: &MetadataRequest) -> bool {
    let by_id = |topic: &MetadataRequestTopic| !topic.topic_id.is_zero() || topic.name.is_none();
    (10..12).contains(&version) && request.topics.iter().flatten().any(by_id)
}

fn refusal(request: &MetadataRequest) -> MetadataResponse {
    let asked = request.topics.iter().flatten();
    let topics = asked.map(|topic| MetadataResponseTopic {
        error_code: ErrorCode::InvalidRequest.code(),
        name: Some(topic.name.clone().unwrap_or_default()),
        topic_id: topic.topic_id,
        ..MetadataResponseTopic::default()
    });
    MetadataResponse {
        topics: topics.collect(),
        ..MetadataResponse::default()
    }
}

/// Topics that are asked for by name, do not exist, and may be made.
fn missing_topics(cx: &RequestContext, request: &MetadataRequest) -> Vec<Str> {
    let allowed = cx.version < 4 || request.allow_auto_topic_creation;
    if !allowed || !cx.node.config.properties.flag("auto.create.topics.enable") {
        return Vec::new();
    }
    let image = cx.node.metadata.load();
    let names = request
        .topics
        .iter()
        .flatten()
        .filter_map(|topic| topic.name.as_ref());
    let mut seen = HashSet::new();
    names
        .filter(|name| image.topic(name).is_none() && **name != METADATA_TOPIC)
        .filter(|name| seen.insert(*name))
        .cloned()
        .collect()
}

/// Makes topics with the defaults; returns those that could not be made, with the reason.
async fn create(cx: &RequestContext, names: Vec<Str>) -> HashMap<Str, ErrorCode> {
    let defaults = cx.node.topic_defaults();
    let topics = names.iter().map(|name| {
        cx.node
            .internal_topic(name)
            .unwrap_or_else(|| CreatableTopic {
                name: name.detached(),
                num_partitions: -1,
                replication_factor: -1,
                ..CreatableTopic::default()
            })
    });
    let request = CreateTopicsRequest {
        topics: topics.collect(),
        ..CreateTopicsRequest::default()
    };
    let decided = cx
        .node
        .controller
        .change(move |image| create_topics(image, &request, defaults, &mut random_uuid))
        .await;
    match decided {
        Ok(response) => {
            let failed = response.topics.into_iter().filter_map(|topic| {
                let code = ErrorCode::from_code(topic.error_code);
                let made = matches!(code, ErrorCode::None | ErrorCode::TopicAlreadyExists);
                (!made).then_some((topic.name, code))
            });
            failed.collect()
        }
        Err(_) => names
            .into_iter()
            .map(|name| (name, ErrorCode::LeaderNotAvailable))
            .collect(),
    }
}

async fn answer(
    cx: &RequestContext,
    request: &MetadataRequest,
    failed: &HashMap<Str, ErrorCode>,
) -> MetadataResponse {
    let image = cx.node.metadata.load_full();
    let brokers = image
        .brokers()
        .filter(|broker| !broker.fenced)
        .filter_map(|broker| {
            let endpoint = broker.endpoints.first()?;
            Some(MetadataResponseBroker {
                node_id: broker.id,
                host: endpoint.host.clone(),
                port: i32::from(endpoint.port),
                rack: broker.rack.clone(),
            })
        });
    let mut response = MetadataResponse {
        brokers: brokers.collect(),
        cluster_id: Some(cx.node.cluster_id.clone()),
        controller_id: cx.node.node_id,
        cluster_authorized_operations: authorization::asked(
            request.include_cluster_authorized_operations,
            authorization::CLUSTER,
        ),
        ..MetadataResponse::default()
    };
    let operations = authorization::asked(
        request.include_topic_authorized_operations,
        authorization::TOPIC,
    );
    for asked in asked(cx.version, &image, request) {
        let partitions = asked.topic.map_or(0, |topic| topic.partitions.len());
        if !cx.answer.take(ENTRY_BYTES * (1 + partitions)).await {
            return response;
        }
        let topic = match (asked.topic, asked.by) {
            (Some(topic), _) => described(topic, operations),
            (None, By::Id(id)) => MetadataResponseTopic {
                topic_id: id,
                topic_authorized_operations: authorization::NOT_ASKED,
                // Before version 12 the name is not nullable.
                ..unknown(
                    (cx.version < 12).then_some(&Str::EMPTY),
                    ErrorCode::UnknownTopicId,
                    operations,
                )
            },
            (None, By::Name(Some(name))) => {
                let reason = failed.get(name).copied();
                let reason = reason.unwrap_or_else(|| unknown_topic_code(name));
                unknown(Some(name), reason, operations)
            }
            (None, By::Name(None)) => {
                unknown(Some(&Str::EMPTY), ErrorCode::InvalidRequest, operations)
            }
        };
        response.topics.push(topic);
    }
    response
}

/// What a topic is asked for by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum By<'a> {
    Id(Uuid),
    Name(Option<&'a Str>),
}

/// A topic that is to be answered, and what is known of it.
struct Asked<'a> {
    by: By<'a>,
    topic: Option<&'a Topic>,
}

/// The topics that are asked for, each once: who names an id says nothing by a name beside it.
fn asked<'a>(
    version: i16,
    image: &'a MetadataImage,
    request: &'a MetadataRequest,
) -> Vec<Asked<'a>> {
    let named = match &request.topics {
        Some(named) if version > 0 || !named.is_empty() => named,
        _ => {
            let all = image.topics().map(|topic| Asked {
                by: By::Id(topic.id),
                topic: Some(topic),
            });
            return all.collect();
        }
    };
    let mut seen = HashSet::new();
    let by = named.iter().map(|topic| match topic.topic_id.is_zero() {
        true => By::Name(topic.name.as_ref()),
        false => By::Id(topic.topic_id),
    });
    let once = by.filter(|by| seen.insert(*by)).map(|by| {
        let topic = match by {
            By::Id(id) => image.topic_by_id(id),
            By::Name(name) => name.and_then(|name| image.topic(name)),
        };
        let topic = topic.map(|topic| &**topic);
        Asked { by, topic }
    });
    once.collect()
}

fn unknown(name: Option<&Str>, code: ErrorCode, operations: i32) -> MetadataResponseTopic {
    MetadataResponseTopic {
        error_code: code.code(),
        name: name.cloned(),
        is_internal: name.is_some_and(|name| is_internal(name)),
        topic_authorized_operations: operations,
        ..MetadataResponseTopic::default()
    }
}

/// What is wrong with a name that no topic has.
pub(super) fn unknown_topic_code(name: &str) -> ErrorCode {
    match check_topic_name(name) {
        Ok(()) => ErrorCode::UnknownTopicOrPartition,
        Err(_) => ErrorCode::InvalidTopicException,
    }
}

fn described(topic: &Topic, operations: i32) -> MetadataResponseTopic {
    let partitions = (0..)
        .zip(&topic.partitions)
        .map(|(index, state)| MetadataResponsePartition {
            error_code: if state.leader < 0 {
                ErrorCode::LeaderNotAvailable.code()
            } else {
                0
            },
            partition_index: index,
            leader_id: state.leader,
            leader_epoch: state.leader_epoch,
            replica_nodes: state.replicas.clone(),
            isr_nodes: state.isr.clone(),
            offline_replicas: Vec::new(),
        });
    MetadataResponseTopic {
        name: Some(topic.name.clone()),
        topic_id: topic.id,
        is_internal: topic.is_internal(),
        partitions: partitions.collect(),
        topic_authorized_operations: operations,
        ..MetadataResponseTopic::default()
    }
}
