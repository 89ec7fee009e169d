//! CreatePartitions (key 37).

use std::collections::BTreeSet;

use mainstem_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use mainstem_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use mainstem_protocol::messages::{
    CreatePartitionsRequest, CreatePartitionsResponse, MetadataRecord,
};
use mainstem_protocol::{ErrorCode, Str};

use super::Decision;
use super::create_topics::{check_replicas, new_partition, round_robin};
use crate::MetadataImage;
use crate::image::partition_record;
use crate::limits::PARTITIONS_PER_REQUEST_MAX;

/// Decides on each topic by itself.
pub fn create_partitions(
    image: &MetadataImage,
    request: &CreatePartitionsRequest,
) -> Decision<CreatePartitionsResponse> {
    let mut seen = BTreeSet::new();
    let mut repeated = BTreeSet::new();
    for topic in &request.topics {
        if !seen.insert(&topic.name) {
            repeated.insert(&topic.name);
        }
    }
    let asked = request.topics.iter();
    let asked: Vec<_> = asked.filter(|topic| seen.remove(&topic.name)).collect();
    let once = asked.iter().filter(|topic| !repeated.contains(&topic.name));
    let added: usize = once.map(|topic| partitions_added(image, topic)).sum();
    let is_too_many = added > PARTITIONS_PER_REQUEST_MAX.unsigned_abs() as usize;
    let mut records = Vec::new();
    let mut results = Vec::with_capacity(asked.len());
    for topic in asked {
        let planned = if is_too_many {
            let what = "Excessively large number of additional partitions per request.";
            Err((ErrorCode::PolicyViolation, what.to_owned()))
        } else if repeated.contains(&topic.name) {
            Err((
                ErrorCode::InvalidRequest,
                "Duplicate topic name.".to_owned(),
            ))
        } else {
            plan(image, topic)
        };
        let (code, message) = match planned {
            Ok(added) => {
                if !request.validate_only {
                    records.extend(added);
                }
                (ErrorCode::None, None)
            }
            Err((code, message)) => (code, (!message.is_empty()).then(|| Str::from(message))),
        };
        results.push(CreatePartitionsTopicResult {
            name: topic.name.detached(),
            error_code: code.code(),
            error_message: message,
        });
    }
    Decision {
        records,
        response: CreatePartitionsResponse {
            results,
            ..CreatePartitionsResponse::default()
        },
    }
}

/// How many partitions a topic is asked to grow by.
fn partitions_added(image: &MetadataImage, request: &CreatePartitionsTopic) -> usize {
    let there = image
        .topic(&request.name)
        .map(|topic| topic.partitions.len());
    let wanted = usize::try_from(request.count).unwrap_or(0);
    there.map_or(0, |there| wanted.saturating_sub(there))
}

fn plan(
    image: &MetadataImage,
    request: &CreatePartitionsTopic,
) -> Result<Vec<MetadataRecord>, (ErrorCode, String)> {
    let unknown = || {
        (
            ErrorCode::UnknownTopicOrPartition,
            String::new(), // Apache Kafka says no more than the code
        )
    };
    let topic = image.topic(&request.name).ok_or_else(unknown)?;
    let there = topic.partitions.len();
    let wrong = |what: String| (ErrorCode::InvalidPartitions, what);
    let wanted = usize::try_from(request.count).unwrap_or(0);
    if wanted == there {
        return Err(wrong(format!("Topic already has {there} partition(s).")));
    }
    if wanted < there {
        let what = format!(
            "The topic {} currently has {there} partition(s); {} would not be an increase.",
            topic.name, request.count
        );
        return Err(wrong(what));
    }
    let added = wanted - there;
    let factor = topic
        .partitions
        .first()
        .map_or(1, |state| state.replicas.len());
    let states = match &request.assignments {
        None => round_robin(image, there, added, factor)?,
        Some(assignments) => {
            if assignments.len() != added {
                let what = format!(
                    "Attempted to add {added} additional partition(s), but only {} assignment(s) were specified.",
                    assignments.len()
                );
                return Err((ErrorCode::InvalidReplicaAssignment, what));
            }
            let mut states = Vec::with_capacity(added);
            for assignment in assignments {
                check_replicas(image, &assignment.broker_ids)?;
                states.push(new_partition(image, assignment.broker_ids.clone()));
            }
            states
        }
    };
    let first = i32::try_from(there).unwrap_or(i32::MAX);
    Ok((first..)
        .zip(&states)
        .map(|(index, state)| partition_record(topic, index, state).into())
        .collect())
}
