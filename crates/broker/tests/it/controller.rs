//! What nobody may do to the controller and its log.

use mainstem_protocol::messages::create_topics_request::CreatableTopic;
use mainstem_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use mainstem_protocol::messages::{CreateTopicsRequest, IncrementalAlterConfigsRequest};
use mainstem_protocol::{ErrorCode, Str};

use super::administration::topics;
use super::power::listed;
use super::wire::{Wire, batch, code, node, produce, topic};

const METADATA: &str = "__cluster_metadata";

fn create(wire: &mut Wire, name: &str) -> (ErrorCode, String) {
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: Str::from(name),
            num_partitions: 1,
            replication_factor: 1,
            ..CreatableTopic::default()
        }],
        timeout_ms: 10_000,
        ..CreateTopicsRequest::default()
    };
    let answer = wire.ask(7, &request).topics.remove(0);
    let message = answer.error_message.unwrap_or_default().to_string();
    (ErrorCode::from_code(answer.error_code), message)
}

#[test]
fn the_log_of_metadata_is_no_topic() {
    let dir = tempfile::tempdir().unwrap();
    let running = node(dir.path());
    let mut wire = Wire::to(&running);
    topics(&mut wire, &[("orders", 1)]);
    let prohibited = format!("Creation of internal topic {METADATA} is prohibited.");
    assert_eq!(
        create(&mut wire, METADATA),
        (ErrorCode::InvalidRequest, prohibited)
    );
    let asked = topic(&mut wire, METADATA).topics.remove(0);
    let unknown = ErrorCode::UnknownTopicOrPartition;
    assert_eq!(ErrorCode::from_code(asked.error_code), unknown);
    let refused = produce(&mut wire, METADATA, batch(b"mine"));
    assert_eq!(code(&refused), unknown);
    let told = listed(&mut wire);
    running.stop().unwrap();
    let again = node(dir.path());
    assert_eq!(listed(&mut Wire::to(&again)), told);
    again.stop().unwrap();
}

/// Changes one property; the code.
fn change(
    wire: &mut Wire,
    resource: (i8, &str),
    name: &str,
    (operation, value): (i8, &str),
) -> ErrorCode {
    let request = IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: resource.0,
            resource_name: Str::from(resource.1),
            configs: vec![AlterableConfig {
                name: Str::from(name),
                config_operation: operation,
                value: Some(Str::from(value)),
            }],
        }],
        validate_only: false,
    };
    let answer = wire.ask(1, &request).responses.remove(0);
    ErrorCode::from_code(answer.error_code)
}

/// The operation that makes a list longer.
const APPEND: i8 = 2;

#[test]
fn what_no_record_can_hold_is_refused_alone() {
    let dir = tempfile::tempdir().unwrap();
    let running = node(dir.path());
    let mut wire = Wire::to(&running);
    topics(&mut wire, &[("orders", 1)]);
    let replicas = |from: i32| {
        let pairs: Vec<String> = (from..from + 3_000).map(|at| format!("{at}:1")).collect();
        pairs.join(",")
    };
    let throttled = "follower.replication.throttled.replicas";
    let orders = (2, "orders");
    assert_eq!(
        change(&mut wire, orders, throttled, (APPEND, &replicas(0))),
        ErrorCode::None
    );
    assert_eq!(
        change(&mut wire, orders, throttled, (APPEND, &replicas(5_000))),
        ErrorCode::InvalidConfig
    );
    assert_eq!(create(&mut wire, "after").0, ErrorCode::None);
    let told = listed(&mut wire);
    running.stop().unwrap();
    let again = node(dir.path());
    assert_eq!(listed(&mut Wire::to(&again)), told);
    again.stop().unwrap();
}
