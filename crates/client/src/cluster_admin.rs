//! Administration beyond topics: configuration with its sources, and the cluster itself.
//!
//! What a broker refuses comes back with its own words. A broker's own configuration is asked of that broker.

use mainstem_protocol::Str;
use mainstem_protocol::messages::describe_configs_request::DescribeConfigsResource;
use mainstem_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use mainstem_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use mainstem_protocol::messages::{
    ApiVersionsRequest, DescribeClusterRequest, DescribeConfigsRequest,
    IncrementalAlterConfigsRequest,
};

use crate::admin::{ConfigChange, check};
use crate::cluster::Use;
use crate::{ClientError, Cluster};

/// Where a value comes from, as the wire says it: the default that is built in.
const SOURCE_DEFAULT: i8 = 5;

/// Whose configuration is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigTarget {
    /// A topic's.
    Topic(String),
    /// One broker's.
    Broker(i32),
    /// What every broker takes that says nothing else.
    AllBrokers,
}

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Name of the property.
    pub name: String,
    /// Its value; `None` when it has none or is secret.
    pub value: Option<String>,
    /// The default that is built in, when the broker names it.
    pub default: Option<String>,
    /// Where the value comes from, in a word or two.
    pub source: &'static str,
    /// True when nobody has set it.
    pub is_default: bool,
    /// True when it cannot be changed while the node runs.
    pub read_only: bool,
    /// True when the value is not shown.
    pub is_sensitive: bool,
}

/// A node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeDetail {
    /// Its id.
    pub id: i32,
    /// Where clients connect.
    pub address: String,
    /// Its rack.
    pub rack: Option<String>,
}

/// A feature: the level the cluster stands at, and the levels that the node asked can serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureDetail {
    /// Its name.
    pub name: String,
    /// Where the cluster stands; 0 is off.
    pub level: i16,
    /// Lowest level that can be served.
    pub min: i16,
    /// Highest level that can be served.
    pub max: i16,
}

/// A cluster, as one of its nodes describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterDetail {
    /// Its id.
    pub id: String,
    /// Who decides.
    pub controller: i32,
    /// Its nodes.
    pub nodes: Vec<NodeDetail>,
    /// Its features.
    pub features: Vec<FeatureDetail>,
    /// How many APIs the node asked serves.
    pub apis: usize,
}

impl ConfigTarget {
    fn wire(&self) -> (i8, Str) {
        match self {
            Self::Topic(name) => (2, Str::from(name)),
            Self::Broker(id) => (4, Str::from(&id.to_string())),
            Self::AllBrokers => (4, Str::default()),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Topic(name) => format!("topic {name}"),
            Self::Broker(id) => format!("broker {id}"),
            Self::AllBrokers => "all brokers".to_owned(),
        }
    }
}

fn source(code: i8) -> &'static str {
    match code {
        1 => "topic",
        2 => "broker",
        3 => "all brokers",
        4 => "start of the node",
        SOURCE_DEFAULT => "default",
        _ => "other",
    }
}

fn entry(config: DescribeConfigsResourceResult) -> ConfigEntry {
    let built_in = config
        .synonyms
        .iter()
        .find(|synonym| synonym.source == SOURCE_DEFAULT);
    let default = built_in.and_then(|synonym| synonym.value.clone());
    ConfigEntry {
        name: config.name.to_string(),
        default: default.map(String::from),
        value: config.value.map(String::from),
        source: source(config.config_source),
        is_default: config.config_source == SOURCE_DEFAULT,
        read_only: config.read_only,
        is_sensitive: config.is_sensitive,
    }
}

impl Cluster {
    /// A configuration: every value, or the one that is named.
    pub async fn configs(
        &self,
        target: &ConfigTarget,
        name: Option<&str>,
    ) -> Result<Vec<ConfigEntry>, ClientError> {
        let (resource_type, resource_name) = target.wire();
        let request = |_| DescribeConfigsRequest {
            resources: vec![DescribeConfigsResource {
                resource_type,
                resource_name,
                configuration_keys: name.map(|name| vec![Str::from(name)]),
            }],
            include_synonyms: true,
            ..DescribeConfigsRequest::default()
        };
        let response = match target {
            ConfigTarget::Broker(id) => self.broker(*id, Use::Plain).await?.ask(request).await?,
            _ => self.ask_any(request).await?,
        };
        let Some(result) = response.results.into_iter().next() else {
            return Ok(Vec::new());
        };
        let message = result.error_message.as_ref();
        check(&target.words(), result.error_code, message)?;
        Ok(result.configs.into_iter().map(entry).collect())
    }

    /// Changes a configuration.
    pub async fn alter_configs(
        &self,
        target: &ConfigTarget,
        changes: &[ConfigChange],
        validate_only: bool,
    ) -> Result<(), ClientError> {
        let (resource_type, resource_name) = target.wire();
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
            resource_type,
            resource_name,
            configs: configs.collect(),
        };
        let request = |_| IncrementalAlterConfigsRequest {
            resources: vec![resource],
            validate_only,
        };
        let response = match target {
            ConfigTarget::Broker(id) => self.broker(*id, Use::Plain).await?.ask(request).await?,
            _ => self.controller().await?.ask(request).await?,
        };
        response.responses.first().map_or(Ok(()), |result| {
            let message = result.error_message.as_ref();
            check(&target.words(), result.error_code, message)
        })
    }

    /// Describes the cluster.
    pub async fn describe(&self) -> Result<ClusterDetail, ClientError> {
        let request = |_| DescribeClusterRequest {
            endpoint_type: 1,
            ..DescribeClusterRequest::default()
        };
        let cluster = self.ask_any(request).await?;
        let message = cluster.error_message.as_ref();
        check("the cluster", cluster.error_code, message)?;
        let request = |_| ApiVersionsRequest {
            client_software_name: Str::from_static("mainstem"),
            client_software_version: Str::from_static(env!("CARGO_PKG_VERSION")),
            ..ApiVersionsRequest::default()
        };
        let versions = self.ask_any(request).await?;
        check("the versions", versions.error_code, None)?;
        let nodes = cluster.brokers.into_iter().map(|node| NodeDetail {
            id: node.broker_id,
            address: format!("{}:{}", node.host, node.port),
            rack: node.rack.map(String::from),
        });
        let level = |name: &str| {
            let finalized = versions.finalized_features.iter();
            let mut finalized = finalized.filter(|feature| feature.name.as_str() == name);
            finalized
                .next()
                .map_or(0, |feature| feature.max_version_level)
        };
        let features = versions.supported_features.iter();
        let features = features.map(|feature| FeatureDetail {
            name: feature.name.to_string(),
            level: level(feature.name.as_str()),
            min: feature.min_version,
            max: feature.max_version,
        });
        Ok(ClusterDetail {
            id: cluster.cluster_id.to_string(),
            controller: cluster.controller_id,
            nodes: nodes.collect(),
            features: features.collect(),
            apis: versions.api_keys.len(),
        })
    }
}
