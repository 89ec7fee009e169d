//! Configurations over the wire: where each value comes from, what is refused in which words, and that what changes is in effect.

use mainstem_broker::start;
use mainstem_protocol::messages::{
    AlterConfigsRequest, DescribeConfigsRequest, IncrementalAlterConfigsRequest,
    alter_configs_request, describe_configs_request, incremental_alter_configs_request as single,
};
use mainstem_protocol::{ErrorCode, Str};

use crate::administration::topics;
use crate::serving::{fetch_request, fetched};
use crate::wire::{Wire, batch, code, config, node, produce};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

/// One operation: property, kind, value.
type Operation<'a> = (&'a str, i8, Option<&'a str>);

fn request(resource: (i8, &str), operations: &[Operation<'_>]) -> IncrementalAlterConfigsRequest {
    let configs = operations
        .iter()
        .map(|(name, kind, value)| single::AlterableConfig {
            name: Str::from(*name),
            config_operation: *kind,
            value: value.map(Str::from),
        });
    IncrementalAlterConfigsRequest {
        resources: vec![single::AlterConfigsResource {
            resource_type: resource.0,
            resource_name: Str::from(resource.1),
            configs: configs.collect(),
        }],
        validate_only: false,
    }
}

fn change(
    wire: &mut Wire,
    resource: (i8, &str),
    operations: &[Operation<'_>],
) -> (ErrorCode, String) {
    let answer = wire
        .ask(1, &request(resource, operations))
        .responses
        .remove(0);
    let message = answer.error_message.map(|message| message.to_string());
    (
        ErrorCode::from_code(answer.error_code),
        message.unwrap_or_default(),
    )
}

/// Sets a property of the broker, or takes it away again.
pub(crate) fn set_broker(wire: &mut Wire, name: &str, value: Option<&str>) {
    let kind = if value.is_some() { SET } else { DELETE };
    assert_eq!(change(wire, (BROKER, "1"), &[(name, kind, value)]), done());
}

fn done() -> (ErrorCode, String) {
    (ErrorCode::None, String::new())
}

/// Value, source, and the synonyms with their sources.
type Found = (Option<String>, i8, Vec<(String, Option<String>, i8)>);

fn describe(wire: &mut Wire, resource: (i8, &str), name: &str) -> Found {
    let request = DescribeConfigsRequest {
        resources: vec![describe_configs_request::DescribeConfigsResource {
            resource_type: resource.0,
            resource_name: Str::from(resource.1),
            configuration_keys: Some(vec![Str::from(name)]),
        }],
        include_synonyms: true,
        include_documentation: false,
    };
    let mut result = wire.ask(4, &request).results.remove(0);
    assert_eq!(result.error_code, 0);
    let found = result.configs.remove(0);
    let synonyms = found.synonyms.into_iter().map(|synonym| {
        let value = synonym.value.map(|value| value.to_string());
        (synonym.name.to_string(), value, synonym.source)
    });
    (
        found.value.map(|value| value.to_string()),
        found.config_source,
        synonyms.collect(),
    )
}

fn synonym(name: &str, value: &str, source: i8) -> (String, Option<String>, i8) {
    (name.to_owned(), Some(value.to_owned()), source)
}

#[test]
fn a_value_is_that_of_the_nearest_source_and_in_effect() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topics(&mut wire, &[("orders", 1)]);
    let (name, of_broker) = ("max.message.bytes", "message.max.bytes");
    let topic = (TOPIC, "orders");
    let large = batch(&[7; 4_000]);
    let by_default = synonym(of_broker, "1048588", 5);
    assert_eq!(
        describe(&mut wire, topic, name),
        (Some("1048588".to_owned()), 5, vec![by_default.clone()])
    );
    assert_eq!(produce(&mut wire, "orders", large.clone()).error_code, 0);
    // For all brokers, then for this one, then for the topic: each hides the one before.
    assert_eq!(
        change(&mut wire, (BROKER, ""), &[(of_broker, SET, Some("2000"))]),
        done()
    );
    let of_all = synonym(of_broker, "2000", 3);
    assert_eq!(
        describe(&mut wire, topic, name),
        (
            Some("2000".to_owned()),
            3,
            vec![of_all.clone(), by_default.clone()]
        )
    );
    let refused = produce(&mut wire, "orders", large.clone());
    assert_eq!(code(&refused), ErrorCode::MessageTooLarge);
    assert_eq!(
        change(&mut wire, (BROKER, "1"), &[(of_broker, SET, Some("3000"))]),
        done()
    );
    let of_this = synonym(of_broker, "3000", 2);
    let all = vec![of_this, of_all, by_default];
    assert_eq!(
        describe(&mut wire, topic, name),
        (Some("3000".to_owned()), 2, all.clone())
    );
    assert_eq!(
        describe(&mut wire, (BROKER, "1"), of_broker),
        (Some("3000".to_owned()), 2, all)
    );
    assert_eq!(
        change(&mut wire, topic, &[(name, SET, Some("5000"))]),
        done()
    );
    let (value, source, synonyms) = describe(&mut wire, topic, name);
    assert_eq!((value.as_deref(), source), (Some("5000"), 1));
    assert_eq!(synonyms[0], synonym(name, "5000", 1));
    assert_eq!(produce(&mut wire, "orders", large).error_code, 0);
    // A topic made now takes what holds for the broker; so does everything after a restart.
    node.stop().unwrap();
    let again = crate::wire::node(dir.path());
    let mut wire = Wire::to(&again);
    topics(&mut wire, &[("later", 1)]);
    let refused = produce(&mut wire, "later", batch(&[7; 4_000]));
    assert_eq!(code(&refused), ErrorCode::MessageTooLarge);
    let nothing = [(of_broker, DELETE, None)];
    assert_eq!(change(&mut wire, (BROKER, "1"), &nothing), done());
    assert_eq!(change(&mut wire, (BROKER, ""), &nothing), done());
    let large = batch(&[7; 4_000]);
    assert_eq!(produce(&mut wire, "later", large).error_code, 0);
    again.stop().unwrap();
}

#[test]
fn lists_grow_and_shrink_and_nothing_is_written_when_only_checked() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topics(&mut wire, &[("orders", 1)]);
    let topic = (TOPIC, "orders");
    let name = "cleanup.policy";
    let value = |wire: &mut Wire| describe(wire, topic, name).0.unwrap();
    for (kind, part, expected) in [
        (APPEND, "compact", "delete,compact"),
        (APPEND, "compact", "delete,compact"),
        (SUBTRACT, "delete", "compact"),
        (SUBTRACT, "compact", ""),
    ] {
        assert_eq!(
            change(&mut wire, topic, &[(name, kind, Some(part))]),
            done()
        );
        assert_eq!(value(&mut wire), expected);
    }
    let mut only_checked = request(topic, &[(name, SET, Some("delete"))]);
    only_checked.validate_only = true;
    assert_eq!(wire.ask(1, &only_checked).responses[0].error_code, 0);
    assert_eq!(value(&mut wire), "");
    node.stop().unwrap();
}

