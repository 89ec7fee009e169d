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
