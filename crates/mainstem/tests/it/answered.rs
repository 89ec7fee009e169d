//! What was answered holds: whatever a client was told, `kill -9` right after it takes nothing of it back.

use std::path::{Path, PathBuf};

use mainstem_protocol::batch::{BatchBuilder, BatchOptions};
use mainstem_protocol::messages::{
    DeleteGroupsRequest, DeleteRecordsRequest, DescribeConfigsRequest, DescribeGroupsRequest,
    FetchRequest, IncrementalAlterConfigsRequest, ListOffsetsRequest, MetadataRequest,
    OffsetCommitRequest, OffsetFetchRequest, ProduceRequest, delete_records_request,
    describe_configs_request, fetch_request, incremental_alter_configs_request,
    list_offsets_request, metadata_request, offset_commit_request, offset_fetch_request,
    produce_request,
};
use mainstem_protocol::{ErrorCode, Str, Uuid};

use crate::node::Node;
use crate::wire::{Wire, batch, produce_request as produce_batch};

/// Kills the node and starts another on its directory.
fn killed(node: Node, dir: &Path) -> Node {
    node.kill();
    let node = Node::start(dir);
    assert!(node.banner.contains("unclean stop"), "{}", node.banner);
    node
}

fn list_offset(wire: &mut Wire, topic: &str, timestamp: i64) -> i64 {
    let partition = list_offsets_request::ListOffsetsPartition {
        timestamp,
        current_leader_epoch: -1,
        ..Default::default()
    };
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![list_offsets_request::ListOffsetsTopic {
            name: Str::from(topic),
            partitions: vec![partition],
        }],
        ..ListOffsetsRequest::default()
    };
    wire.ask(7, &request).topics[0].partitions[0].offset
}

fn commit(wire: &mut Wire, group: &str, topic: &str, offset: i64) {
    let partition = offset_commit_request::OffsetCommitRequestPartition {
        committed_offset: offset,
        committed_leader_epoch: -1,
        ..Default::default()
    };
    let request = OffsetCommitRequest {
        group_id: Str::from(group),
        generation_id_or_member_epoch: -1,
        topics: vec![offset_commit_request::OffsetCommitRequestTopic {
            name: Str::from(topic),
            partitions: vec![partition],
            ..Default::default()
        }],
        ..OffsetCommitRequest::default()
    };
    let response = wire.ask(9, &request);
    assert_eq!(response.topics[0].partitions[0].error_code, 0);
}