/// A resource, what is asked of it, and the answer.
type Case<'a> = ((i8, &'a str), &'a [Operation<'a>], ErrorCode, &'a str);

#[test]
fn what_is_refused_is_refused_in_apaches_words() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topics(&mut wire, &[("orders", 1)]);
    let topic = (TOPIC, "orders");
    let config = ErrorCode::InvalidConfig;
    let invalid = ErrorCode::InvalidRequest;
    let cases: [Case<'_>; 13] = [
        (
            topic,
            &[("retention.ms", SET, Some("abc"))],
            config,
            "Invalid value abc for configuration retention.ms: Not a number of type LONG",
        ),
        (
            topic,
            &[("segment.bytes", SET, Some("3"))],
            config,
            "Invalid value 3 for configuration segment.bytes: Value must be at least 1048576",
        ),
        (
            topic,
            &[("preallocate", SET, Some("maybe"))],
            config,
            "Invalid value maybe for configuration preallocate: Expected value to be either true or false",
        ),
        (
            topic,
            &[("what", SET, Some("5"))],
            config,
            "Unknown topic config name: what",
        ),
        (
            topic,
            &[("retention.ms", APPEND, Some("5"))],
            config,
            "Can't APPEND to key retention.ms because its type is not LIST.",
        ),
        (
            topic,
            &[
                ("retention.ms", SET, Some("5")),
                ("retention.ms", SET, Some("6")),
            ],
            invalid,
            "Error due to duplicate config keys",
        ),
        (
            topic,
            &[
                ("min.compaction.lag.ms", SET, Some("50")),
                ("max.compaction.lag.ms", SET, Some("5")),
            ],
            config,
            "conflict topic config setting min.compaction.lag.ms (50) > max.compaction.lag.ms (5)",
        ),
        (
            (TOPIC, ""),
            &[("retention.ms", SET, Some("5"))],
            invalid,
            "Default topic resources are not allowed.",
        ),
        (
            (TOPIC, "nope"),
            &[("retention.ms", SET, Some("5"))],
            ErrorCode::UnknownTopicOrPartition,
            "The topic 'nope' does not exist.",
        ),
        (
            (BROKER, "2"),
            &[("log.retention.ms", SET, Some("5"))],
            invalid,
            "Unexpected broker id, expected 1, but received 2",
        ),
        (
            (BROKER, "1"),
            &[("node.id", SET, Some("5"))],
            invalid,
            "Cannot update these configs dynamically: [node.id]",
        ),
        (
            (BROKER, "1"),
            &[("log.segment.bytes", SET, Some("1"))],
            invalid,
            "Invalid value 1 for configuration log.segment.bytes: Value must be at least 1048576",
        ),
        (
            (99, "m"),
            &[("interval.ms", SET, Some("1"))],
            invalid,
            "Unknown resource type 99",
        ),
    ];
    for (resource, operations, code, words) in cases {
        assert_eq!(
            change(&mut wire, resource, operations),
            (code, words.to_owned())
        );
    }
    let mut twice = request(topic, &[("retention.ms", SET, Some("5"))]);
    twice.resources.push(twice.resources[0].clone());
    let codes = wire.ask(1, &twice).responses;
    assert!(
        codes
            .iter()
            .all(|answer| answer.error_code == invalid.code())
    );
    node.stop().unwrap();
}

