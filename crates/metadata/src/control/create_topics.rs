//! CreateTopics (key 19).

use std::collections::{BTreeMap, BTreeSet};

use mainstem_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use mainstem_protocol::messages::create_topics_response::{
    CreatableTopicConfigs, CreatableTopicResult,
};
use mainstem_protocol::messages::{
    ConfigRecord, CreateTopicsRequest, CreateTopicsResponse, MetadataRecord, TopicRecord,
};
use mainstem_protocol::{ErrorCode, Str, Uuid};

use super::Decision;
use super::configs::check_together;
use crate::config::{TOPIC_CONFIGS, check_topic_value};
use crate::image::partition_record;
use crate::limits::{PARTITIONS_PER_REQUEST_MAX, RECORDS_PER_REQUEST_MAX, TOPIC_NAME_BYTES_MAX};
use crate::{ConfigResource, METADATA_TOPIC, MetadataImage, PartitionState, Topic};

/// What a request leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicDefaults {
    /// `num.partitions`.
    pub partitions: i32,
    /// `default.replication.factor`.
    pub replication_factor: i16,
}

/// A refusal of one topic.
struct Refusal(ErrorCode, String);

/// Decides on each topic by itself; those that are sound are created together.
pub fn create_topics(
    image: &MetadataImage,
    request: &CreateTopicsRequest,
    defaults: TopicDefaults,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Decision<CreateTopicsResponse> {
    let mut seen = BTreeSet::new();
    let mut repeated = BTreeSet::new();
    for topic in &request.topics {
        if !seen.insert(topic.name.clone()) {
            repeated.insert(topic.name.clone());
        }
    }
    let asked = request.topics.iter();
    let asked: Vec<_> = asked.filter(|topic| seen.remove(&topic.name)).collect();
    let once = asked.iter().filter(|topic| !repeated.contains(&topic.name));
    let partitions: i64 = once.map(|topic| partitions_asked(topic, defaults)).sum();
    if partitions > i64::from(PARTITIONS_PER_REQUEST_MAX) {
        // Nothing is planned: each topic might have as many.
        return refuse_all(
            &asked,
            "Excessively large number of partitions per request.",
        );
    }
    let mut records = Vec::new();
    let mut record_count = 0;
    let mut topics = Vec::with_capacity(asked.len());
    let names = Names::new(image, &request.topics);
    for topic in &asked {
        let planned = if repeated.contains(&topic.name) {
            Err(Refusal(
                ErrorCode::InvalidRequest,
                "Duplicate topic name.".to_owned(),
            ))
        } else {
            plan(&names, topic, defaults, new_id())
        };
        match planned {
            Ok(planned) => {
                topics.push(success(topic, &planned));
                record_count += 1 + topic.configs.len() + planned.partitions.len();
                if !request.validate_only {
                    records.extend(topic_records(&planned, topic));
                }
            }
            Err(refusal) => topics.push(refused(topic, refusal)),
        }
    }
    if record_count > RECORDS_PER_REQUEST_MAX {
        return refuse_all(
            &asked,
            "Unable to perform excessively large batch operation.",
        );
    }
    Decision {
        records,
        response: CreateTopicsResponse {
            topics,
            ..CreateTopicsResponse::default()
        },
    }
}

/// How many partitions a topic is asked for with, whether it can be made or not.
fn partitions_asked(topic: &CreatableTopic, defaults: TopicDefaults) -> i64 {
    let count = match topic.num_partitions {
        _ if !topic.assignments.is_empty() => {
            return i64::try_from(topic.assignments.len()).unwrap_or(i64::MAX);
        }
        -1 => defaults.partitions,
        count => count,
    };
    i64::from(count.max(0))
}

fn refused(topic: &CreatableTopic, Refusal(code, message): Refusal) -> CreatableTopicResult {
    CreatableTopicResult {
        name: topic.name.detached(),
        error_code: code.code(),
        error_message: Some(Str::from(message)),
        configs: Some(Vec::new()),
        ..CreatableTopicResult::default()
    }
}

/// The request asks for more than one may: no topic of it is made.
fn refuse_all(asked: &[&CreatableTopic], what: &str) -> Decision<CreateTopicsResponse> {
    let refusal = || Refusal(ErrorCode::PolicyViolation, what.to_owned());
    let topics = asked.iter().map(|topic| refused(topic, refusal()));
    Decision {
        records: Vec::new(),
        response: CreateTopicsResponse {
            topics: topics.collect(),
            ..CreateTopicsResponse::default()
        },
    }
}

/// The names that are taken.
struct Names<'a> {
    image: &'a MetadataImage,
    /// Those that have an underscore when each dot is one, and whose they are; empty when no new name has one.
    folded: BTreeMap<String, &'a Str>,
}

impl<'a> Names<'a> {
    fn new(image: &'a MetadataImage, asked: &[CreatableTopic]) -> Self {
        let may_collide = |name: &str| name.contains(['.', '_']);
        let mut folded = BTreeMap::new();
        if asked.iter().any(|topic| may_collide(&topic.name)) {
            let topics = image.topics().filter(|topic| may_collide(&topic.name));
            for topic in topics {
                folded.entry(fold(&topic.name)).or_insert(&topic.name);
            }
        }
        Self { image, folded }
    }
}

