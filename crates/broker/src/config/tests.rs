//! Files, options, and what becomes of them.

use std::collections::BTreeMap;

use mainstem_protocol::Str;

use super::{Properties, ValueSource, log_config, topic_value};

#[test]
fn a_file_is_read_with_comments_and_joined_lines() {
    let mut properties = Properties::default();
    properties
        .read(
            "server.properties",
            "# a node\nnode.id = 7\nlog.dirs=/a,\\\n  /b\n\nnum.partitions:3\n",
        )
        .unwrap();
    assert_eq!(properties.number("node.id"), 7);
    assert_eq!(properties.text("log.dirs"), Some("/a,/b"));
    assert_eq!(properties.number("num.partitions"), 3);
    assert!(properties.flag("auto.create.topics.enable"));
    assert!(properties.warnings().is_empty());
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let check = |text: &str, message: &str| {
        assert_eq!(
            Properties::default()
                .read("s.properties", text)
                .unwrap_err()
                .to_string(),
            message
        );
    };
    check(
        "\nlog.retention.hours=7d",
        "s.properties line 2: log.retention.hours = \"7d\" is not a whole number",
    );
    check("=5", "s.properties line 1: \"=5\" is not name = value");
    check(
        "durability=maybe",
        "s.properties line 1: durability = \"maybe\" is none of disk, page-cache",
    );
    let mut properties = Properties::default();
    properties.set("no.such.thing=1").unwrap();
    assert_eq!(
        properties.warnings(),
        ["option no.such.thing=1: unknown property no.such.thing has no effect"]
    );
}

#[test]
fn a_topic_takes_its_own_value_then_the_nodes_then_the_default() {
    let mut properties = Properties::default();
    let own = BTreeMap::from([(Str::from("retention.bytes"), Str::from("5"))]);
    assert_eq!(
        topic_value(&properties, None, "retention.ms"),
        ("604800000".to_owned(), ValueSource::Default)
    );
    properties.set("log.retention.hours=2").unwrap();
    assert_eq!(
        topic_value(&properties, None, "retention.ms"),
        ("7200000".to_owned(), ValueSource::StaticBroker)
    );
    properties.set("log.retention.minutes=1").unwrap();
    assert_eq!(log_config(&properties, Some(&own)).retention_ms, 60_000);
    assert_eq!(log_config(&properties, Some(&own)).retention_bytes, 5);
    properties.set("log.retention.ms=-1").unwrap();
    assert_eq!(log_config(&properties, None).retention_ms, -1);
}

#[test]
fn a_file_is_read_as_java_reads_it() {
    let check = |text: &str, name: &str, value: &str| {
        let mut properties = Properties::default();
        properties.read("s.properties", text).unwrap();
        assert_eq!(properties.given(name), Some(value), "{text:?}");
    };
    check("broker.rack: a=b", "broker.rack", "a=b");
    check("broker.rack a:b", "broker.rack", "a:b");
    check("  broker.rack \t=\t a b  ", "broker.rack", "a b");
    check("broker.rack=c:\\\\a\\tb\\u00e9", "broker.rack", "c:\\a\tbé");
    check("broker.rack=a\\\\\nnode.id=3", "broker.rack", "a\\");
    check("broker\\\n  .rack=a\\\n   b", "broker.rack", "ab");
    check("broker.rack", "broker.rack", "");
}

#[test]
fn what_would_protect_data_is_not_passed_over() {
    let check = |options: &[&str], refusal: Option<&str>| {
        let mut properties = Properties::default();
        for option in options {
            properties.set(option).unwrap();
        }
        let found = properties.check_together().err();
        assert_eq!(found.map(|error| error.to_string()).as_deref(), refusal);
    };
    check(
        &["authorizer.class.name=org.example.Authorizer"],
        Some(
            "authorizer.class.name = org.example.Authorizer: access control is not served yet, so everybody may do everything",
        ),
    );
    check(
        &["listeners=SSL://:9094,PLAINTEXT://:9092"],
        Some("listeners = SSL://:9094,PLAINTEXT://:9092: SSL is not served yet, only PLAINTEXT"),
    );
    check(
        &[
            "listeners=SAFE://:9092",
            "listener.security.protocol.map=SAFE:SASL_SSL",
        ],
        Some("listeners = SAFE://:9092: SASL_SSL is not served yet, only PLAINTEXT"),
    );
    check(
        &[
            "listeners=SSL://:9094,PLAINTEXT://:9092",
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT",
        ],
        Some(
            "listeners = SSL://:9094,PLAINTEXT://:9092: No security protocol defined for listener SSL",
        ),
    );
    check(
        &["controller.quorum.voters=1@a:1,2@b:1"],
        Some(
            "controller.quorum.voters = 1@a:1,2@b:1: this is node 1, and a node is alone in its cluster so far",
        ),
    );
    check(
        &["process.roles=controller"],
        Some("process.roles = controller: a node is both broker and controller so far"),
    );
    check(
        &["log.dirs=/m1,/m2"],
        Some("log.dirs = /m1,/m2: one directory is served so far"),
    );
    // What a file for one node of Apache Kafka says.
    check(
        &[
            "process.roles=broker,controller",
            "node.id=4",
            "controller.quorum.voters=4@localhost:9093",
            "listeners=PLAINTEXT://:9092,CONTROLLER://:9093",
            "controller.listener.names=CONTROLLER",
            "log.dirs=/tmp/logs",
        ],
        None,
    );
}

#[test]
fn what_has_no_effect_is_named_once() {
    let mut properties = Properties::default();
    for option in [
        "listeners=PLAINTEXT://:9092",
        "num.io.threads=8",
        "num.network.threads=5",
        "ssl.client.auth=required",
        "num.partitions=4",
    ] {
        properties.set(option).unwrap();
    }
    assert_eq!(
        properties.warnings(),
        [
            "without effect yet: num.network.threads, ssl.client.auth (mainstem config docs NAME says why)"
        ]
    );
}