#[test]
fn a_property_that_nobody_knows_is_kept_and_shown_without_its_value() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    let name = "somebodys.own";
    for resource in [(BROKER, "1"), (BROKER, "")] {
        let set = [(name, SET, Some("secret"))];
        assert_eq!(change(&mut wire, resource, &set), done());
    }
    let (of_broker, of_cluster) = ((name.to_owned(), None, 2), (name.to_owned(), None, 3));
    assert_eq!(
        describe(&mut wire, (BROKER, "1"), name),
        (None, 2, vec![of_broker, of_cluster.clone()])
    );
    assert_eq!(
        describe(&mut wire, (BROKER, ""), name),
        (None, 3, vec![of_cluster])
    );
    node.stop().unwrap();
}

#[test]
fn the_older_request_replaces_everything() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topics(&mut wire, &[("orders", 1)]);
    let mut replace = |values: &[(&str, &str)]| {
        let configs = values
            .iter()
            .map(|(name, value)| alter_configs_request::AlterableConfig {
                name: Str::from(*name),
                value: Some(Str::from(*value)),
            });
        let request = AlterConfigsRequest {
            resources: vec![alter_configs_request::AlterConfigsResource {
                resource_type: TOPIC,
                resource_name: Str::from("orders"),
                configs: configs.collect(),
            }],
            validate_only: false,
        };
        let answer = wire.ask(2, &request).responses.remove(0);
        let sources = ["retention.ms", "segment.ms"]
            .map(|name| describe(&mut wire, (TOPIC, "orders"), name).1);
        (ErrorCode::from_code(answer.error_code), sources)
    };
    assert_eq!(
        replace(&[("retention.ms", "9000"), ("segment.ms", "9000")]),
        (ErrorCode::None, [1, 1])
    );
    assert_eq!(
        replace(&[("retention.ms", "8000")]),
        (ErrorCode::None, [1, 5])
    );
    assert_eq!(
        replace(&[("retention.ms", "1"), ("retention.ms", "2")]),
        (ErrorCode::InvalidRequest, [1, 5])
    );
    assert_eq!(replace(&[]), (ErrorCode::None, [5, 5]));
    node.stop().unwrap();
}

#[test]
fn who_asks_for_documentation_gets_it() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topics(&mut wire, &[("orders", 1)]);
    for (include_documentation, resource_type, name) in [
        (true, TOPIC, "orders"),
        (true, BROKER, "1"),
        (false, TOPIC, "orders"),
    ] {
        let request = DescribeConfigsRequest {
            resources: vec![describe_configs_request::DescribeConfigsResource {
                resource_type,
                resource_name: Str::from(name),
                configuration_keys: None,
            }],
            include_synonyms: false,
            include_documentation,
        };
        let result = wire.ask(4, &request).results.remove(0);
        assert!(result.configs.len() >= 37, "{name}");
        for config in result.configs {
            assert_eq!(
                config.documentation.is_some(),
                include_documentation,
                "{}",
                config.name
            );
        }
    }
}

#[test]
fn the_answer_to_a_fetch_is_bounded_by_the_node_too() {
    let bytes_with = |option: Option<&str>| {
        let dir = tempfile::tempdir().unwrap();
        let options: Vec<&str> = option.into_iter().collect();
        let node = start(config(dir.path(), &options)).unwrap();
        let mut wire = Wire::to(&node);
        topics(&mut wire, &[("orders", 1)]);
        for _ in 0..3 {
            assert_eq!(produce(&mut wire, "orders", batch(&[7; 600])).error_code, 0);
        }
        let (code, end, records) = fetched(&wire.ask(12, &fetch_request(0, 0)));
        assert_eq!((code, end), (ErrorCode::None, 3));
        records.len()
    };
    assert!(bytes_with(None) > 1_800);
    let bounded = bytes_with(Some("fetch.max.bytes=1024"));
    assert!((600..=1_024).contains(&bounded), "{bounded}");
}
