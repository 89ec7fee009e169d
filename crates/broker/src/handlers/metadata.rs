//! Metadata (key 3): brokers, topics and their leaders; makes topics on demand.

use std::collections::HashSet;

use mainstem_metadata::control::create_topics;
use mainstem_metadata::{MetadataImage, Topic};
use mainstem_protocol::messages::create_topics_request::CreatableTopic;
use mainstem_protocol::messages::metadata_request::MetadataRequestTopic;
use mainstem_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use mainstem_protocol::messages::{CreateTopicsRequest, MetadataRequest, MetadataResponse};
use mainstem_protocol::{ErrorCode, Str};

use crate::authorization;
use crate::clock::random_uuid;
use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    cx: RequestContext,
    request: MetadataRequest,
) -> Staged<MetadataResponse> {
    if let Some(refusal) = refusal(&cx, &request) {
        return Staged::Ready(refusal);
    }
    let missing = missing_topics(&cx, &request);
    if missing.is_empty() {
        return Staged::Ready(answer(&cx, &request, &[]));
    }
    Staged::pending(async move {
        let failed = create(&cx, missing).await;
        answer(&cx, &request, &failed)
    })
}

/// Topics could be asked for by id since version 10, but Apache Kafka cannot answer so before version 12: the whole request is refused.
fn refusal(cx: &RequestContext, request: &MetadataRequest) -> Option<MetadataResponse> {
    let asked = request.topics.as_ref()?;
    let by_id = |topic: &MetadataRequestTopic| !topic.topic_id.is_zero() || topic.name.is_none();
    if !(10..12).contains(&cx.version) || !asked.iter().any(by_id) {
        return None;
    }
    let topics = asked.iter().map(|topic| MetadataResponseTopic {
        error_code: ErrorCode::InvalidRequest.code(),
        name: Some(topic.name.clone().unwrap_or_default()),
        topic_id: topic.topic_id,
        ..MetadataResponseTopic::default()
    });
    Some(MetadataResponse {
        topics: topics.collect(),
        ..MetadataResponse::default()
    })
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
        .filter(|name| image.topic(name).is_none() && seen.insert(*name))
        .cloned()
        .collect()
}

/// Makes topics with the defaults; returns those that could not be made, with the reason.
async fn create(cx: &RequestContext, names: Vec<Str>) -> Vec<(Str, ErrorCode)> {
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

fn answer(
    cx: &RequestContext,
    request: &MetadataRequest,
    failed: &[(Str, ErrorCode)],
) -> MetadataResponse {
    let image = cx.node.metadata.load();
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
    MetadataResponse {
        brokers: brokers.collect(),
        cluster_id: Some(cx.node.cluster_id.clone()),
        controller_id: cx.node.node_id,
        topics: topics(cx.version, &image, request, failed),
        cluster_authorized_operations: authorization::asked(
            request.include_cluster_authorized_operations,
            authorization::CLUSTER,
        ),
        ..MetadataResponse::default()
    }
}

fn topics(
    version: i16,
    image: &MetadataImage,
    request: &MetadataRequest,
    failed: &[(Str, ErrorCode)],
) -> Vec<MetadataResponseTopic> {
    let operations = authorization::asked(
        request.include_topic_authorized_operations,
        authorization::TOPIC,
    );
    let described = |topic: &Topic| described(topic, operations);
    let asked = match &request.topics {
        None => return image.topics().map(|topic| described(topic)).collect(),
        Some(asked) if asked.is_empty() && version == 0 => {
            return image.topics().map(|topic| described(topic)).collect();
        }
        Some(asked) => asked,
    };
    let unknown = |name: Option<&Str>, code: ErrorCode| MetadataResponseTopic {
        error_code: code.code(),
        name: name.cloned(),
        topic_authorized_operations: operations,
        ..MetadataResponseTopic::default()
    };
    let one = |topic: &MetadataRequestTopic| {
        if !topic.topic_id.is_zero() {
            return match image.topic_by_id(topic.topic_id) {
                Some(found) => described(found),
                None => MetadataResponseTopic {
                    topic_id: topic.topic_id,
                    topic_authorized_operations: authorization::NOT_ASKED,
                    // Before version 12 the name is not nullable.
                    ..unknown(
                        (version < 12).then_some(&Str::EMPTY),
                        ErrorCode::UnknownTopicId,
                    )
                },
            };
        }
        let Some(name) = &topic.name else {
            return unknown(Some(&Str::EMPTY), ErrorCode::InvalidRequest);
        };
        match image.topic(name) {
            Some(found) => described(found),
            None => {
                let reason = failed
                    .iter()
                    .find(|(failed, _)| failed == name)
                    .map(|(_, code)| *code);
                let reason = reason.unwrap_or_else(|| unknown_topic_code(name));
                unknown(Some(name), reason)
            }
        }
    };
    let mut seen = HashSet::new();
    let once = asked
        .iter()
        .filter(|topic| seen.insert((topic.topic_id, topic.name.as_ref())));
    once.map(one).collect()
}

/// What is wrong with a name that no topic has.
pub(super) fn unknown_topic_code(name: &str) -> ErrorCode {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if !name.is_empty() && name.bytes().all(legal) {
        ErrorCode::UnknownTopicOrPartition
    } else {
        ErrorCode::InvalidTopicException
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
