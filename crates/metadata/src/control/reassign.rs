//! AlterPartitionReassignments (key 45) and ElectLeaders (key 43) where every partition has one replica on the one broker: what is asked
//! for is there already, or cannot be.

use mainstem_protocol::messages::alter_partition_reassignments_request::ReassignablePartition;
use mainstem_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use mainstem_protocol::messages::elect_leaders_request::TopicPartitions;
use mainstem_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use mainstem_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ElectLeadersRequest,
    ElectLeadersResponse,
};
use mainstem_protocol::{ErrorCode, Str};

use super::create_topics::check_replicas;
use crate::{MetadataImage, PartitionState};

type Refusal = (ErrorCode, Option<String>);

fn partition<'a>(image: &'a MetadataImage, topic: &str, index: i32) -> Option<&'a PartitionState> {
    let topic = image.topic(topic)?;
    topic.partitions.get(usize::try_from(index).ok()?)
}

fn reassign(
    image: &MetadataImage,
    topic: &str,
    asked: &ReassignablePartition,
) -> Result<(), Refusal> {
    let index = asked.partition_index;
    if image.topic(topic).is_none() {
        let what = format!("Unable to find a topic named {topic}.");
        return Err((ErrorCode::UnknownTopicOrPartition, Some(what)));
    }
    let Some(state) = partition(image, topic, index) else {
        let what = format!("Unable to find partition {topic}:{index}.");
        return Err((ErrorCode::UnknownTopicOrPartition, Some(what)));
    };
    let Some(replicas) = &asked.replicas else {
        // A reassignment never lasts here, so there is none to be cancelled.
        return Err((ErrorCode::NoReassignmentInProgress, None));
    };
    check_replicas(image, replicas).map_err(|(code, what)| (code, Some(what)))?;
    if *replicas == state.replicas {
        return Ok(());
    }
    let what = "Moving replicas between brokers is not served yet.".to_owned();
    Err((ErrorCode::InvalidReplicaAssignment, Some(what)))
}

/// Moves replicas to where they are.
pub fn alter_partition_reassignments(
    image: &MetadataImage,
    request: &AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let (code, message) = match reassign(image, &topic.name, asked) {
                Ok(()) => (ErrorCode::None, None),
                Err(refusal) => refusal,
            };
            ReassignablePartitionResponse {
                partition_index: asked.partition_index,
                error_code: code.code(),
                error_message: message.map(Str::from),
            }
        });
        ReassignableTopicResponse {
            name: topic.name.clone(),
            partitions: partitions.collect(),
        }
    });
    AlterPartitionReassignmentsResponse {
        error_message: request.topics.is_empty().then_some(Str::EMPTY),
        responses: topics.collect(),
        ..AlterPartitionReassignmentsResponse::default()
    }
}

/// Elections that somebody may ask for.
const ELECTION_TYPES: std::ops::RangeInclusive<i8> = 0..=1;

fn elected(image: &MetadataImage, topic: &str, index: i32) -> Refusal {
    if image.topic(topic).is_none() {
        let what = format!("No such topic as {topic}");
        return (ErrorCode::UnknownTopicOrPartition, Some(what));
    }
    if partition(image, topic, index).is_none() {
        let what = format!("No such partition as {topic}-{index}");
        return (ErrorCode::UnknownTopicOrPartition, Some(what));
    }
    let what = "Leader election not needed for topic partition.".to_owned();
    (ErrorCode::ElectionNotNeeded, Some(what))
}

/// Elects nobody: the only replica leads.
pub fn elect_leaders(image: &MetadataImage, request: &ElectLeadersRequest) -> ElectLeadersResponse {
    let known_type = ELECTION_TYPES.contains(&request.election_type);
    let unknown = format!("Unknown election type {}", request.election_type);
    let one = |topic: &TopicPartitions| {
        let results = topic.partitions.iter().map(|index| {
            let (code, message) = if known_type {
                elected(image, &topic.topic, *index)
            } else {
                (ErrorCode::InvalidRequest, Some(unknown.clone()))
            };
            PartitionResult {
                partition_id: *index,
                error_code: code.code(),
                error_message: message.map(Str::from),
            }
        });
        ReplicaElectionResult {
            topic: topic.topic.clone(),
            partition_result: results.collect(),
        }
    };
    let results = match &request.topic_partitions {
        Some(asked) => asked.iter().map(one).collect(),
        // Of all partitions only those that need an election would be told.
        None if known_type => image
            .topics()
            .map(|topic| ReplicaElectionResult {
                topic: topic.name.clone(),
                partition_result: Vec::new(),
            })
            .collect(),
        None => Vec::new(),
    };
    let code = if known_type {
        ErrorCode::None
    } else {
        ErrorCode::InvalidRequest
    };
    ElectLeadersResponse {
        error_code: code.code(),
        replica_election_results: results,
        ..ElectLeadersResponse::default()
    }
}