fn committed(wire: &mut Wire, group: &str, topic: &str) -> i64 {
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

/// Id and error code of a topic.
fn topic_id(wire: &mut Wire, name: &str) -> (Uuid, ErrorCode) {
    let topic = metadata_request::MetadataRequestTopic {
        name: Some(Str::from(name)),
        ..Default::default()
    };
    let request = MetadataRequest {
        topics: Some(vec![topic]),
        allow_auto_topic_creation: false,
        ..MetadataRequest::default()
    };
    let found = wire.ask(12, &request).topics.remove(0);
    (found.topic_id, ErrorCode::from_code(found.error_code))
}

/// A group that was committed for, so that its shard stands.
fn with_group(wire: &mut Wire, node: &Node, group: &str, topic: &str, offset: i64) {
    // Somebody must have asked for a coordinator before anything can be committed.
    node.must("consume settled --group settler --until-end");
    commit(wire, group, topic, offset);
}

/// The new log start and the code.
fn delete_records(wire: &mut Wire, topic: &str, offset: i64) -> (i64, ErrorCode) {
    let partition = delete_records_request::DeleteRecordsPartition {
        offset,
        ..Default::default()
    };
    let request = DeleteRecordsRequest {
        topics: vec![delete_records_request::DeleteRecordsTopic {
            name: Str::from(topic),
            partitions: vec![partition],
        }],
        timeout_ms: 10_000,
    };
    let result = wire.ask(2, &request).topics[0].partitions[0].clone();
    (
        result.low_watermark,
        ErrorCode::from_code(result.error_code),
    )
}

#[test]
fn a_log_start_and_settings_outlive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create orders --partitions 1");
    let mut wire = Wire::to(&node);
    for value in [b"a", b"b", b"c"] {
        wire.produce("orders", value);
    }
    assert_eq!(delete_records(&mut wire, "orders", 2), (2, ErrorCode::None));
    let node = killed(node, dir.path());
    let mut wire = Wire::to(&node);
    assert_eq!(list_offset(&mut wire, "orders", -2), 2);
    // Everything goes: an empty log still knows where it stands.
    assert_eq!(
        delete_records(&mut wire, "orders", -1),
        (3, ErrorCode::None)
    );
    alter(&mut wire, 2, "orders", "retention.ms", "86400000");
    alter(&mut wire, 4, "", "log.retention.ms", "172800000");
    let node = killed(node, dir.path());
    let mut wire = Wire::to(&node);
    assert_eq!(list_offset(&mut wire, "orders", -2), 3);
    assert_eq!(list_offset(&mut wire, "orders", -1), 3);
    assert_eq!(wire.produce("orders", b"d"), 3);
    assert_eq!(
        described(&mut wire, 2, "orders", "retention.ms").as_deref(),
        Some("86400000")
    );
    assert_eq!(
        described(&mut wire, 4, "", "log.retention.ms").as_deref(),
        Some("172800000")
    );
}

fn alter(wire: &mut Wire, resource_type: i8, name: &str, key: &str, value: &str) {
    let config = incremental_alter_configs_request::AlterableConfig {
        name: Str::from(key),
        config_operation: 0,
        value: Some(Str::from(value)),
    };
    let request = IncrementalAlterConfigsRequest {
        resources: vec![incremental_alter_configs_request::AlterConfigsResource {
            resource_type,
            resource_name: Str::from(name),
            configs: vec![config],
        }],
        validate_only: false,
    };
    assert_eq!(wire.ask(1, &request).responses[0].error_code, 0);
}

fn described(wire: &mut Wire, resource_type: i8, name: &str, key: &str) -> Option<String> {
    let request = DescribeConfigsRequest {
        resources: vec![describe_configs_request::DescribeConfigsResource {
            resource_type,
            resource_name: Str::from(name),
            configuration_keys: Some(vec![Str::from(key)]),
        }],
        ..DescribeConfigsRequest::default()
    };
    let mut results = wire.ask(4, &request).results;
    let found = results.remove(0).configs.pop()?;
    found.value.map(|value| value.to_string())
}

#[test]
fn a_topic_made_again_keeps_its_records_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create orders --partitions 1");
    let mut wire = Wire::to(&node);
    for _ in 0..5 {
        wire.produce("orders", b"old");
    }
    // The old topic's log start is on disk under the name that the new topic gets.
    assert_eq!(delete_records(&mut wire, "orders", 4), (4, ErrorCode::None));
    node.must("topic delete orders --yes");
    node.must("topic create orders --partitions 1");
    assert_eq!(wire.produce("orders", b"new"), 0);
    assert_eq!(wire.produce("orders", b"new"), 1);
    let node = killed(node, dir.path());
    let mut wire = Wire::to(&node);
    assert_eq!(list_offset(&mut wire, "orders", -2), 0);
    assert_eq!(list_offset(&mut wire, "orders", -1), 2);
    let read = node.must("consume orders --from-beginning --until-end");
    assert_eq!(read.out.matches("new").count(), 2, "{read:?}");
}

