//! DescribeConfigs (key 32): the values of topics and of this broker, and where each comes from.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use mainstem_metadata::config::{
    BROKER_CONFIGS, BrokerConfig, TOPIC_CONFIGS, TopicConfig, broker_config, broker_doc, topic_doc,
};
use mainstem_metadata::control::check_topic_name;
use mainstem_metadata::{ConfigResource, MetadataImage};
use mainstem_protocol::messages::describe_configs_request::DescribeConfigsResource;
use mainstem_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use mainstem_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use mainstem_protocol::{ErrorCode, Str};

use crate::config::{Properties, dynamic_configs, topic_value};
use crate::context::{RequestContext, Staged};

/// Where a value comes from, as the wire numbers it.
const TOPIC: i8 = 1;
const DYNAMIC_BROKER: i8 = 2;
const DYNAMIC_CLUSTER: i8 = 3;
const STATIC_BROKER: i8 = 4;
const DEFAULT: i8 = 5;
/// The type of a value that nobody knows.
const UNKNOWN_TYPE: i8 = 0;

const MALFORMED: &str = "This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details.";

type Values = BTreeMap<Str, Str>;
type Described = Result<Vec<DescribeConfigsResourceResult>, (ErrorCode, String)>;

pub(crate) async fn handle(
    cx: RequestContext,
    request: DescribeConfigsRequest,
) -> Staged<DescribeConfigsResponse> {
    Staged::pending(async move {
        let image = cx.node.metadata.load_full();
        let sources = Sources::new(&cx, &image);
        let mut response = DescribeConfigsResponse::default();
        // Apache Kafka refuses the whole request for a kind of resource that nobody knows.
        let unknown = |asked: &DescribeConfigsResource| !KINDS.contains(&asked.resource_type);
        let is_refused = request.resources.iter().any(unknown);
        for asked in &request.resources {
            // One that is named again is described again, as Apache Kafka does.
            let result = match is_refused {
                true => malformed(asked),
                false => describe(&sources, asked, &request),
            };
            if !cx.answer.take(result_bytes(&result)).await {
                break;
            }
            response.results.push(result);
        }
        response
    })
}

/// Kinds of resources that have configurations.
const KINDS: [i8; 5] = [
    ConfigResource::TOPIC,
    ConfigResource::BROKER,
    ConfigResource::BROKER_LOGGER,
    ConfigResource::GROUP,
    ConfigResource::CLIENT_METRICS,
];

fn malformed(asked: &DescribeConfigsResource) -> DescribeConfigsResult {
    DescribeConfigsResult {
        error_code: ErrorCode::InvalidRequest.code(),
        error_message: Some(Str::from_static(MALFORMED)),
        resource_type: asked.resource_type,
        resource_name: asked.resource_name.clone(),
        ..DescribeConfigsResult::default()
    }
}

fn describe(
    sources: &Sources<'_>,
    asked: &DescribeConfigsResource,
    request: &DescribeConfigsRequest,
) -> DescribeConfigsResult {
    let asked = &Asked::new(asked);
    let described = match asked.resource.resource_type {
        ConfigResource::TOPIC => topic(sources, asked, request.include_synonyms),
        ConfigResource::BROKER => broker(sources, asked, request.include_synonyms),
        ConfigResource::BROKER_LOGGER => logger(sources, asked),
        ConfigResource::GROUP => group(asked),
        ConfigResource::CLIENT_METRICS => {
            let what = "Configs of client metrics are not served yet.".to_owned();
            Err((ErrorCode::InvalidRequest, what))
        }
        _ => return malformed(asked.resource),
    };
    let (code, message, mut configs) = match described {
        Ok(configs) => (ErrorCode::None, String::new(), configs),
        Err((code, message)) => (code, message, Vec::new()),
    };
    if request.include_documentation {
        document(asked.resource.resource_type, &mut configs);
    }
    DescribeConfigsResult {
        error_code: code.code(),
        error_message: Some(Str::from(message)),
        resource_type: asked.resource.resource_type,
        resource_name: asked.resource.resource_name.clone(),
        configs,
    }
}

/// What a result takes, as values and as bytes.
fn result_bytes(result: &DescribeConfigsResult) -> usize {
    let text = |text: &Option<Str>| text.as_ref().map_or(0, |text| 2 * text.len());
    let configs = result.configs.iter().map(|config| {
        let synonyms = config.synonyms.iter().map(|synonym| {
            size_of::<DescribeConfigsSynonym>() + 2 * synonym.name.len() + text(&synonym.value)
        });
        size_of::<DescribeConfigsResourceResult>()
            + config.name.len()
            + text(&config.value)
            + config.documentation.as_ref().map_or(0, |text| text.len())
            + synonyms.sum::<usize>()
    });
    size_of::<DescribeConfigsResult>()
        + 2 * result.resource_name.len()
        + text(&result.error_message)
        + configs.sum::<usize>()
}

