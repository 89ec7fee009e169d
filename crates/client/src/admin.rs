//! Administration: topics, configurations, offsets, groups.

use std::collections::BTreeMap;

use mainstem_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use mainstem_protocol::messages::describe_configs_request::DescribeConfigsResource;
use mainstem_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use mainstem_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use mainstem_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use mainstem_protocol::messages::{
    ConsumerProtocolAssignment, CreatePartitionsRequest, CreateTopicsRequest, DeleteGroupsRequest,
    DeleteTopicsRequest, DescribeConfigsRequest, DescribeGroupsRequest,
    IncrementalAlterConfigsRequest, ListGroupsRequest, ListOffsetsRequest, OffsetCommitRequest,
    OffsetFetchRequest, create_partitions_request,
};
use mainstem_protocol::records::decode_versioned;
use mainstem_protocol::{ErrorCode, Str};

use crate::cluster::{Use, retry};
use crate::connection::Connection;
use crate::{ClientError, Cluster};

/// Kind of a topic in configuration requests.
const TOPIC: i8 = 2;

/// A topic to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// Partitions; the cluster's default when `None`.
    pub partitions: Option<i32>,
    /// Replicas; the cluster's default when `None`.
    pub replication_factor: Option<i16>,
    /// Configuration.
    pub configs: Vec<(String, String)>,
}

/// A change of one configuration value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigChange {
    /// Set.
    Set(String, String),
    /// Back to the default.
    Delete(String),
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionDetail {
    /// Its number.
    pub index: i32,
    /// Who leads.
    pub leader: i32,
    /// Who holds it.
    pub replicas: Vec<i32>,
    /// Who is in sync.
    pub isr: Vec<i32>,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDetail {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// True for the cluster's own.
    pub is_internal: bool,
    /// Its partitions.
    pub partitions: Vec<PartitionDetail>,
}

/// Which offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The first that is kept.
    Earliest,
    /// Behind the last.
    Latest,
    /// The first at a time or later.
    Time(i64),
}

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

fn check(what: &str, code: i16, message: Option<&Str>) -> Result<(), ClientError> {
    match ErrorCode::from_code(code) {
        ErrorCode::None => Ok(()),
        code => Err(ClientError::refused(what, code, message.map(Str::as_str))),
    }
}

impl Cluster {
    /// Makes a topic.
    pub async fn create_topic(
        &self,
        topic: &NewTopic,
        validate_only: bool,
    ) -> Result<(), ClientError> {
        let configs = topic
            .configs
            .iter()
            .map(|(name, value)| CreatableTopicConfig {
                name: Str::from(name),
                value: Some(Str::from(value)),
            });
        let wanted = CreatableTopic {
            name: Str::from(&topic.name),
            num_partitions: topic.partitions.unwrap_or(-1),
            replication_factor: topic.replication_factor.unwrap_or(-1),
            configs: configs.collect(),
            ..CreatableTopic::default()
        };
        let request = |_| CreateTopicsRequest {
            topics: vec![wanted],
            timeout_ms: 30_000,
            validate_only,
        };
        let response = self.controller().await?.ask(request).await?;
        let what = format!("topic {}", topic.name);
        response.topics.first().map_or(Ok(()), |result| {
            check(&what, result.error_code, result.error_message.as_ref())
        })
    }

    /// Deletes a topic.
    pub async fn delete_topic(&self, name: &str) -> Result<(), ClientError> {
        let request = |_| DeleteTopicsRequest {
            topic_names: vec![Str::from(name)],
            timeout_ms: 30_000,
            ..DeleteTopicsRequest::default()
        };
        let response = self.controller().await?.ask(request).await?;
        self.forget(name);
        let what = format!("topic {name}");
        response.responses.first().map_or(Ok(()), |result| {
            check(&what, result.error_code, result.error_message.as_ref())
        })
    }

    /// Gives a topic more partitions.
    pub async fn add_partitions(&self, name: &str, count: i32) -> Result<(), ClientError> {
        let request = |_| CreatePartitionsRequest {
            topics: vec![create_partitions_request::CreatePartitionsTopic {
                name: Str::from(name),
                count,
                assignments: None,
            }],
            timeout_ms: 30_000,
            validate_only: false,
        };
        let response = self.controller().await?.ask(request).await?;
        self.forget(name);
        let what = format!("topic {name}");
        response.results.first().map_or(Ok(()), |result| {
            check(&what, result.error_code, result.error_message.as_ref())
        })
    }