/// Metrics replace dots by underscores, so names that differ only there would collide.
fn fold(name: &str) -> String {
    name.replace('.', "_")
}

fn count_of(topic: &Topic) -> i32 {
    i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX)
}

/// Checks how a topic's name is written; says what is wrong with it in Apache Kafka's terms.
pub fn check_topic_name(name: &str) -> Result<(), String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let what = if name.is_empty() {
        "the empty string is not allowed".to_owned()
    } else if name == "." || name == ".." {
        format!("'{name}' is not allowed")
    } else if name.len() > TOPIC_NAME_BYTES_MAX {
        format!(
            "the length of '{name}' is longer than the max allowed length {TOPIC_NAME_BYTES_MAX}"
        )
    } else if !name.bytes().all(legal) {
        format!(
            "'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        )
    } else {
        return Ok(());
    };
    Err(format!("Topic name is invalid: {what}"))
}

/// Checks a topic's name, and that it is free.
fn check_name(names: &Names<'_>, name: &str) -> Result<(), Refusal> {
    if name == METADATA_TOPIC {
        let what = format!("Creation of internal topic {METADATA_TOPIC} is prohibited.");
        return Err(Refusal(ErrorCode::InvalidRequest, what));
    }
    let invalid = |what: String| Err(Refusal(ErrorCode::InvalidTopicException, what));
    check_topic_name(name).or_else(invalid)?;
    if names.image.topic(name).is_some() {
        return Err(Refusal(
            ErrorCode::TopicAlreadyExists,
            format!("Topic '{name}' already exists."),
        ));
    }
    if let Some(other) = names.folded.get(&fold(name)) {
        return invalid(format!(
            "Topic '{name}' collides with existing topic: {other}"
        ));
    }
    Ok(())
}

fn check_configs(configs: &[CreatableTopicConfig]) -> Result<(), Refusal> {
    let without_value = configs.iter().filter(|config| config.value.is_none());
    let without_value: Vec<_> = without_value.map(|config| config.name.as_str()).collect();
    if !without_value.is_empty() {
        let names = without_value.join(",");
        let what = format!("Null value not supported for topic configs: {names}");
        return Err(Refusal(ErrorCode::InvalidConfig, what));
    }
    for config in configs {
        let value = config.value.as_ref().map_or("", |value| value.as_str());
        check_topic_value(&config.name, value)
            .map_err(|error| Refusal(ErrorCode::InvalidConfig, error.kafka_words()))?;
    }
    let given = configs.iter().filter_map(|config| {
        let value = config.value.as_ref()?;
        Some((config.name.clone(), value.clone()))
    });
    check_together(&given.collect()).map_err(|what| Refusal(ErrorCode::InvalidConfig, what))
}

fn plan(
    names: &Names<'_>,
    topic: &CreatableTopic,
    defaults: TopicDefaults,
    id: Uuid,
) -> Result<Topic, Refusal> {
    let image = names.image;
    check_name(names, &topic.name)?;
    // What is wrong with these is said first, as Apache Kafka does.
    check_configs(&topic.configs)?;
    let partitions = if topic.assignments.is_empty() {
        place(image, topic, defaults)?
    } else {
        assigned(image, topic)?
    };
    Ok(Topic {
        name: topic.name.detached(),
        id,
        partitions,
    })
}

fn unfenced(image: &MetadataImage) -> Vec<i32> {
    image
        .brokers()
        .filter(|broker| !broker.fenced)
        .map(|broker| broker.id)
        .collect()
}

/// A new partition on `replicas`, the first of which leads.
pub(super) fn new_partition(image: &MetadataImage, replicas: Vec<i32>) -> PartitionState {
    let directories = replicas
        .iter()
        .map(|id| {
            image
                .broker(*id)
                .and_then(|broker| broker.directories.first().copied())
                .unwrap_or_default()
        })
        .collect();
    PartitionState {
        isr: replicas.clone(),
        leader: replicas.first().copied().unwrap_or(-1),
        replicas,
        directories,
        ..PartitionState::default()
    }
}

/// Places `count` partitions round robin over the brokers, from the `first` on.
pub(super) fn round_robin(
    image: &MetadataImage,
    first: usize,
    count: usize,
    replication_factor: usize,
) -> Result<Vec<PartitionState>, (ErrorCode, String)> {
    let brokers = unfenced(image);
    if replication_factor == 0 || replication_factor > brokers.len() {
        let what = format!(
            "Unable to replicate the partition {replication_factor} time(s): The target replication factor of \
             {replication_factor} cannot be reached because only {} broker(s) are registered \
             or some brokers have all their log directories cordoned.",
            brokers.len()
        );
        return Err((ErrorCode::InvalidReplicationFactor, what));
    }
    let partition = |at: usize| {
        let replicas = (0..replication_factor)
            .map(|replica| brokers[(at + replica) % brokers.len()])
            .collect();
        new_partition(image, replicas)
    };
    Ok((first..first + count).map(partition).collect())
}

