//! What was answered holds when the power is cut right after the answer: a disk that forgets what was not synced, in many ways.

use std::path::Path;
use std::sync::Arc;

use mainstem_broker::{NodeConfig, RunningNode, start};
use mainstem_protocol::messages::{
    DeleteGroupsRequest, DeleteRecordsRequest, DeleteTopicsRequest, DescribeConfigsRequest,
    FindCoordinatorRequest, IncrementalAlterConfigsRequest, ListOffsetsRequest, MetadataRequest,
    OffsetCommitRequest, OffsetFetchRequest, delete_records_request, describe_configs_request,
    incremental_alter_configs_request, list_offsets_request, offset_commit_request,
    offset_fetch_request,
};
use mainstem_protocol::{ErrorCode, Str, Uuid};
use mainstem_storage::disk::MemDisk;

use crate::administration::topics;
use crate::wire::{Wire, code, config, produce, sequenced};

/// Ways in which the disk may look after the cut.
const SEEDS: u64 = 16;

fn node_on(dir: &Path, disk: MemDisk, options: &[&str]) -> RunningNode {
    let config = NodeConfig {
        disk: Some(Arc::new(disk)),
        ..config(dir, options)
    };
    start(config).unwrap()
}

fn list_offset(wire: &mut Wire, topic: &str, timestamp: i64) -> i64 {
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![list_offsets_request::ListOffsetsTopic {
            name: Str::from(topic),
            partitions: vec![list_offsets_request::ListOffsetsPartition {
                timestamp,
                current_leader_epoch: -1,
                ..Default::default()
            }],
        }],
        ..ListOffsetsRequest::default()
    };
    wire.ask(7, &request).topics[0].partitions[0].offset
}

pub(crate) fn delete_records_request(topic: &str, offset: i64) -> DeleteRecordsRequest {
    DeleteRecordsRequest {
        topics: vec![delete_records_request::DeleteRecordsTopic {
            name: Str::from(topic),
            partitions: vec![delete_records_request::DeleteRecordsPartition {
                partition_index: 0,
                offset,
            }],
        }],
        timeout_ms: 10_000,
    }
}

pub(crate) fn delete_records(wire: &mut Wire, topic: &str, offset: i64) -> i64 {
    let request = delete_records_request(topic, offset);
    wire.ask(2, &request).topics[0].partitions[0].low_watermark
}

pub(crate) fn set_config(wire: &mut Wire, topic: &str, name: &str, value: &str) {
    let config = incremental_alter_configs_request::AlterableConfig {
        name: Str::from(name),
        config_operation: 0,
        value: Some(Str::from(value)),
    };
    let request = IncrementalAlterConfigsRequest {
        resources: vec![incremental_alter_configs_request::AlterConfigsResource {
            resource_type: 2,
            resource_name: Str::from(topic),
            configs: vec![config],
        }],
        validate_only: false,
    };
    assert_eq!(wire.ask(1, &request).responses[0].error_code, 0);
}

pub(crate) fn config_of(wire: &mut Wire, topic: &str, name: &str) -> String {
    let request = DescribeConfigsRequest {
        resources: vec![describe_configs_request::DescribeConfigsResource {
            resource_type: 2,
            resource_name: Str::from(topic),
            configuration_keys: Some(vec![Str::from(name)]),
        }],
        ..DescribeConfigsRequest::default()
    };
    let found = wire.ask(4, &request).results.remove(0).configs.remove(0);
    found.value.unwrap().to_string()
}

pub(crate) fn delete_topic(wire: &mut Wire, name: &str) {
    let request = DeleteTopicsRequest {
        topic_names: vec![Str::from(name)],
        timeout_ms: 10_000,
        ..DeleteTopicsRequest::default()
    };
    assert_eq!(wire.ask(5, &request).responses[0].error_code, 0);
}

/// Names and ids of the topics that clients made.
pub(crate) fn listed(wire: &mut Wire) -> Vec<(String, Uuid)> {
    let request = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    let topics = wire.ask(12, &request).topics.into_iter();
    let named = topics.map(|topic| (topic.name.unwrap().to_string(), topic.topic_id));
    named.filter(|(name, _)| !name.starts_with("__")).collect()
}

