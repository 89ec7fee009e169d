//! What an operator may change or ask for while the node runs, and what it does to connections and records.

use mainstem_broker::start;
use mainstem_protocol::messages::{
    ApiVersionsRequest, DeleteRecordsRequest, delete_records_request,
};
use mainstem_protocol::{ErrorCode, Str};

use super::configurations::set_broker;
use super::power::set_config;
use super::wire::{Wire, batch, code, config, node, produce, request_bytes, topic};

/// A connection that is served, or `None` when it was closed at once.
fn served(node: &mainstem_broker::RunningNode) -> Option<Wire> {
    let mut wire = Wire::to(node);
    let request = ApiVersionsRequest::default();
    wire.send(&request_bytes(0, &request));
    wire.frame().map(|_| wire)
}

#[test]
fn limits_of_connections_that_are_set_while_the_node_runs_hold_and_outlive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let at = node(dir.path());
    let mut first = served(&at).unwrap();
    let second = served(&at).unwrap();
    set_broker(&mut first, "max.connections.per.ip", Some("2"));
    assert!(served(&at).is_none(), "the third of one address");
    let overrides = "max.connections.per.ip.overrides";
    set_broker(
        &mut first,
        overrides,
        Some(&format!("{}:3", at.kafka_address.ip())),
    );
    let third = served(&at).unwrap();
    assert!(served(&at).is_none());
    set_broker(&mut first, overrides, None);
    drop((first, second, third));
    at.stop().unwrap();
    let at = node(dir.path());
    let mut first = served(&at).unwrap();
    let _second = served(&at).unwrap();
    assert!(served(&at).is_none());
    set_broker(&mut first, "max.connections.per.ip", None);
    let _third = served(&at).unwrap();
    // As many as there are: who comes now waits until the limit is higher.
    set_broker(&mut first, "max.connections", Some("3"));
    let mut waits = Wire::to(&at);
    waits.send(&request_bytes(0, &ApiVersionsRequest::default()));
    set_broker(&mut first, "max.connections", None);
    assert!(waits.frame().is_some());
    at.stop().unwrap();
}

fn delete_records(wire: &mut Wire) -> (ErrorCode, i64) {
    let request = DeleteRecordsRequest {
        topics: vec![delete_records_request::DeleteRecordsTopic {
            name: Str::from("orders"),
            partitions: vec![delete_records_request::DeleteRecordsPartition {
                partition_index: 0,
                offset: 1,
            }],
        }],
        timeout_ms: 10_000,
    };
    let answer = wire.ask(2, &request).topics[0].partitions[0].clone();
    (
        ErrorCode::from_code(answer.error_code),
        answer.low_watermark,
    )
}

#[test]
fn where_only_compaction_takes_records_away_they_cannot_be_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let at = start(config(dir.path(), &[])).unwrap();
    let mut wire = Wire::to(&at);
    topic(&mut wire, "orders");
    for value in [b"1", b"2"] {
        assert_eq!(
            code(&produce(&mut wire, "orders", batch(value))),
            ErrorCode::None
        );
    }
    set_config(&mut wire, "orders", "cleanup.policy", "compact");
    assert_eq!(delete_records(&mut wire), (ErrorCode::PolicyViolation, -1));
    for policy in ["compact,delete", "", "delete"] {
        set_config(&mut wire, "orders", "cleanup.policy", policy);
        assert_eq!(delete_records(&mut wire), (ErrorCode::None, 1), "{policy}");
    }
    at.stop().unwrap();
}