fn place(
    image: &MetadataImage,
    topic: &CreatableTopic,
    defaults: TopicDefaults,
) -> Result<Vec<PartitionState>, Refusal> {
    let factor = match topic.replication_factor {
        -1 => defaults.replication_factor,
        factor => factor,
    };
    if factor <= 0 {
        let what = "Replication factor must be larger than 0, or -1 to use the default value.";
        return Err(Refusal(
            ErrorCode::InvalidReplicationFactor,
            what.to_owned(),
        ));
    }
    let count = match topic.num_partitions {
        -1 => defaults.partitions,
        count => count,
    };
    let wrong = || {
        let what = "Number of partitions was set to an invalid non-positive value.";
        Refusal(ErrorCode::InvalidPartitions, what.to_owned())
    };
    let count = usize::try_from(count)
        .ok()
        .filter(|count| *count > 0)
        .ok_or_else(wrong)?;
    let factor = usize::try_from(factor).unwrap_or(0);
    round_robin(image, 0, count, factor).map_err(|(code, what)| Refusal(code, what))
}

fn assigned(image: &MetadataImage, topic: &CreatableTopic) -> Result<Vec<PartitionState>, Refusal> {
    let invalid = |what: String| Refusal(ErrorCode::InvalidReplicaAssignment, what);
    if topic.replication_factor != -1 {
        let what = "A manual partition assignment was specified, but replication factor was not set to -1.";
        return Err(Refusal(ErrorCode::InvalidRequest, what.to_owned()));
    }
    if topic.num_partitions != -1 {
        let what =
            "A manual partition assignment was specified, but numPartitions was not set to -1.";
        return Err(Refusal(ErrorCode::InvalidRequest, what.to_owned()));
    }
    let mut seen = BTreeSet::new();
    for assignment in &topic.assignments {
        let index = assignment.partition_index;
        if !seen.insert(index) {
            return Err(invalid(format!(
                "Found multiple manual partition assignments for partition {index}"
            )));
        }
        check_replicas(image, &assignment.broker_ids)
            .map_err(|(code, what)| Refusal(code, what))?;
    }
    if !(0..).zip(&seen).all(|(expected, index)| expected == *index) {
        let what = "partitions should be a consecutive 0-based integer sequence";
        return Err(invalid(what.to_owned()));
    }
    let mut assignments: Vec<_> = topic.assignments.iter().collect();
    assignments.sort_by_key(|assignment| assignment.partition_index);
    let partitions = assignments.iter();
    let placed = partitions.map(|assignment| new_partition(image, assignment.broker_ids.clone()));
    Ok(placed.collect())
}

/// Checks a list of replicas that a client gave.
pub(super) fn check_replicas(
    image: &MetadataImage,
    replicas: &[i32],
) -> Result<(), (ErrorCode, String)> {
    let invalid = |what: String| Err((ErrorCode::InvalidReplicaAssignment, what));
    if replicas.is_empty() {
        return invalid(
            "The manual partition assignment includes an empty replica list.".to_owned(),
        );
    }
    let mut sorted = replicas.to_vec();
    sorted.sort_unstable();
    let mut before = None;
    for id in sorted {
        if image.broker(id).is_none() {
            return invalid(format!(
                "The manual partition assignment includes broker {id}, but no such broker is registered."
            ));
        }
        if before == Some(id) {
            return invalid(format!(
                "The manual partition assignment includes the broker {id} more than once."
            ));
        }
        before = Some(id);
    }
    Ok(())
}

fn topic_records(topic: &Topic, request: &CreatableTopic) -> Vec<MetadataRecord> {
    let mut records: Vec<MetadataRecord> = vec![
        TopicRecord {
            name: topic.name.clone(),
            topic_id: topic.id,
        }
        .into(),
    ];
    for config in &request.configs {
        let record = ConfigRecord {
            resource_type: ConfigResource::TOPIC,
            resource_name: topic.name.clone(),
            name: config.name.detached(),
            value: config.value.as_ref().map(Str::detached),
        };
        records.push(record.into());
    }
    for (index, state) in (0..).zip(&topic.partitions) {
        records.push(partition_record(topic, index, state).into());
    }
    records
}

fn success(request: &CreatableTopic, topic: &Topic) -> CreatableTopicResult {
    let set = |name: &str| request.configs.iter().find(|config| config.name == *name);
    let configs = TOPIC_CONFIGS.iter().map(|row| {
        let given = set(row.name);
        let value = given.and_then(|config| config.value.clone());
        CreatableTopicConfigs {
            name: Str::from_static(row.name),
            value: Some(value.unwrap_or(Str::from_static(row.default))),
            read_only: false,
            // 1: set for this topic; 5: the default.
            config_source: if given.is_some() { 1 } else { 5 },
            is_sensitive: false,
        }
    });
    CreatableTopicResult {
        name: topic.name.clone(),
        topic_id: topic.id,
        num_partitions: count_of(topic),
        replication_factor: topic.partitions.first().map_or(-1, |state| {
            i16::try_from(state.replicas.len()).unwrap_or(i16::MAX)
        }),
        configs: Some(configs.collect()),
        error_message: None,
        ..CreatableTopicResult::default()
    }
}