fn commit(wire: &mut Wire, version: i16, group: &str, topic: &str, offset: i64) {
    let request = OffsetCommitRequest {
        group_id: Str::from(group),
        generation_id_or_member_epoch: -1,
        retention_time_ms: if version <= 4 { 86_400_000 } else { -1 },
        topics: vec![offset_commit_request::OffsetCommitRequestTopic {
            name: Str::from(topic),
            partitions: vec![offset_commit_request::OffsetCommitRequestPartition {
                committed_offset: offset,
                committed_leader_epoch: -1,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..OffsetCommitRequest::default()
    };
    let response = wire.ask(version, &request);
    assert_eq!(response.topics[0].partitions[0].error_code, 0);
}

pub(crate) fn committed(wire: &mut Wire, group: &str, topic: &str) -> i64 {
    let request = OffsetFetchRequest {
        groups: vec![offset_fetch_request::OffsetFetchRequestGroup {
            group_id: Str::from(group),
            topics: Some(vec![offset_fetch_request::OffsetFetchRequestTopics {
                name: Str::from(topic),
                partition_indexes: vec![0],
                ..Default::default()
            }]),
            ..Default::default()
        }],
        ..OffsetFetchRequest::default()
    };
    wire.ask(9, &request).groups[0].topics[0].partitions[0].committed_offset
}

/// Asks for everything whose answer must hold; the topics as they were told.
fn ask_everything(wire: &mut Wire) -> Vec<(String, Uuid)> {
    topics(wire, &[("kept", 1), ("again", 1), ("gone", 1)]);
    for (topic, count) in [("kept", 3), ("again", 2)] {
        for sequence in 0..count {
            let answer = produce(wire, topic, sequenced(900, 0, sequence));
            assert_eq!(code(&answer), ErrorCode::None);
        }
    }
    let coordinator = FindCoordinatorRequest {
        coordinator_keys: vec![Str::from("readers")],
        ..FindCoordinatorRequest::default()
    };
    assert_eq!(wire.ask(4, &coordinator).coordinators[0].error_code, 0);
    for (group, topic, offset) in [
        ("readers", "kept", 2),
        ("readers", "again", 1),
        ("leavers", "kept", 1),
    ] {
        commit(wire, 9, group, topic, offset);
    }
    // Old clients say how long an offset is kept; such a record cannot say which topic it was about but by name.
    commit(wire, 2, "elders", "again", 1);
    commit(wire, 2, "elders", "kept", 1);
    delete_topic(wire, "gone");
    delete_topic(wire, "again");
    topics(wire, &[("again", 1)]);
    let leavers = DeleteGroupsRequest {
        groups_names: vec![Str::from("leavers")],
    };
    assert_eq!(wire.ask(2, &leavers).results[0].error_code, 0);
    set_config(wire, "kept", "retention.ms", "86400000");
    assert_eq!(delete_records(wire, "kept", 1), 1);
    listed(wire)
}

fn check_everything(wire: &mut Wire, told: &[(String, Uuid)]) {
    assert_eq!(listed(wire), told);
    assert_eq!(committed(wire, "elders", "kept"), 1);
    assert_eq!(list_offset(wire, "kept", -2), 1);
    assert_eq!(list_offset(wire, "kept", -1), 3);
    assert_eq!(list_offset(wire, "again", -1), 0);
    assert_eq!(config_of(wire, "kept", "retention.ms"), "86400000");
    assert_eq!(committed(wire, "readers", "kept"), 2);
    assert_eq!(committed(wire, "readers", "again"), -1);
    assert_eq!(committed(wire, "leavers", "kept"), -1);
    // The producer's last batch is known, and the next one follows it.
    let repeated = produce(wire, "kept", sequenced(900, 0, 2));
    assert_eq!(
        (code(&repeated), repeated.base_offset),
        (ErrorCode::None, 2)
    );
    let skipped = produce(wire, "kept", sequenced(900, 0, 7));
    assert_eq!(code(&skipped), ErrorCode::OutOfOrderSequenceNumber);
    let next = produce(wire, "kept", sequenced(900, 0, 3));
    assert_eq!((code(&next), next.base_offset), (ErrorCode::None, 3));
}

fn check_cuts(options: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let disk = MemDisk::new();
    let node = node_on(dir.path(), disk.clone(), options);
    let told = ask_everything(&mut Wire::to(&node));
    assert_eq!(committed(&mut Wire::to(&node), "elders", "again"), -1);
    let cuts: Vec<MemDisk> = (0..SEEDS).map(|seed| disk.crash(seed)).collect();
    node.stop().unwrap();
    for cut in cuts {
        let node = node_on(dir.path(), cut, options);
        assert!(!node.report.was_clean);
        check_everything(&mut Wire::to(&node), &told);
        node.stop().unwrap();
    }
}

#[test]
fn what_was_answered_holds_after_a_power_cut() {
    check_cuts(&[]);
}

#[test]
fn it_holds_as_well_when_each_change_of_metadata_is_followed_by_a_snapshot() {
    check_cuts(&[
        "metadata.log.max.record.bytes.between.snapshots=1",
        "metadata.max.retention.bytes=1",
    ]);
}
