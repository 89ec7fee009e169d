//! Administration of groups: list, describe, committed offsets, delete.
//!
//! Must not know how a member joins. Invariant: a coordinator that is loading or has moved is asked again until the time is over.

use std::collections::BTreeMap;

use mainstem_protocol::messages::describe_groups_response::DescribedGroupMember;
use mainstem_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use mainstem_protocol::messages::{
    ConsumerProtocolAssignment, DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest,
    OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest,
};
use mainstem_protocol::records::decode_versioned;
use mainstem_protocol::{ErrorCode, Request, Str};

use crate::admin::check;
use crate::cluster::{Use, retry};
use crate::{ClientError, Cluster};

/// A group in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupListing {
    /// Its name.
    pub group: String,
    /// `consumer`, `connect`, …
    pub protocol_type: String,
    /// Its state.
    pub state: String,
    /// `classic`, `consumer`, …
    pub kind: String,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// Client id.
    pub client_id: String,
    /// Host.
    pub host: String,
    /// What it reads.
    pub partitions: Vec<(String, i32)>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDetail {
    /// Its name.
    pub group: String,
    /// Its state.
    pub state: String,
    /// Its members.
    pub members: Vec<Member>,
    /// The coordinator's address.
    pub coordinator: String,
}

/// A member as the wire has it, its assignment decoded.
fn member(member: DescribedGroupMember) -> Member {
    // An assignment of another protocol type (Connect) names no partitions.
    let assignment = decode_versioned::<ConsumerProtocolAssignment>(member.member_assignment);
    let topics = assignment
        .map(|assignment| assignment.assigned_partitions)
        .unwrap_or_default();
    let partitions = topics.into_iter().flat_map(|topic| {
        let name = topic.topic.to_string();
        let partitions = topic.partitions.into_iter();
        partitions.map(move |partition| (name.clone(), partition))
    });
    Member {
        id: member.member_id.to_string(),
        client_id: member.client_id.to_string(),
        host: member.client_host.trim_start_matches('/').to_owned(),
        partitions: partitions.collect(),
    }
}

impl Cluster {
    /// Every group, as each broker lists those that it coordinates.
    pub async fn groups(&self) -> Result<Vec<GroupListing>, ClientError> {
        let attempt = || async {
            let mut groups = Vec::new();
            for broker in self.broker_ids().await? {
                let connection = self.broker(broker, Use::Plain).await?;
                let response = connection.ask(|_| ListGroupsRequest::default()).await?;
                check("groups", response.error_code, None)?;
                groups.extend(response.groups.into_iter().map(|group| GroupListing {
                    group: group.group_id.to_string(),
                    protocol_type: group.protocol_type.to_string(),
                    state: group.group_state.to_string(),
                    kind: group.group_type.to_string(),
                }));
            }
            Ok(groups)
        };
        retry(self.deadline(), attempt).await
    }

    /// Asks the coordinator of a group, again while it loads or has moved; `code` is where an answer says so.
    async fn ask_coordinator<R: Request>(
        &self,
        group: &str,
        request: impl Fn() -> R,
        code: impl Fn(&R::Response) -> i16,
    ) -> Result<(R::Response, String), ClientError> {
        let attempt = || async {
            let connection = self.coordinator(group, Use::Plain).await?;
            let response = connection.ask(|_| request()).await?;
            let refusal = ErrorCode::from_code(code(&response));
            if refusal.is_retriable() {
                return Err(ClientError::refused(
                    format!("group {group}"),
                    refusal,
                    None,
                ));
            }
            Ok((response, connection.address.clone()))
        };
        retry(self.deadline(), attempt).await
    }

    /// A group; `None` when there is none of that name.
    pub async fn describe_group(&self, group: &str) -> Result<Option<GroupDetail>, ClientError> {
        let request = || DescribeGroupsRequest {
            groups: vec![Str::from(group)],
            ..DescribeGroupsRequest::default()
        };
        let (response, coordinator) = self
            .ask_coordinator(group, request, |response| {
                response.groups.first().map_or(0, |group| group.error_code)
            })
            .await?;
        let Some(found) = response.groups.into_iter().next() else {
            return Ok(None);
        };
        if ErrorCode::from_code(found.error_code) == ErrorCode::GroupIdNotFound
            || found.group_state == "Dead"
        {
            return Ok(None);
        }
        let message = found.error_message.as_ref();
        check(&format!("group {group}"), found.error_code, message)?;
        Ok(Some(GroupDetail {
            group: group.to_owned(),
            state: found.group_state.to_string(),
            members: found.members.into_iter().map(member).collect(),
            coordinator,
        }))
    }

    /// What a group has committed.
    pub async fn committed(&self, group: &str) -> Result<BTreeMap<(Str, i32), i64>, ClientError> {
        let attempt = || async {
            let connection = self.coordinator(group, Use::Plain).await?;
            let request = |_| OffsetFetchRequest {
                group_id: Str::from(group),
                topics: None,
                ..OffsetFetchRequest::default()
            };
            let response = connection.ask(request).await?;
            check(&format!("group {group}"), response.error_code, None)?;
            let mut committed = BTreeMap::new();
            for topic in response.topics {
                for partition in topic.partitions {
                    if partition.committed_offset >= 0 {
                        committed.insert(
                            (topic.name.detached(), partition.partition_index),
                            partition.committed_offset,
                        );
                    }
                }
            }
            Ok(committed)
        };
        retry(self.deadline(), attempt).await
    }

    /// Sets what an empty group has committed.
    pub async fn set_committed(
        &self,
        group: &str,
        offsets: &BTreeMap<(Str, i32), i64>,
    ) -> Result<(), ClientError> {
        let mut topics: Vec<OffsetCommitRequestTopic> = Vec::new();
        for ((topic, partition), offset) in offsets {
            if topics.last().is_none_or(|last| last.name != *topic) {
                topics.push(OffsetCommitRequestTopic {
                    name: topic.clone(),
                    ..Default::default()
                });
            }
            if let Some(last) = topics.last_mut() {
                last.partitions.push(OffsetCommitRequestPartition {
                    partition_index: *partition,
                    committed_offset: *offset,
                    committed_metadata: Some(Str::EMPTY),
                    ..Default::default()
                });
            }
        }
        let request = || OffsetCommitRequest {
            group_id: Str::from(group),
            topics: topics.clone(),
            ..OffsetCommitRequest::default()
        };
        let (response, _) = self
            .ask_coordinator(group, request, |response: &OffsetCommitResponse| {
                let codes = response.topics.iter().flat_map(|topic| &topic.partitions);
                let mut codes = codes.map(|partition| partition.error_code);
                codes.find(|code| *code != 0).unwrap_or(0)
            })
            .await?;
        for partition in response.topics.iter().flat_map(|topic| &topic.partitions) {
            check(&format!("group {group}"), partition.error_code, None)?;
        }
        Ok(())
    }

    /// Deletes a group and its offsets.
    pub async fn delete_group(&self, group: &str) -> Result<(), ClientError> {
        let request = || DeleteGroupsRequest {
            groups_names: vec![Str::from(group)],
        };
        let (response, _) = self
            .ask_coordinator(group, request, |response| {
                response
                    .results
                    .first()
                    .map_or(0, |result| result.error_code)
            })
            .await?;
        response.results.first().map_or(Ok(()), |result| {
            check(&format!("group {group}"), result.error_code, None)
        })
    }
}