#[test]
fn a_repeated_batch_is_known_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create orders --partitions 1");
    let sequenced = |sequence: i32| {
        let mut builder = BatchBuilder::new(BatchOptions {
            producer_id: 7_000,
            producer_epoch: 1,
            base_sequence: sequence,
            ..BatchOptions::default()
        });
        let now = std::time::SystemTime::now();
        let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
        let now_ms = i64::try_from(since.as_millis()).unwrap();
        builder.append(now_ms, None, Some(b"value"), &[]);
        builder.build().unwrap()
    };
    let send = |wire: &mut Wire, sequence: i32| {
        let request = produce_batch("orders", sequenced(sequence));
        let answer = wire.ask(9, &request).responses[0].partition_responses[0].clone();
        (answer.base_offset, ErrorCode::from_code(answer.error_code))
    };
    let mut wire = Wire::to(&node);
    for sequence in 0..3 {
        let offset = i64::from(sequence);
        assert_eq!(send(&mut wire, sequence), (offset, ErrorCode::None));
    }
    let node = killed(node, dir.path());
    let mut wire = Wire::to(&node);
    assert_eq!(send(&mut wire, 2), (2, ErrorCode::None), "the same place");
    assert_eq!(send(&mut wire, 1), (1, ErrorCode::None), "one before it");
    assert_eq!(send(&mut wire, 5).1, ErrorCode::OutOfOrderSequenceNumber);
    assert_eq!(send(&mut wire, 3), (3, ErrorCode::None));
    assert_eq!(list_offset(&mut wire, "orders", -1), 4);
}

#[test]
fn groups_stand_or_are_gone_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create orders --partitions 1");
    node.must("topic create settled --partitions 1");
    let mut wire = Wire::to(&node);
    with_group(&mut wire, &node, "kept", "orders", 41);
    commit(&mut wire, "kept", "orders", 42);
    commit(&mut wire, "gone", "orders", 7);
    let deleted = wire.ask(
        2,
        &DeleteGroupsRequest {
            groups_names: vec![Str::from("gone")],
        },
    );
    assert_eq!(deleted.results[0].error_code, 0);
    // The node's own topics are cut by nobody else.
    assert_eq!(
        delete_records(&mut wire, "__consumer_offsets", -1).1,
        ErrorCode::InvalidTopicException
    );
    let node = killed(node, dir.path());
    let mut wire = Wire::to(&node);
    assert_eq!(committed(&mut wire, "kept", "orders"), 42);
    assert_eq!(committed(&mut wire, "gone", "orders"), -1);
    let request = DescribeGroupsRequest {
        groups: vec![Str::from("kept"), Str::from("gone")],
        ..DescribeGroupsRequest::default()
    };
    let codes: Vec<_> = wire
        .ask(6, &request)
        .groups
        .iter()
        .map(|group| ErrorCode::from_code(group.error_code))
        .collect();
    assert_eq!(codes, [ErrorCode::None, ErrorCode::GroupIdNotFound]);
}

/// Asserts that nothing answers to the id of a topic that is gone.
fn check_dead(wire: &mut Wire, id: Uuid) {
    let partition = fetch_request::FetchPartition {
        partition_max_bytes: 1_000,
        ..Default::default()
    };
    let fetched = wire.ask(
        13,
        &FetchRequest {
            max_bytes: 1_000,
            session_epoch: -1,
            topics: vec![fetch_request::FetchTopic {
                topic_id: id,
                partitions: vec![partition],
                ..Default::default()
            }],
            ..FetchRequest::default()
        },
    );
    let unknown = ErrorCode::UnknownTopicId.code();
    assert_eq!(fetched.responses[0].partitions[0].error_code, unknown);
    let produced = wire.ask(
        13,
        &ProduceRequest {
            acks: -1,
            timeout_ms: 10_000,
            topic_data: vec![produce_request::TopicProduceData {
                topic_id: id,
                partition_data: vec![produce_request::PartitionProduceData {
                    index: 0,
                    records: Some(batch(b"stray").into()),
                }],
                ..Default::default()
            }],
            ..ProduceRequest::default()
        },
    );
    let answer = &produced.responses[0].partition_responses[0];
    assert_eq!(answer.error_code, unknown);
    let asked = metadata_request::MetadataRequestTopic {
        name: None,
        topic_id: id,
    };
    let request = MetadataRequest {
        topics: Some(vec![asked]),
        ..MetadataRequest::default()
    };
    assert_eq!(wire.ask(12, &request).topics[0].error_code, unknown);
}

