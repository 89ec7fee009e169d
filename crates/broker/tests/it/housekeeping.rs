//! What the node does by itself, again and again: retention, and forgetting of producers.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mainstem_broker::{RunningNode, start};
use mainstem_protocol::Str;
use mainstem_protocol::batch::{BatchBuilder, BatchOptions};
use mainstem_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use mainstem_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use mainstem_protocol::messages::{
    CreateTopicsRequest, DescribeProducersRequest, ListOffsetsRequest, describe_producers_request,
};

use super::wire::{Wire, config, produce, sequenced, topic};

/// Until when a chore must be done that is looked for every 50 ms.
const DEADLINE: Duration = Duration::from_secs(20);

fn restless(dir: &Path) -> RunningNode {
    let options = [
        "log.retention.check.interval.ms=50",
        "producer.id.expiration.ms=50",
    ];
    start(config(dir, &options)).unwrap()
}

fn topic_with(wire: &mut Wire, name: &str, configs: &[(&str, &str)]) {
    let configs = configs.iter().map(|(name, value)| CreatableTopicConfig {
        name: Str::from(*name),
        value: Some(Str::from(*value)),
    });
    let topic = CreatableTopic {
        name: Str::from(name),
        num_partitions: 1,
        replication_factor: 1,
        configs: configs.collect(),
        ..CreatableTopic::default()
    };
    let request = CreateTopicsRequest {
        topics: vec![topic],
        timeout_ms: 10_000,
        ..CreateTopicsRequest::default()
    };
    assert_eq!(wire.ask(7, &request).topics[0].error_code, 0);
}

/// A batch of 900,000 bytes that is so old.
fn large(age_ms: i64) -> Bytes {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    let now_ms = i64::try_from(since.as_millis()).unwrap();
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(now_ms - age_ms, None, Some(&[7; 900_000]), &[]);
    builder.build().unwrap()
}

fn log_start(wire: &mut Wire, topic: &str) -> i64 {
    let earliest = ListOffsetsPartition {
        timestamp: -2,
        current_leader_epoch: -1,
        ..ListOffsetsPartition::default()
    };
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: Str::from(topic),
            partitions: vec![earliest],
        }],
        ..ListOffsetsRequest::default()
    };
    wire.ask(7, &request).topics[0].partitions[0].offset
}

/// Asks until it is so.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < DEADLINE, "{what}");
    }
}

#[test]
fn what_is_old_or_too_much_goes_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let node = restless(dir.path());
    let mut wire = Wire::to(&node);
    let segment = ("segment.bytes", "1048576");
    topic_with(
        &mut wire,
        "sized",
        &[segment, ("retention.bytes", "1000000")],
    );
    topic_with(&mut wire, "aged", &[segment, ("retention.ms", "60000")]);
    topic_with(&mut wire, "kept", &[segment, ("retention.ms", "-1")]);
    for age_ms in [3_600_000, 3_600_000, 0] {
        for topic in ["sized", "aged", "kept"] {
            assert_eq!(produce(&mut wire, topic, large(age_ms)).error_code, 0);
        }
    }
    // A segment each: the limit is what may be kept, so that one more than that stays.
    wait_until("too much goes", || log_start(&mut wire, "sized") == 1);
    wait_until("the old goes", || log_start(&mut wire, "aged") == 2);
    assert_eq!(log_start(&mut wire, "kept"), 0);
    for (topic, gone) in [("sized", 1), ("aged", 2)] {
        for offset in 0..gone {
            let file = format!("{topic}-0/{offset:020}.log");
            wait_until(&file, || !dir.path().join(&file).exists());
        }
    }
    node.stop().unwrap();
}

#[test]
fn a_silent_producer_is_forgotten_though_nothing_else_goes() {
    let dir = tempfile::tempdir().unwrap();
    let node = restless(dir.path());
    let mut wire = Wire::to(&node);
    topic(&mut wire, "orders");
    let response = produce(&mut wire, "orders", sequenced(4_000, 0, 0));
    assert_eq!(response.error_code, 0);
    let request = DescribeProducersRequest {
        topics: vec![describe_producers_request::TopicRequest {
            name: Str::from("orders"),
            partition_indexes: vec![0],
        }],
    };
    wait_until("the producer is forgotten", || {
        let partition = &wire.ask(0, &request).topics[0].partitions[0];
        assert_eq!(partition.error_code, 0);
        partition.active_producers.is_empty()
    });
    assert_eq!(log_start(&mut wire, "orders"), 0);
    node.stop().unwrap();
}
