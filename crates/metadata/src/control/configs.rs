//! IncrementalAlterConfigs (key 44) and AlterConfigs (key 33).

use std::collections::{BTreeMap, BTreeSet};

use mainstem_protocol::messages::alter_configs_response::AlterConfigsResourceResponse as PlainResponse;
use mainstem_protocol::messages::incremental_alter_configs_request::AlterConfigsResource;
use mainstem_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use mainstem_protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, ConfigRecord, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse, MetadataRecord,
};
use mainstem_protocol::{ErrorCode, Str};

use super::Decision;
use super::create_topics::check_topic_name;
use crate::config::{
    ConfigError, ValueType, broker_config, check_broker_value, check_topic_value, topic_config,
};
use crate::{ConfigResource, MetadataImage};

type Refusal = (ErrorCode, String);

/// Checks that a resource can exist and that its kind has configurations. Whether a topic does is asked when its values are known to be
/// right, see [`check_topic`].
fn check_resource(image: &MetadataImage, resource: &ConfigResource) -> Result<(), Refusal> {
    match resource.resource_type {
        ConfigResource::TOPIC if image.topic(&resource.name).is_some() => Ok(()),
        ConfigResource::TOPIC if resource.name.is_empty() => {
            let what = "Default topic resources are not allowed.".to_owned();
            Err((ErrorCode::InvalidRequest, what))
        }
        ConfigResource::TOPIC => check_topic_name(&resource.name)
            .map_err(|what| (ErrorCode::InvalidTopicException, what)),
        ConfigResource::BROKER_LOGGER if resource.name.parse::<i32>().is_err() => {
            let what = format!("Node id must be an integer, but it is: {}", resource.name);
            Err((ErrorCode::InvalidRequest, what))
        }
        ConfigResource::BROKER => {
            let name = &resource.name;
            let what = match name.parse::<i32>() {
                _ if name.is_empty() => return Ok(()),
                Ok(id) if image.broker(id).is_some() => return Ok(()),
                Ok(_) => {
                    let ids = image.brokers().map(|broker| broker.id.to_string());
                    let ids = ids.collect::<Vec<_>>().join(", ");
                    format!("Unexpected broker id, expected {ids}, but received {name}")
                }
                Err(_) => format!("Node id must be an integer, but it is: {name}"),
            };
            Err((ErrorCode::InvalidRequest, what))
        }
        ConfigResource::BROKER_LOGGER => Ok(()),
        ConfigResource::CLIENT_METRICS => Err(not_served("client metrics")),
        ConfigResource::GROUP if resource.name.is_empty() => {
            let what = "Default group resources are not allowed.".to_owned();
            Err((ErrorCode::InvalidRequest, what))
        }
        ConfigResource::GROUP => Err(not_served("groups")),
        other => Err((
            ErrorCode::InvalidRequest,
            format!("Unknown resource type {other}"),
        )),
    }
}

fn check_topic(image: &MetadataImage, resource: &ConfigResource) -> Result<(), Refusal> {
    if resource.resource_type != ConfigResource::TOPIC || image.topic(&resource.name).is_some() {
        return Ok(());
    }
    let what = format!("The topic '{}' does not exist.", resource.name);
    Err((ErrorCode::UnknownTopicOrPartition, what))
}

fn not_served(whose: &str) -> Refusal {
    let what = format!("Configs of {whose} are not served yet.");
    (ErrorCode::InvalidRequest, what)
}

fn check_value(resource: &ConfigResource, name: &str, value: &str) -> Result<(), Refusal> {
    let code = match resource.resource_type {
        ConfigResource::TOPIC => ErrorCode::InvalidConfig,
        // A node has no loggers that could be set one by one.
        ConfigResource::BROKER_LOGGER => {
            let what = format!("Logger {name} does not exist!");
            return Err((ErrorCode::InvalidConfig, what));
        }
        _ => ErrorCode::InvalidRequest,
    };
    let invalid = |error: ConfigError| (code, error.kafka_words());
    if resource.resource_type == ConfigResource::TOPIC {
        return check_topic_value(name, value).map_err(invalid);
    }
    let Some(row) = broker_config(name) else {
        return Ok(()); // somebody's own: Apache Kafka keeps it for plug-ins
    };
    if !row.dynamic {
        let what = format!("Cannot update these configs dynamically: [{name}]");
        return Err((ErrorCode::InvalidRequest, what));
    }
    check_broker_value(row, value).map_err(invalid)
}

fn value_type(resource: &ConfigResource, name: &str) -> Option<ValueType> {
    match resource.resource_type {
        ConfigResource::TOPIC => topic_config(name).map(|row| row.value_type),
        _ => broker_config(name).map(|row| row.value_type),
    }
}

fn default_of(resource: &ConfigResource, name: &str) -> &'static str {
    match resource.resource_type {
        ConfigResource::TOPIC => topic_config(name).map_or("", |row| row.default),
        _ => broker_config(name)
            .and_then(|row| row.default)
            .unwrap_or(""),
    }
}

