//! The tables and their checks.

use super::*;

#[test]
fn tables_are_sorted_and_defaults_fit_their_types() {
    assert!(TOPIC_CONFIGS.is_sorted_by_key(|row| row.name));
    assert!(BROKER_CONFIGS.is_sorted_by_key(|row| row.name));
    for row in TOPIC_CONFIGS {
        check_topic_value(row.name, row.default).unwrap();
        for synonym in row.synonyms {
            assert!(
                broker_config(synonym).is_some(),
                "{synonym} of {}",
                row.name
            );
        }
    }
    for row in BROKER_CONFIGS {
        if let Some(default) = row.default {
            check_type(row.name, row.value_type, default).unwrap();
        }
    }
    assert_eq!((TOPIC_CONFIGS.len(), BROKER_CONFIGS.len()), (37, 350));
}

#[test]
fn wrong_values_are_named() {
    let check = |name: &str, value: &str, message: &str| {
        assert_eq!(
            check_topic_value(name, value).unwrap_err().to_string(),
            message
        );
    };
    check(
        "retention.ms",
        "7d",
        "retention.ms = \"7d\" is not a whole number",
    );
    check("retention.ms", "-2", "retention.ms = -2 is not at least -1");
    check(
        "min.cleanable.dirty.ratio",
        "1.5",
        "min.cleanable.dirty.ratio = 1.5 is not at most 1",
    );
    check(
        "cleanup.policy",
        "delete,shred",
        "cleanup.policy = \"shred\" is none of compact, delete",
    );
    check("retention", "1", "unknown property retention");
    check_topic_value("cleanup.policy", "compact, delete").unwrap();
    check_topic_value("cleanup.policy", "").unwrap();
}

#[test]
fn every_property_is_documented_once_in_sorted_tables() {
    for (area, rows) in broker_areas() {
        assert!(rows.is_sorted_by_key(|row| row.name), "{area}");
    }
    let documented: usize = broker_areas().map(|(_, rows)| rows.len()).sum();
    assert_eq!(documented, BROKER_CONFIGS.len());
    for row in BROKER_CONFIGS {
        let doc = broker_doc(row.name).unwrap_or_else(|| panic!("{} has no text", row.name));
        assert!(doc.text.ends_with('.'), "{}", row.name);
        assert_ne!(doc.served, Served::NotYet(""), "{}", row.name);
    }
    for row in TOPIC_CONFIGS {
        let text = topic_doc(row.name).unwrap_or_else(|| panic!("{} has no text", row.name));
        assert!(text.ends_with('.'), "{}", row.name);
    }
}

#[test]
fn values_of_brokers_are_refused_in_the_words_of_kafka() {
    let check = |name: &str, value: &str, message: &str| {
        let row = broker_config(name).unwrap();
        let error = check_broker_value(row, value).unwrap_err();
        let all = format!("Invalid value {value} for configuration {name}: {message}");
        assert_eq!(error.kafka_words(), all);
    };
    let gzip = "Value must be between 1 and 9 or equal to -1";
    check("compression.gzip.level", "0", gzip);
    check("compression.gzip.level", "10", gzip);
    check(
        "compression.lz4.level",
        "18",
        "Value must be no more than 17",
    );
    check(
        "compression.zstd.level",
        "23",
        "Value must be no more than 22",
    );
    check("fetch.max.bytes", "1", "Value must be at least 1024");
    check("num.partitions", "x", "Not a number of type INT");
    let roles = "String must be one of: broker, controller";
    check("process.roles", "x", roles);
    let auth = "String must be one of: required, requested, none";
    check("ssl.client.auth", "x", auth);
    let flag = "Expected value to be either true or false";
    check("log.preallocate", "x", flag);
    let policy = broker_config("log.cleanup.policy").unwrap();
    assert_eq!(
        check_broker_value(policy, "delete,delete")
            .unwrap_err()
            .kafka_words(),
        "Configuration 'log.cleanup.policy' values must not be duplicated."
    );
    let listeners = broker_config("listeners").unwrap();
    assert_eq!(
        check_broker_value(listeners, "").unwrap_err().kafka_words(),
        "Configuration 'listeners' must not be empty. Valid values include: any non-empty value"
    );
    let dirs = broker_config("log.dirs").unwrap();
    check_broker_value(dirs, "/a,/b, /a").unwrap_err();
    check_broker_value(dirs, "/a,/b").unwrap();
    let migration = broker_config("group.consumer.migration.policy").unwrap();
    check_broker_value(migration, "Upgrade").unwrap();
    for row in BROKER_CONFIGS {
        if let Some(default) = row.default {
            check_broker_value(row, default).unwrap();
        }
    }
}

#[test]
fn properties_that_do_not_go_together_are_refused_in_the_words_of_kafka() {
    let check = |given: &[(&str, &'static str)], message: &str| {
        let of = |name: &str| {
            given
                .iter()
                .find(|(of, _)| *of == name)
                .map(|(_, value)| *value)
        };
        let error = check_broker_together(&of).unwrap_err();
        assert_eq!(
            error.kafka_words(),
            format!("requirement failed: {message}")
        );
    };
    check_broker_together(&|_: &str| None).unwrap();
    check(
        &[("group.consumer.min.session.timeout.ms", "70000")],
        "group.consumer.max.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms",
    );
    check(
        &[("group.share.session.timeout.ms", "1")],
        "group.share.session.timeout.ms must be greater than or equal to group.share.min.session.timeout.ms",
    );
    check(
        &[("group.consumer.assignment.interval.ms", "99999")],
        "group.consumer.assignment.interval.ms must be less than or equal to group.consumer.max.assignment.interval.ms",
    );
    check(
        &[("replica.lag.time.max.ms", "1")],
        "replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms to prevent frequent changes in ISR",
    );
    check(
        &[("max.connections.per.ip", "0")],
        "max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.",
    );
    for (name, value) in [
        ("log.retention.hours", "0"),
        ("log.retention.ms", "-2"),
        ("log.roll.ms", "0"),
    ] {
        check_broker_value(broker_config(name).unwrap(), value).unwrap_err();
    }
    check_broker_value(broker_config("log.retention.ms").unwrap(), "-1").unwrap();
}
