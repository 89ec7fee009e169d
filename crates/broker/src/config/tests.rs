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
    check(
        "nonsense",
        "s.properties line 1: \"nonsense\" is not name = value",
    );
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
