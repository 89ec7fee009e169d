//! Configuration and the cluster, asked and changed with the binary.

use serde_json::Value;

use crate::node::Node;

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

#[test]
fn configuration_of_a_topic_is_set_shown_with_its_source_and_put_back() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create orders");
    assert_eq!(
        node.must("config get --topic orders retention.ms").out,
        "604800000\n"
    );
    let done = node.must("config set --topic orders retention.ms=1000 --dry-run");
    assert_eq!(done.err, "1 value can be changed\n");
    assert_eq!(node.must("config list --topic orders --changed").out, "");
    node.must("config set --topic orders retention.ms=86400000 max.message.bytes=1000");
    let done = node.must("config list --topic orders --changed");
    assert_eq!(
        done.lines(),
        [
            "max.message.bytes\t1000\ttopic\t1048588\tany time",
            "retention.ms\t86400000\ttopic\t604800000\tany time"
        ]
    );
    node.must("config unset --topic orders retention.ms");
    let entry = json(
        &node
            .must("config get --topic orders retention.ms --json")
            .out,
    );
    assert_eq!(entry["value"], "604800000");
    assert_eq!(entry["source"], "default");
    assert!(node.must("config list --topic orders").lines().len() > 20);

    let done = node.run("config get --topic orders retention.m");
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(
        done.err.contains("did you mean \"retention.ms\"?"),
        "{done:?}"
    );
    let done = node.run("config set --topic orders retention.ms=seven");
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.err.contains("retention.ms"), "{done:?}");
    let done = node.run("config set --topic order retention.ms=1");
    assert!(done.err.contains("did you mean \"orders\"?"), "{done:?}");
}

#[test]
fn what_is_not_set_or_not_known_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create orders --set cleanup.policy=compact");
    let check = |arguments: &str, code: i32, said: &str| {
        let done = node.run(arguments);
        assert_eq!(done.code, Some(code), "{arguments}: {done:?}");
        assert!(done.err.contains(said), "{arguments}: {done:?}");
    };
    for (target, near) in [
        ("--topic orders", "cleanup.polic"),
        ("--broker 1", "num.partition"),
    ] {
        let unset = format!("config unset {target} {near}");
        check(
            &unset,
            1,
            &format!("there is no property \"{near}\" here\n  did you mean"),
        );
    }
    check("config unset --topic orders nope", 1, "config docs --topic");
    check("config unset --brokers nope", 1, "config docs --broker");
    check(
        "config unset --topic orders retention.ms cleanup.policy",
        0,
        "retention.ms is not set here: its value is from default\n1 value changed",
    );
    check(
        "config unset --topic orders cleanup.policy",
        0,
        "0 values changed",
    );
    check(
        "config unset --brokers message.max.bytes",
        0,
        "message.max.bytes is not set\n0 values",
    );

    check(
        "config set --brokers message.max.byte=1",
        0,
        "warning: nobody reads a property \"message.max.byte\"; did you mean \"message.max.bytes\"?",
    );
    check(
        "config unset --brokers message.max.byte",
        0,
        "1 value changed",
    );
}

/// A command that is refused: its code, what is said first, and what can be done.
fn check_refused(node: &Node, arguments: &str, code: i32, said: &str, hint: &str) {
    let done = node.run(arguments);
    assert_eq!(done.code, Some(code), "{arguments}: {done:?}");
    let (first, second) = done.err.split_once('\n').unwrap();
    assert!(first.contains(said), "{arguments}: {done:?}");
    assert!(second.contains(hint), "{arguments}: {done:?}");
}