    /// Every topic.
    pub async fn topics(&self) -> Result<Vec<TopicDetail>, ClientError> {
        let response = self.refresh(None).await?;
        let topics = response
            .topics
            .into_iter()
            .filter(|topic| topic.error_code == 0)
            .map(|topic| TopicDetail {
                name: topic.name.map(String::from).unwrap_or_default(),
                id: topic.topic_id.to_string(),
                is_internal: topic.is_internal,
                partitions: topic
                    .partitions
                    .into_iter()
                    .map(|partition| PartitionDetail {
                        index: partition.partition_index,
                        leader: partition.leader_id,
                        replicas: partition.replica_nodes,
                        isr: partition.isr_nodes,
                    })
                    .collect(),
            });
        Ok(topics.collect())
    }

    /// A topic's configuration: name, value, and whether it is the default.
    pub async fn topic_config(
        &self,
        name: &str,
    ) -> Result<Vec<(String, String, bool)>, ClientError> {
        let request = |_| DescribeConfigsRequest {
            resources: vec![DescribeConfigsResource {
                resource_type: TOPIC,
                resource_name: Str::from(name),
                configuration_keys: None,
            }],
            ..DescribeConfigsRequest::default()
        };
        let response = self.ask_any(request).await?;
        let Some(result) = response.results.into_iter().next() else {
            return Ok(Vec::new());
        };
        check(
            &format!("topic {name}"),
            result.error_code,
            result.error_message.as_ref(),
        )?;
        let values = result.configs.into_iter().map(|config| {
            let is_default = config.config_source == 5 || config.config_source == 4;
            (
                config.name.to_string(),
                config.value.map(String::from).unwrap_or_default(),
                is_default,
            )
        });
        Ok(values.collect())
    }

    /// Changes a topic's configuration.
    pub async fn alter_topic(
        &self,
        name: &str,
        changes: &[ConfigChange],
    ) -> Result<(), ClientError> {
        let configs = changes.iter().map(|change| match change {
            ConfigChange::Set(name, value) => AlterableConfig {
                name: Str::from(name),
                config_operation: 0,
                value: Some(Str::from(value)),
            },
            ConfigChange::Delete(name) => AlterableConfig {
                name: Str::from(name),
                config_operation: 1,
                value: None,
            },
        });
        let resource = AlterConfigsResource {
            resource_type: TOPIC,
            resource_name: Str::from(name),
            configs: configs.collect(),
        };
        let request = |_| IncrementalAlterConfigsRequest {
            resources: vec![resource],
            validate_only: false,
        };
        let response = self.controller().await?.ask(request).await?;
        let what = format!("topic {name}");
        response.responses.first().map_or(Ok(()), |result| {
            check(&what, result.error_code, result.error_message.as_ref())
        })
    }

    /// An offset of a partition with its timestamp (-1 when not asked by time); `None` when nothing is as late as that.
    pub async fn offset(
        &self,
        topic: &str,
        partition: i32,
        spec: OffsetSpec,
    ) -> Result<Option<(i64, i64)>, ClientError> {
        let attempt = || async {
            let connection = self.leader_connection(topic, partition).await?;
            let place = (Str::from(topic), partition);
            let mut found = self.list_offsets(&connection, &[place], spec).await?;
            let found = found.pop().ok_or_else(|| {
                let what = format!("{topic}-{partition}");
                ClientError::refused(what, ErrorCode::UnknownServerError, None)
            })?;
            Ok((found.1 >= 0).then_some((found.1, found.2)))
        };
        retry(self.deadline(), attempt).await
    }

    /// Offsets of many partitions, with one request to each leader; those where nothing is as late as asked are left out.
    pub async fn offsets(
        &self,
        places: &[(Str, i32)],
        spec: OffsetSpec,
    ) -> Result<BTreeMap<(Str, i32), i64>, ClientError> {
        let attempt = || async {
            let mut by_leader: BTreeMap<i32, Vec<(Str, i32)>> = BTreeMap::new();
            for (topic, partition) in places {
                let leader = self.leader(topic, *partition).await?;
                let of_leader = by_leader.entry(leader).or_default();
                of_leader.push((topic.clone(), *partition));
            }
            let mut offsets = BTreeMap::new();
            for (leader, mut wanted) in by_leader {
                wanted.sort();
                let connection = self.broker(leader, Use::Plain).await.inspect_err(|_| {
                    wanted.iter().for_each(|(topic, _)| self.forget(topic));
                })?;
                let found = self.list_offsets(&connection, &wanted, spec).await?;
                let found = found.into_iter().filter(|(_, offset, _)| *offset >= 0);
                offsets.extend(found.map(|(place, offset, _)| (place, offset)));
            }
            Ok(offsets)
        };
        retry(self.deadline(), attempt).await
    }

