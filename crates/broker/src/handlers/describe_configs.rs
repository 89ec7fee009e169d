//! DescribeConfigs (key 32): the values of topics and of this broker, and where each comes from.

use std::collections::BTreeMap;

use mainstem_metadata::config::{BROKER_CONFIGS, BrokerConfig, TOPIC_CONFIGS, TopicConfig};
use mainstem_metadata::{ConfigResource, MetadataImage};
use mainstem_protocol::messages::describe_configs_request::DescribeConfigsResource;
use mainstem_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use mainstem_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use mainstem_protocol::{ErrorCode, Str};

use crate::config::{Properties, ValueSource, topic_value};
use crate::context::{RequestContext, Staged};

/// Where a broker's value comes from, as the wire numbers it.
const DYNAMIC_BROKER: i8 = 2;
const STATIC_BROKER: i8 = 4;
const DEFAULT: i8 = 5;

type Values = BTreeMap<Str, Str>;

pub(crate) async fn handle(
    cx: RequestContext,
    request: DescribeConfigsRequest,
) -> Staged<DescribeConfigsResponse> {
    let image = cx.node.metadata.load();
    let results = request.resources.iter().map(|asked| {
        let described = match asked.resource_type {
            ConfigResource::TOPIC => topic(&cx, &image, asked, request.include_synonyms),
            ConfigResource::BROKER => broker(&cx, &image, asked, request.include_synonyms),
            other => Err((
                ErrorCode::InvalidRequest,
                format!("Configs of resource type {other} are not served yet."),
            )),
        };
        let (code, message, configs) = match described {
            Ok(configs) => (ErrorCode::None, None, configs),
            Err((code, message)) => (code, Some(Str::from(message)), Vec::new()),
        };
        DescribeConfigsResult {
            error_code: code.code(),
            error_message: message,
            resource_type: asked.resource_type,
            resource_name: asked.resource_name.clone(),
            configs,
        }
    });
    Staged::Ready(DescribeConfigsResponse {
        results: results.collect(),
        ..DescribeConfigsResponse::default()
    })
}

type Described = Result<Vec<DescribeConfigsResourceResult>, (ErrorCode, String)>;

fn is_wanted(asked: &DescribeConfigsResource, name: &str) -> bool {
    asked
        .configuration_keys
        .as_ref()
        .is_none_or(|keys| keys.iter().any(|key| *key == *name))
}

fn topic(
    cx: &RequestContext,
    image: &MetadataImage,
    asked: &DescribeConfigsResource,
    synonyms: bool,
) -> Described {
    let Some(topic) = image.topic(&asked.resource_name) else {
        let what = "This server does not host this topic-partition.".to_owned();
        return Err((ErrorCode::UnknownTopicOrPartition, what));
    };
    let own = image
        .config(&ConfigResource::topic(&topic.name))
        .map(|own| &**own);
    let properties = &cx.node.config.properties;
    let rows = TOPIC_CONFIGS
        .iter()
        .filter(|row| is_wanted(asked, row.name));
    Ok(rows
        .map(|row| topic_result(properties, own, row, synonyms))
        .collect())
}

fn topic_result(
    properties: &Properties,
    own: Option<&Values>,
    row: &TopicConfig,
    synonyms: bool,
) -> DescribeConfigsResourceResult {
    let (value, source) = topic_value(properties, own, row.name);
    let mut listed = Vec::new();
    if synonyms {
        let synonym = |name: &str, value: &str, source: ValueSource| DescribeConfigsSynonym {
            name: Str::from(name),
            value: Some(Str::from(value)),
            source: source as i8,
        };
        if source == ValueSource::Topic {
            listed.push(synonym(row.name, &value, source));
        }
        for name in row.synonyms {
            if let Some(value) = properties.given(name) {
                listed.push(synonym(name, value, ValueSource::StaticBroker));
            }
        }
        if let Some(name) = row.synonyms.last() {
            let default =
                mainstem_metadata::config::broker_config(name).and_then(|row| row.default);
            listed.push(synonym(
                name,
                default.unwrap_or(row.default),
                ValueSource::Default,
            ));
        }
    }
    DescribeConfigsResourceResult {
        name: Str::from_static(row.name),
        value: Some(Str::from(value)),
        read_only: false,
        config_source: source as i8,
        is_sensitive: false,
        synonyms: listed,
        config_type: row.value_type.code(),
        documentation: None,
    }
}

fn broker(
    cx: &RequestContext,
    image: &MetadataImage,
    asked: &DescribeConfigsResource,
    synonyms: bool,
) -> Described {
    let name = &asked.resource_name;
    let dynamic = image.config(&ConfigResource {
        resource_type: ConfigResource::BROKER,
        name: name.clone(),
    });
    if name.is_empty() {
        // The defaults for all brokers: only what was set for them.
        let values = dynamic
            .map(|values| Values::clone(values))
            .unwrap_or_default();
        let results = values
            .into_iter()
            .filter(|(name, _)| is_wanted(asked, name))
            .map(|(name, value)| DescribeConfigsResourceResult {
                name,
                value: Some(value),
                config_source: 3,
                ..DescribeConfigsResourceResult::default()
            });
        return Ok(results.collect());
    }
    if name.parse() != Ok(cx.node.node_id) {
        let what = format!(
            "Unexpected broker id, expected {} or empty string, but received {name}",
            cx.node.node_id
        );
        return Err((ErrorCode::InvalidRequest, what));
    }
    let properties = &cx.node.config.properties;
    let rows = BROKER_CONFIGS
        .iter()
        .filter(|row| is_wanted(asked, row.name));
    let set = |row: &BrokerConfig| {
        dynamic
            .and_then(|values| values.get(row.name))
            .map(Str::as_str)
    };
    Ok(rows
        .map(|row| broker_result(row, set(row), properties.given(row.name), synonyms))
        .collect())
}

/// A broker's value: what was set while it runs, else what its file says, else the default. Secrets are not shown.
fn broker_result(
    row: &BrokerConfig,
    set: Option<&str>,
    given: Option<&str>,
    synonyms: bool,
) -> DescribeConfigsResourceResult {
    let (value, source) = match (set, given) {
        (Some(value), _) => (Some(value), DYNAMIC_BROKER),
        (None, Some(value)) => (Some(value), STATIC_BROKER),
        (None, None) => (row.default, DEFAULT),
    };
    let shown = |value: Option<&str>| value.filter(|_| !row.secret).map(Str::from);
    let mut listed = Vec::new();
    if synonyms {
        let each = [
            (set, DYNAMIC_BROKER),
            (given, STATIC_BROKER),
            (row.default, DEFAULT),
        ];
        listed.extend(each.into_iter().filter(|(value, _)| value.is_some()).map(
            |(value, source)| DescribeConfigsSynonym {
                name: Str::from_static(row.name),
                value: shown(value),
                source,
            },
        ));
    }
    DescribeConfigsResourceResult {
        name: Str::from_static(row.name),
        value: shown(value),
        read_only: !row.dynamic,
        config_source: source,
        is_sensitive: row.secret,
        synonyms: listed,
        config_type: row.value_type.code(),
        documentation: None,
    }
}