#[test]
fn refusals_of_values_say_what_can_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create orders");
    let check = |arguments: &str, code: i32, said: &str, hint: &str| {
        check_refused(&node, arguments, code, said, hint);
    };
    let topic = |change: &str, hint: &str| {
        let set = format!("config set --topic orders {change}");
        check(&set, 1, "INVALID_CONFIG", hint);
    };
    topic("retention.ms=7d", "ms are meant: 604800000");
    topic("retention.ms=-2", "config docs retention.ms");
    topic("retention.mz=1", "did you mean \"retention.ms\"?");
    let (bare, option) = ("retention.ms=VALUE", "--set retention.ms=VALUE");
    let set = "config set --topic orders retention.ms";
    check(set, 2, "is not KEY=VALUE", &format!("value: {bare}"));
    let alter = "topic alter orders --set retention.ms";
    check(alter, 2, "is not KEY=VALUE", &format!("value: {option}"));
    let hours = "config set --broker 1 log.retention.ms=1h";
    check(hours, 1, "Invalid value 1h", "ms are meant: 3600000");
    let dirs = "config set --broker 1 log.dirs=/a";
    check(dirs, 1, "log.dirs", "server -o log.dirs=VALUE");
}

#[test]
fn refusals_of_topics_name_them() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create orders --partitions 2");
    let check = |arguments: &str, said: &str, hint: &str| {
        check_refused(&node, &format!("topic {arguments}"), 1, said, hint);
    };
    let describe = "mainstem topic describe orders";
    check("create orders", "TOPIC_ALREADY_EXISTS", describe);
    check(
        "create a --partitions 0",
        "INVALID_PARTITIONS",
        "at least one",
    );
    check(
        "alter orders --partitions 1",
        "INVALID_PARTITIONS",
        "only be added",
    );
    check(
        "create a --partitions 2000000",
        "POLICY_VIOLATION",
        "fewer partitions",
    );
    check(
        "create a --replication-factor 3",
        "INVALID_REPLICATION_FACTOR",
        "mainstem cluster",
    );
}

#[test]
fn configuration_of_one_broker_wins_over_that_of_all() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start_with(dir.path(), "127.0.0.1:0", &["num.partitions=3"]);
    let value = |name: &str| {
        let asked = format!("config get --broker 1 {name} --json");
        let entry = json(&node.must(&asked).out);
        let text = |key: &str| entry[key].as_str().unwrap().to_owned();
        (text("value"), text("source"), text("default"))
    };
    let strings = |of: [&str; 3]| (of[0].to_owned(), of[1].to_owned(), of[2].to_owned());
    assert_eq!(
        value("num.partitions"),
        strings(["3", "start of the node", "1"])
    );
    node.must("config set --brokers message.max.bytes=2000");
    assert_eq!(
        value("message.max.bytes"),
        strings(["2000", "all brokers", "1048588"])
    );
    node.must("config set --broker 1 message.max.bytes=3000");
    assert_eq!(
        value("message.max.bytes"),
        strings(["3000", "broker", "1048588"])
    );
    node.must("config unset --broker 1 message.max.bytes");
    assert_eq!(value("message.max.bytes").0, "2000");
    assert_eq!(
        node.must("config get --brokers message.max.bytes").out,
        "2000\n"
    );

    let done = node.run("config set --broker 1 log.dirs=/elsewhere");
    assert_eq!(done.code, Some(1), "{done:?}");
    let done = node.run("config list --broker 7");
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.err.contains("there is no broker 7"), "{done:?}");
    assert_eq!(node.run("config list").code, Some(2));
}

#[test]
fn the_cluster_says_who_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let meta = std::fs::read_to_string(dir.path().join("meta.properties")).unwrap();
    let cluster = json(&node.must("cluster --json").out);
    let id = cluster["cluster"].as_str().unwrap();
    assert!(meta.contains(&format!("cluster.id={id}\n")), "{meta}");
    assert_eq!(cluster["controller"], 1);
    assert_eq!(cluster["nodes"][0]["address"], node.address.as_str());
    let features = cluster["features"].as_array().unwrap();
    let metadata = features
        .iter()
        .find(|feature| feature["name"] == "metadata.version")
        .unwrap();
    assert_eq!(metadata["level"], 33);

    let done = node.must("cluster");
    assert_eq!(done.lines()[0], format!("1\t{}\t\tyes", node.address));
    assert!(done.err.contains(id), "{done:?}");
}