    /// One ListOffsets request; `places` stand in the order of their topics. Offset -1 where there is none.
    async fn list_offsets(
        &self,
        connection: &Connection,
        places: &[(Str, i32)],
        spec: OffsetSpec,
    ) -> Result<Vec<((Str, i32), i64, i64)>, ClientError> {
        let timestamp = match spec {
            OffsetSpec::Earliest => -2,
            OffsetSpec::Latest => -1,
            OffsetSpec::Time(timestamp) => timestamp,
        };
        let mut topics: Vec<ListOffsetsTopic> = Vec::new();
        for (topic, partition_index) in places {
            if topics.last().is_none_or(|last| last.name != *topic) {
                topics.push(ListOffsetsTopic {
                    name: topic.clone(),
                    ..ListOffsetsTopic::default()
                });
            }
            if let Some(last) = topics.last_mut() {
                last.partitions.push(ListOffsetsPartition {
                    partition_index: *partition_index,
                    timestamp,
                    ..ListOffsetsPartition::default()
                });
            }
        }
        let request = |_| ListOffsetsRequest {
            replica_id: -1,
            topics,
            ..ListOffsetsRequest::default()
        };
        let forget = |_: &ClientError| places.iter().for_each(|(topic, _)| self.forget(topic));
        let response = connection.ask(request).await.inspect_err(forget)?;
        let mut offsets = Vec::with_capacity(places.len());
        for topic in response.topics {
            let name = topic.name.detached();
            for found in topic.partitions {
                let what = format!("{name}-{}", found.partition_index);
                check(&what, found.error_code, None).inspect_err(forget)?;
                let place = (name.clone(), found.partition_index);
                offsets.push((place, found.offset, found.timestamp));
            }
        }
        Ok(offsets)
    }

    /// Every group.
    pub async fn groups(&self) -> Result<Vec<GroupListing>, ClientError> {
        let response = self.ask_any(|_| ListGroupsRequest::default()).await?;
        check("groups", response.error_code, None)?;
        let groups = response.groups.into_iter().map(|group| GroupListing {
            group: group.group_id.to_string(),
            protocol_type: group.protocol_type.to_string(),
            state: group.group_state.to_string(),
            kind: group.group_type.to_string(),
        });
        Ok(groups.collect())
    }

    /// A group; `None` when there is none of that name.
    pub async fn describe_group(&self, group: &str) -> Result<Option<GroupDetail>, ClientError> {
        let connection = self.coordinator(group).await?;
        let request = |_| DescribeGroupsRequest {
            groups: vec![Str::from(group)],
            ..DescribeGroupsRequest::default()
        };
        let response = connection.ask(request).await?;
        let Some(found) = response.groups.into_iter().next() else {
            return Ok(None);
        };
        if ErrorCode::from_code(found.error_code) == ErrorCode::GroupIdNotFound
            || found.group_state == "Dead"
        {
            return Ok(None);
        }
        check(
            &format!("group {group}"),
            found.error_code,
            found.error_message.as_ref(),
        )?;
        let members = found.members.into_iter().map(|member| {
            let assignment =
                decode_versioned::<ConsumerProtocolAssignment>(member.member_assignment);
            let topics = assignment
                .map(|assignment| assignment.assigned_partitions)
                .unwrap_or_default();
            let partitions = topics.into_iter().flat_map(|topic| {
                let name = topic.topic.to_string();
                topic
                    .partitions
                    .into_iter()
                    .map(move |partition| (name.clone(), partition))
            });
            Member {
                id: member.member_id.to_string(),
                client_id: member.client_id.to_string(),
                host: member.client_host.trim_start_matches('/').to_owned(),
                partitions: partitions.collect(),
            }
        });
        Ok(Some(GroupDetail {
            group: group.to_owned(),
            state: found.group_state.to_string(),
            members: members.collect(),
            coordinator: connection.address.clone(),
        }))
    }

    /// What a group has committed.
    pub async fn committed(&self, group: &str) -> Result<BTreeMap<(Str, i32), i64>, ClientError> {
        let attempt = || async {
            let connection = self.coordinator(group).await?;
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
        let request = |_| OffsetCommitRequest {
            group_id: Str::from(group),
            topics,
            ..OffsetCommitRequest::default()
        };
        let response = self.coordinator(group).await?.ask(request).await?;
        for partition in response.topics.iter().flat_map(|topic| &topic.partitions) {
            check(&format!("group {group}"), partition.error_code, None)?;
        }
        Ok(())
    }

    /// Deletes a group and its offsets.
    pub async fn delete_group(&self, group: &str) -> Result<(), ClientError> {
        let request = |_| DeleteGroupsRequest {
            groups_names: vec![Str::from(group)],
        };
        let response = self.coordinator(group).await?.ask(request).await?;
        response.results.first().map_or(Ok(()), |result| {
            check(&format!("group {group}"), result.error_code, None)
        })
    }
}