/// Checks the values of a topic against each other.
pub(super) fn check_together(values: &BTreeMap<Str, Str>) -> Result<(), String> {
    let number = |name: &str| -> Option<i64> {
        let default = topic_config(name).map(|row| row.default);
        let value = values.get(name).map(Str::as_str).or(default)?;
        value.trim().parse().ok()
    };
    let (min, max) = ("min.compaction.lag.ms", "max.compaction.lag.ms");
    if let (Some(low), Some(high)) = (number(min), number(max))
        && low > high
    {
        return Err(format!(
            "conflict topic config setting {min} ({low}) > {max} ({high})"
        ));
    }
    let is_remote = values
        .get("remote.storage.enable")
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
    if is_remote {
        let what = "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.";
        return Err(what.to_owned());
    }
    Ok(())
}

/// Longest text of a record: a name or a value.
const TEXT_BYTES_MAX: usize = 32_767;

/// Operations on one value; 2 makes a list longer and 3 shorter.
const SET: i8 = 0;
const DELETE: i8 = 1;

/// Says why a broker cannot have values that are valid one by one: only the broker knows what it was started with.
pub type CheckBroker<'a> =
    &'a dyn Fn(&MetadataImage, &ConfigResource, &BTreeMap<Str, Str>) -> Result<(), String>;

/// Checks what is decided for a resource as a whole.
fn check_all(
    image: &MetadataImage,
    resource: &ConfigResource,
    after: &BTreeMap<Str, Str>,
    check_broker: CheckBroker<'_>,
) -> Result<(), Refusal> {
    let is_long = |text: &Str| text.len() > TEXT_BYTES_MAX;
    if after
        .iter()
        .any(|(name, value)| is_long(name) || is_long(value))
    {
        let what = format!(
            "The configuration value cannot be added because it exceeds the maximum value size of {TEXT_BYTES_MAX} bytes."
        );
        return Err((ErrorCode::InvalidConfig, what));
    }
    match resource.resource_type {
        ConfigResource::TOPIC => {
            check_together(after).map_err(|what| (ErrorCode::InvalidConfig, what))?;
            check_topic(image, resource)
        }
        ConfigResource::BROKER => {
            check_broker(image, resource, after).map_err(|what| (ErrorCode::InvalidRequest, what))
        }
        _ => Ok(()),
    }
}

/// Refuses names that are given twice, and values that are missing where there must be one, whatever they are for.
fn check_given<'a>(
    given: impl Iterator<Item = (&'a Str, Option<&'a Str>, i8)>,
) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    let mut missing = Vec::new();
    for (name, value, operation) in given {
        if !seen.insert(name) {
            let what = "Error due to duplicate config keys".to_owned();
            return Err((ErrorCode::InvalidRequest, what));
        }
        if value.is_none() && operation != DELETE {
            missing.push(name.as_str());
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let what = format!("Null value not supported for : {}", missing.join(", "));
    Err((ErrorCode::InvalidRequest, what))
}

/// The records that lead from one set of values to another.
fn difference(
    resource: &ConfigResource,
    before: &BTreeMap<Str, Str>,
    after: &BTreeMap<Str, Str>,
) -> Vec<MetadataRecord> {
    let record = |name: &Str, value: Option<&Str>| -> MetadataRecord {
        ConfigRecord {
            resource_type: resource.resource_type,
            resource_name: resource.name.detached(),
            name: name.detached(),
            value: value.map(Str::detached),
        }
        .into()
    };
    let set = after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value));
    let removed = before.keys().filter(|name| !after.contains_key(*name));
    set.map(|(name, value)| record(name, Some(value)))
        .chain(removed.map(|name| record(name, None)))
        .collect()
}

fn current(image: &MetadataImage, resource: &ConfigResource) -> BTreeMap<Str, Str> {
    image
        .config(resource)
        .map(|values| (**values).clone())
        .unwrap_or_default()
}

/// Applies one operation to a set of values: 0 set, 1 delete, 2 append, 3 subtract.
fn operate(
    resource: &ConfigResource,
    values: &mut BTreeMap<Str, Str>,
    (name, operation, value): (&Str, i8, Option<&Str>),
) -> Result<(), Refusal> {
    let is_list = value_type(resource, name) == Some(ValueType::List);
    match (operation, value) {
        (DELETE, _) => {
            values.remove(name);
            return Ok(());
        }
        (SET, Some(value)) => {
            check_value(resource, name, value)?;
            values.insert(name.detached(), value.detached());
        }
        (2 | 3, Some(_)) if !is_list => {
            let verb = if operation == 2 { "APPEND" } else { "SUBTRACT" };
            let what = format!("Can't {verb} to key {name} because its type is not LIST.");
            return Err((ErrorCode::InvalidConfig, what));
        }
        (2 | 3, Some(value)) => {
            let there = values
                .get(name)
                .map_or(default_of(resource, name), Str::as_str);
            let mut parts: Vec<&str> = there
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .collect();
            for part in value.split(',').map(str::trim) {
                if operation == 3 {
                    parts.retain(|there| *there != part);
                } else if !parts.contains(&part) {
                    parts.push(part);
                }
            }
            let joined = parts.join(",");
            check_value(resource, name, &joined)?;
            values.insert(name.detached(), Str::from(joined));
        }
        (0 | 2 | 3, None) => {
            let what = format!("Null value not supported for : {name}");
            return Err((ErrorCode::InvalidRequest, what));
        }
        (other, _) => {
            return Err((
                ErrorCode::InvalidRequest,
                format!("Unknown config operation {other}."),
            ));
        }
    }
    Ok(())
}

