//! Administration of topics: create, list, describe, alter, delete.
//!
//! Must not know of groups and offsets. Changes go to the controller; what a broker refuses comes back with its own words.

use mainstem_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use mainstem_protocol::messages::describe_configs_request::DescribeConfigsResource;
use mainstem_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest, DescribeConfigsRequest,
    create_partitions_request,
};
use mainstem_protocol::{ErrorCode, Str};

use crate::{ClientError, Cluster, ConfigTarget};

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

pub(crate) fn check(what: &str, code: i16, message: Option<&Str>) -> Result<(), ClientError> {
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
        let target = ConfigTarget::Topic(name.to_owned());
        self.alter_configs(&target, changes, false).await
    }
}