#[test]
fn a_topic_made_again_is_another_topic() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create orders --partitions 1");
    node.must("topic create settled --partitions 1");
    let mut wire = Wire::to(&node);
    for value in [b"a", b"b", b"c"] {
        wire.produce("orders", value);
    }
    let (old, _) = topic_id(&mut wire, "orders");
    with_group(&mut wire, &node, "readers", "orders", 3);
    node.must("topic delete orders --yes");
    assert_eq!(
        topic_id(&mut wire, "orders").1,
        ErrorCode::UnknownTopicOrPartition
    );
    let node = killed(node, dir.path());
    let mut wire = Wire::to(&node);
    assert_eq!(
        topic_id(&mut wire, "orders").1,
        ErrorCode::UnknownTopicOrPartition
    );
    node.must("topic create orders --partitions 1");
    let (new, _) = topic_id(&mut wire, "orders");
    assert_ne!(old, new);
    check_dead(&mut wire, old);
    let node = killed(node, dir.path());
    let mut wire = Wire::to(&node);
    assert_eq!(topic_id(&mut wire, "orders"), (new, ErrorCode::None));
    check_dead(&mut wire, old);
    assert_eq!(committed(&mut wire, "readers", "orders"), -1);
    assert_eq!(list_offset(&mut wire, "orders", -1), 0);
    assert_eq!(wire.produce("orders", b"first"), 0);
}

/// The directories of committed offsets.
fn offsets_dirs(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_offsets = |path: &PathBuf| path.to_string_lossy().contains("/__consumer_offsets-");
    paths.filter(is_offsets).collect()
}

fn copy_dir(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn offsets_of_a_deleted_topic_are_dead_even_when_their_removal_was_lost() {
    let dir = tempfile::tempdir().unwrap();
    let aside = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create orders --partitions 1");
    node.must("topic create settled --partitions 1");
    let mut wire = Wire::to(&node);
    with_group(&mut wire, &node, "readers", "orders", 3);
    commit(&mut wire, "readers", "settled", 9);
    node.kill();
    let saved = offsets_dirs(dir.path());
    for path in &saved {
        copy_dir(path, &aside.path().join(path.file_name().unwrap()));
    }
    let node = Node::start(dir.path());
    node.must("topic delete orders --yes");
    node.must("topic create orders --partitions 1");
    node.kill();
    // As after a kill between the deletion, which is in the metadata, and the tombstones of the group.
    for path in &saved {
        copy_dir(&aside.path().join(path.file_name().unwrap()), path);
    }
    let node = Node::start(dir.path());
    let mut wire = Wire::to(&node);
    assert_eq!(committed(&mut wire, "readers", "orders"), -1);
    assert_eq!(committed(&mut wire, "readers", "settled"), 9);
}

#[test]
fn a_deleted_topic_leaves_no_directory_even_when_the_kill_came_before_its_removal() {
    let dir = tempfile::tempdir().unwrap();
    let aside = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create orders --partitions 1");
    Wire::to(&node).produce("orders", b"a");
    node.kill();
    let (there, saved) = (dir.path().join("orders-0"), aside.path().join("orders-0"));
    copy_dir(&there, &saved);
    let node = Node::start(dir.path());
    node.must("topic delete orders --yes");
    node.kill();
    // As after a kill between the deletion, which is in the metadata, and the removal of the files.
    copy_dir(&saved, &there);
    let node = Node::start(dir.path());
    assert_eq!(node.must("topic list").out, "");
    let names = std::fs::read_dir(dir.path()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = names.filter(|name| name.starts_with("orders")).collect();
    assert!(left.is_empty(), "{left:?}");
}