/// A resource, and which of its properties are asked for.
struct Asked<'a> {
    resource: &'a DescribeConfigsResource,
    /// All of them when none is named.
    keys: HashSet<&'a str>,
}

impl<'a> Asked<'a> {
    fn new(resource: &'a DescribeConfigsResource) -> Self {
        let keys = resource.configuration_keys.iter().flatten();
        Self {
            resource,
            keys: keys.map(|key| key.as_str()).collect(),
        }
    }

    fn wants(&self, name: &str) -> bool {
        self.keys.is_empty() || self.keys.contains(name)
    }
}

/// Everything that gives values.
struct Sources<'a> {
    image: &'a MetadataImage,
    node_id: i32,
    /// Set for this broker while it runs.
    broker: Option<&'a Values>,
    /// Set for all brokers while they run.
    cluster: Option<&'a Values>,
    /// Given at the start.
    properties: &'a Properties,
    /// All of it in effect.
    effective: Properties,
}

impl<'a> Sources<'a> {
    fn new(cx: &'a RequestContext, image: &'a MetadataImage) -> Self {
        let [broker, cluster] = dynamic_configs(image, cx.node.node_id);
        Self {
            image,
            node_id: cx.node.node_id,
            broker: broker.map(|values| &**values),
            cluster: cluster.map(|values| &**values),
            properties: &cx.node.config.properties,
            effective: cx.node.effective(image),
        }
    }

    /// Every value that a broker property has, the one that counts first. Those of properties that stand in for it come behind: for
    /// `log.retention.ms` that of `log.retention.hours`.
    fn synonyms(&self, name: &str) -> Vec<DescribeConfigsSynonym> {
        let family = family(name);
        let names = || {
            family
                .iter()
                .copied()
                .chain(family.is_empty().then_some(name))
        };
        let set = |values: Option<&'a Values>, name: &str| {
            values.and_then(|values| values.get(name)).cloned()
        };
        let mut listed = Vec::new();
        let mut list = |name: &str, value: Option<Str>, source: i8| {
            let secret = broker_config(name).is_some_and(|row| row.secret);
            if let Some(value) = value {
                listed.push(DescribeConfigsSynonym {
                    name: Str::from(name),
                    value: (!secret).then_some(value),
                    source,
                });
            }
        };
        for name in names() {
            list(name, set(self.broker, name), DYNAMIC_BROKER);
        }
        for name in names() {
            list(name, set(self.cluster, name), DYNAMIC_CLUSTER);
        }
        for name in names() {
            list(
                name,
                self.properties.given(name).map(Str::from),
                STATIC_BROKER,
            );
        }
        for name in names() {
            let default = broker_config(name).and_then(|row| row.default);
            list(name, default.map(Str::from), DEFAULT);
        }
        let first = listed.iter().position(|synonym| synonym.name == *name);
        listed.split_off(first.unwrap_or(listed.len()))
    }
}

/// The broker properties that say the same in other units, the one that counts first.
fn family(name: &str) -> &'static [&'static str] {
    let families = TOPIC_CONFIGS.iter().map(|row| row.synonyms);
    let mut families = families.filter(|family| family.len() > 1 && family.contains(&name));
    match families.next() {
        // Asked for by itself, the scheduler's interval stands for nothing else.
        Some(family) if name != "log.flush.scheduler.interval.ms" => family,
        _ => &[],
    }
}

/// Nothing can be set for a group yet, and so nothing is.
fn group(asked: &Asked<'_>) -> Described {
    if asked.resource.resource_name.is_empty() {
        let what = "Group name must not be empty".to_owned();
        return Err((ErrorCode::InvalidRequest, what));
    }
    Ok(Vec::new())
}

fn topic(sources: &Sources<'_>, asked: &Asked<'_>, synonyms: bool) -> Described {
    let name = &asked.resource.resource_name;
    check_topic_name(name).map_err(|what| (ErrorCode::InvalidTopicException, what))?;
    let Some(topic) = sources.image.topic(name) else {
        return Err((ErrorCode::UnknownTopicOrPartition, String::new()));
    };
    let own = sources.image.config(&ConfigResource::topic(&topic.name));
    let own = own.map(|own| &**own);
    let rows = TOPIC_CONFIGS.iter().filter(|row| asked.wants(row.name));
    Ok(rows
        .map(|row| topic_result(sources, own, row, synonyms))
        .collect())
}

fn topic_result(
    sources: &Sources<'_>,
    own: Option<&Values>,
    row: &TopicConfig,
    synonyms: bool,
) -> DescribeConfigsResourceResult {
    let (value, _) = topic_value(&sources.effective, own, row.name);
    let mut listed = Vec::new();
    if let Some(value) = own.and_then(|own| own.get(row.name)) {
        listed.push(DescribeConfigsSynonym {
            name: Str::from_static(row.name),
            value: Some(value.clone()),
            source: TOPIC,
        });
    }
    if let Some(name) = row.synonyms.first() {
        listed.extend(sources.synonyms(name));
    }
    DescribeConfigsResourceResult {
        name: Str::from_static(row.name),
        value: Some(Str::from(value)),
        read_only: false,
        config_source: listed.first().map_or(DEFAULT, |synonym| synonym.source),
        is_sensitive: false,
        synonyms: if synonyms { listed } else { Vec::new() },
        config_type: row.value_type.code(),
        documentation: None,
    }
}