fn plan_incremental(
    image: &MetadataImage,
    request: &AlterConfigsResource,
    check_broker: CheckBroker<'_>,
) -> Result<Vec<MetadataRecord>, Refusal> {
    let resource = ConfigResource {
        resource_type: request.resource_type,
        name: request.resource_name.clone(),
    };
    let given = request.configs.iter();
    check_given(
        given.map(|config| (&config.name, config.value.as_ref(), config.config_operation)),
    )?;
    check_resource(image, &resource)?;
    let before = current(image, &resource);
    let mut after = before.clone();
    for config in &request.configs {
        operate(
            &resource,
            &mut after,
            (&config.name, config.config_operation, config.value.as_ref()),
        )?;
    }
    check_all(image, &resource, &after, check_broker)?;
    Ok(difference(&resource, &before, &after))
}

/// Refuses every mention of a resource that a request names twice.
fn repeated(resources: impl Iterator<Item = (i8, Str)>) -> BTreeSet<(i8, Str)> {
    let mut seen = BTreeSet::new();
    resources
        .filter(|resource| !seen.insert(resource.clone()))
        .collect()
}

fn twice() -> Refusal {
    let what = "Each resource must appear at most once.".to_owned();
    (ErrorCode::InvalidRequest, what)
}

/// Changes single values.
pub fn incremental_alter_configs(
    image: &MetadataImage,
    request: &IncrementalAlterConfigsRequest,
    check_broker: CheckBroker<'_>,
) -> Decision<IncrementalAlterConfigsResponse> {
    let mut records = Vec::new();
    let mut responses = Vec::with_capacity(request.resources.len());
    let key = |asked: &AlterConfigsResource| (asked.resource_type, asked.resource_name.clone());
    let repeated = repeated(request.resources.iter().map(key));
    for resource in &request.resources {
        let planned = if repeated.contains(&key(resource)) {
            Err(twice())
        } else {
            plan_incremental(image, resource, check_broker)
        };
        let (code, message) = match planned {
            Ok(planned) => {
                if !request.validate_only {
                    records.extend(planned);
                }
                (ErrorCode::None, None)
            }
            Err((code, message)) => (code, Some(Str::from(message))),
        };
        responses.push(AlterConfigsResourceResponse {
            error_code: code.code(),
            error_message: message,
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.detached(),
        });
    }
    let response = IncrementalAlterConfigsResponse {
        responses,
        ..IncrementalAlterConfigsResponse::default()
    };
    Decision { records, response }
}

/// Replaces all values of a resource.
pub fn alter_configs(
    image: &MetadataImage,
    request: &AlterConfigsRequest,
    check_broker: CheckBroker<'_>,
) -> Decision<AlterConfigsResponse> {
    let mut records = Vec::new();
    let mut responses = Vec::with_capacity(request.resources.len());
    let keys = request.resources.iter();
    let keys = keys.map(|asked| (asked.resource_type, asked.resource_name.clone()));
    let repeated = repeated(keys);
    for asked in &request.resources {
        let resource = ConfigResource {
            resource_type: asked.resource_type,
            name: asked.resource_name.clone(),
        };
        let plan = || {
            if repeated.contains(&(resource.resource_type, resource.name.clone())) {
                return Err(twice());
            }
            if resource.resource_type == ConfigResource::BROKER_LOGGER {
                let what = format!("Unknown resource type {}", resource.resource_type);
                return Err((ErrorCode::InvalidRequest, what));
            }
            let given = asked.configs.iter();
            check_given(given.map(|config| (&config.name, config.value.as_ref(), SET)))?;
            check_resource(image, &resource)?;
            let mut after = BTreeMap::new();
            for config in &asked.configs {
                operate(
                    &resource,
                    &mut after,
                    (&config.name, SET, config.value.as_ref()),
                )?;
            }
            check_all(image, &resource, &after, check_broker)?;
            Ok(difference(&resource, &current(image, &resource), &after))
        };
        let (code, message) = match plan() {
            Ok(planned) => {
                if !request.validate_only {
                    records.extend(planned);
                }
                (ErrorCode::None, None)
            }
            Err((code, message)) => (code, Some(Str::from(message))),
        };
        responses.push(PlainResponse {
            error_code: code.code(),
            error_message: message,
            resource_type: asked.resource_type,
            resource_name: asked.resource_name.detached(),
        });
    }
    Decision {
        records,
        response: AlterConfigsResponse {
            responses,
            ..AlterConfigsResponse::default()
        },
    }
}
