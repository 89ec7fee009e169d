//! IncrementalAlterConfigs (key 44) and AlterConfigs (key 33).

use std::collections::BTreeMap;

use mainstem_protocol::messages::alter_configs_response::AlterConfigsResourceResponse as PlainResponse;
use mainstem_protocol::messages::incremental_alter_configs_request::AlterConfigsResource;
use mainstem_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use mainstem_protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, ConfigRecord, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse, MetadataRecord,
};
use mainstem_protocol::{ErrorCode, Str};

use super::Decision;
use crate::config::{
    ConfigError, ValueType, broker_config, check_topic_value, check_type, topic_config,
};
use crate::{ConfigResource, MetadataImage};

type Refusal = (ErrorCode, String);

/// Checks that a resource exists and that its kind has configurations.
fn check_resource(image: &MetadataImage, resource: &ConfigResource) -> Result<(), Refusal> {
    match resource.resource_type {
        ConfigResource::TOPIC if image.topic(&resource.name).is_some() => Ok(()),
        ConfigResource::TOPIC => {
            let what = format!("The topic '{}' does not exist.", resource.name);
            Err((ErrorCode::UnknownTopicOrPartition, what))
        }
        ConfigResource::BROKER => {
            let known = resource.name.is_empty()
                || resource
                    .name
                    .parse()
                    .is_ok_and(|id: i32| image.broker(id).is_some());
            let what = || format!("No broker with id {} found.", resource.name);
            if known {
                Ok(())
            } else {
                Err((ErrorCode::InvalidRequest, what()))
            }
        }
        other => Err((
            ErrorCode::InvalidRequest,
            format!("Configs of resource type {other} are not served yet."),
        )),
    }
}

fn check_value(resource: &ConfigResource, name: &str, value: &str) -> Result<(), Refusal> {
    let invalid = |error: ConfigError| (ErrorCode::InvalidConfig, error.to_string());
    if resource.resource_type == ConfigResource::TOPIC {
        return check_topic_value(name, value).map_err(invalid);
    }
    let Some(row) = broker_config(name) else {
        return Err(invalid(ConfigError::Unknown {
            name: name.to_owned(),
        }));
    };
    if !row.dynamic {
        let what = format!("Cannot update these configs dynamically: {name}");
        return Err((ErrorCode::InvalidRequest, what));
    }
    check_type(name, row.value_type, value).map_err(invalid)
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
        (1, _) => {
            values.remove(name);
            return Ok(());
        }
        (0, Some(value)) => {
            check_value(resource, name, value)?;
            values.insert(name.detached(), value.detached());
        }
        (2 | 3, Some(_)) if !is_list => {
            let what =
                format!("Config value append/subtract is not allowed for config key: {name}");
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
) -> Result<Vec<MetadataRecord>, Refusal> {
    let resource = ConfigResource {
        resource_type: request.resource_type,
        name: request.resource_name.clone(),
    };
    check_resource(image, &resource)?;
    let before = current(image, &resource);
    let mut after = before.clone();
    for (at, config) in request.configs.iter().enumerate() {
        if request
            .configs
            .iter()
            .take(at)
            .any(|other| other.name == config.name)
        {
            return Err((
                ErrorCode::InvalidRequest,
                format!("Error due to duplicate config keys: {}", config.name),
            ));
        }
        operate(
            &resource,
            &mut after,
            (&config.name, config.config_operation, config.value.as_ref()),
        )?;
    }
    Ok(difference(&resource, &before, &after))
}

/// Changes single values.
pub fn incremental_alter_configs(
    image: &MetadataImage,
    request: &IncrementalAlterConfigsRequest,
) -> Decision<IncrementalAlterConfigsResponse> {
    let mut records = Vec::new();
    let mut responses = Vec::with_capacity(request.resources.len());
    for resource in &request.resources {
        let (code, message) = match plan_incremental(image, resource) {
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
) -> Decision<AlterConfigsResponse> {
    let mut records = Vec::new();
    let mut responses = Vec::with_capacity(request.resources.len());
    for asked in &request.resources {
        let resource = ConfigResource {
            resource_type: asked.resource_type,
            name: asked.resource_name.clone(),
        };
        let plan = || {
            check_resource(image, &resource)?;
            let mut after = BTreeMap::new();
            for config in &asked.configs {
                operate(
                    &resource,
                    &mut after,
                    (&config.name, 0, config.value.as_ref()),
                )?;
            }
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