fn broker(sources: &Sources<'_>, asked: &Asked<'_>, synonyms: bool) -> Described {
    let name = asked.resource.resource_name.as_str();
    let invalid = |what: String| Err((ErrorCode::InvalidRequest, what));
    let of_cluster = name.is_empty();
    match name.parse::<i32>() {
        _ if of_cluster => {}
        Ok(id) if id == sources.node_id => {}
        Ok(_) => {
            return invalid(format!(
                "Unexpected broker id, expected {} or empty string, but received {name}",
                sources.node_id
            ));
        }
        Err(_) => {
            return invalid(format!("Broker id must be an integer, but it is: {name}"));
        }
    }
    let is_set = |row: &BrokerConfig| {
        sources
            .cluster
            .is_some_and(|values| values.contains_key(row.name))
    };
    let rows = BROKER_CONFIGS
        .iter()
        .filter(|row| asked.wants(row.name))
        .filter(|row| !of_cluster || is_set(row));
    let mut results: Vec<_> = rows
        .map(|row| {
            let mut listed = sources.synonyms(row.name);
            if of_cluster {
                listed.retain(|synonym| synonym.source == DYNAMIC_CLUSTER);
            }
            broker_result(row, listed, synonyms)
        })
        .collect();
    let of_broker = sources.broker.filter(|_| !of_cluster);
    results.extend(unknown(asked, [of_broker, sources.cluster], synonyms));
    Ok(results)
}

/// What was set while the node runs and nobody knows, the one that counts first: it may be a secret, so its value is not shown.
fn unknown(
    asked: &Asked<'_>,
    values: [Option<&Values>; 2],
    synonyms: bool,
) -> Vec<DescribeConfigsResourceResult> {
    let [of_broker, of_cluster] = values;
    let names: BTreeSet<&Str> = values
        .into_iter()
        .flatten()
        .flat_map(BTreeMap::keys)
        .collect();
    let names = names
        .into_iter()
        .filter(|name| broker_config(name).is_none() && asked.wants(name));
    names
        .map(|name| {
            let listed: Vec<_> = [(of_broker, DYNAMIC_BROKER), (of_cluster, DYNAMIC_CLUSTER)]
                .into_iter()
                .filter(|(values, _)| values.is_some_and(|values| values.contains_key(name)))
                .map(|(_, source)| DescribeConfigsSynonym {
                    name: name.detached(),
                    value: None,
                    source,
                })
                .collect();
            DescribeConfigsResourceResult {
                name: name.detached(),
                value: None,
                read_only: true,
                config_source: listed.first().map_or(DEFAULT, |synonym| synonym.source),
                is_sensitive: true,
                synonyms: if synonyms { listed } else { Vec::new() },
                config_type: UNKNOWN_TYPE,
                documentation: None,
            }
        })
        .collect()
}

/// A broker's value: what was set while it runs, else what it was given at the start, else the default. Secrets are not shown.
fn broker_result(
    row: &BrokerConfig,
    listed: Vec<DescribeConfigsSynonym>,
    synonyms: bool,
) -> DescribeConfigsResourceResult {
    let first = listed.first();
    DescribeConfigsResourceResult {
        name: Str::from_static(row.name),
        value: first.and_then(|synonym| synonym.value.clone()),
        read_only: !row.dynamic,
        config_source: first.map_or(DEFAULT, |synonym| synonym.source),
        is_sensitive: row.secret,
        synonyms: if synonyms { listed } else { Vec::new() },
        config_type: row.value_type.code(),
        documentation: None,
    }
}

/// Says what each property is for.
fn document(resource_type: i8, configs: &mut [DescribeConfigsResourceResult]) {
    for config in configs {
        let text = match resource_type {
            ConfigResource::TOPIC => topic_doc(&config.name),
            _ => broker_doc(&config.name).map(|doc| doc.text),
        };
        config.documentation = text.map(Str::from_static);
    }
}

/// There are no loggers that could be set one by one.
fn logger(sources: &Sources<'_>, asked: &Asked<'_>) -> Described {
    let name = asked.resource.resource_name.as_str();
    let what = match name.parse::<i32>() {
        _ if name.is_empty() => "Broker id must not be empty".to_owned(),
        Ok(id) if id == sources.node_id => return Ok(Vec::new()),
        Ok(_) => format!(
            "Unexpected broker id, expected {} but received {name}",
            sources.node_id
        ),
        Err(_) => format!("Broker id must be an integer, but it is: {name}"),
    };
    Err((ErrorCode::InvalidRequest, what))
}
