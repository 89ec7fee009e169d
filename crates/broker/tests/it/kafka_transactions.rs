//! Transactions that Apache Kafka served, in the records of a topic and in offsets that were committed.

use std::path::Path;

use bytes::Bytes;
use mainstem_protocol::batch::{BatchBuilder, BatchOptions, ControlKind, control_batch};
use mainstem_protocol::messages::{
    FetchResponse, GroupKey, GroupValue, ListOffsetsRequest, OffsetCommitKey, OffsetCommitValue,
    list_offsets_request,
};
use mainstem_protocol::{ErrorCode, Str};

use super::kafka_directory::{ID, OTHER_ID, directory, feature, metadata, options, topic_records};
use super::power::committed;
use super::serving::{fetch_request, fetched};
use super::wire::{Wire, node};

fn transactional(base_offset: i64, producer_id: i64) -> BatchOptions {
    BatchOptions {
        producer_id,
        producer_epoch: 0,
        base_sequence: 0,
        transactional: true,
        ..options(base_offset, 3)
    }
}

/// A batch of two records of a transaction.
fn batch(base_offset: i64, producer_id: i64) -> Bytes {
    let mut builder = BatchBuilder::new(transactional(base_offset, producer_id));
    builder.append(1_000, None, Some(b"one"), &[]);
    builder.append(1_000, None, Some(b"two"), &[]);
    builder.build().unwrap()
}

fn marker(base_offset: i64, producer_id: i64, kind: ControlKind) -> Bytes {
    let options = BatchOptions {
        base_sequence: -1,
        ..transactional(base_offset, producer_id)
    };
    control_batch(options, kind, 1_000, &[0; 6]).unwrap()
}

/// An offset that a group commits in a transaction.
fn commit(base_offset: i64, producer_id: i64, group: &'static str, offset: i64) -> Bytes {
    let key = OffsetCommitKey {
        group: Str::from_static(group),
        topic: Str::from_static("orders"),
        partition: 0,
    };
    let value = OffsetCommitValue {
        offset,
        topic_id: ID,
        ..OffsetCommitValue::default()
    };
    let key = GroupKey::OffsetCommitKey(key).encode_key().unwrap();
    let value = GroupValue::OffsetCommitValue(value)
        .encode_value(4)
        .unwrap();
    let mut builder = BatchBuilder::new(transactional(base_offset, producer_id));
    builder.append(1_000, Some(&key), Some(&value), &[]);
    builder.build().unwrap()
}

fn partition(dir: &Path, name: &str, batches: &[Bytes]) {
    let path = dir.join(name);
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("00000000000000000000.log"), batches.concat()).unwrap();
}

/// A directory with these batches in a topic of records, or in that of offsets.
fn with(name: &'static str, batches: &[Bytes]) -> tempfile::TempDir {
    let mut records = vec![feature("metadata.version", 33)];
    records.extend(topic_records("orders", ID));
    records.extend(topic_records("__consumer_offsets", OTHER_ID));
    let dir = directory(&[("00000000000000000000.log", &metadata(0, &records))]);
    partition(dir.path(), name, batches);
    dir
}

fn latest(wire: &mut Wire, isolation_level: i8) -> i64 {
    let request = ListOffsetsRequest {
        replica_id: -1,
        isolation_level,
        topics: vec![list_offsets_request::ListOffsetsTopic {
            name: Str::from_static("orders"),
            partitions: vec![list_offsets_request::ListOffsetsPartition {
                partition_index: 0,
                current_leader_epoch: -1,
                timestamp: -1,
            }],
        }],
        ..ListOffsetsRequest::default()
    };
    wire.ask(7, &request).topics[0].partitions[0].offset
}

#[test]
fn what_was_aborted_is_told_and_what_has_not_ended_is_not_shown() {
    let log = [
        batch(0, 7),
        batch(2, 8),
        marker(4, 7, ControlKind::Abort),
        marker(5, 8, ControlKind::Commit),
        batch(6, 9),
    ];
    let dir = with("orders-0", &log);
    let mut entry = vec![0, 0];
    for number in [7_i64, 0, 4, 2] {
        entry.extend_from_slice(&number.to_be_bytes());
    }
    let index = dir.path().join("orders-0/00000000000000000000.txnindex");
    std::fs::write(index, entry).unwrap();
    let running = node(dir.path());
    let mut wire = Wire::to(&running);
    let mut ask = |offset, level| {
        let mut request = fetch_request(offset, 0);
        request.isolation_level = level;
        let response: FetchResponse = wire.ask(12, &request);
        let data = &response.responses[0].partitions[0];
        let aborted = data.aborted_transactions.iter().flatten();
        let aborted = aborted.map(|aborted| (aborted.producer_id, aborted.first_offset));
        let (error, end, records) = fetched(&response);
        assert_eq!(
            (error, end, data.last_stable_offset),
            (ErrorCode::None, 8, 6)
        );
        (records.len(), aborted.collect::<Vec<_>>())
    };
    let whole: usize = log.iter().map(Bytes::len).sum();
    assert_eq!(ask(0, 0), (whole, vec![]));
    assert_eq!(ask(0, 1), (whole - log[4].len(), vec![(7, 0)]));
    assert_eq!(ask(5, 1), (log[3].len(), vec![]));
    assert_eq!(ask(6, 1), (0, vec![]));
    assert_eq!((latest(&mut wire, 0), latest(&mut wire, 1)), (8, 6));
    running.stop().unwrap();
}

#[test]
fn offsets_of_a_transaction_count_when_it_is_committed() {
    let dir = with(
        "__consumer_offsets-0",
        &[
            commit(0, 7, "done", 10),
            commit(1, 8, "undone", 20),
            marker(2, 7, ControlKind::Commit),
            marker(3, 8, ControlKind::Abort),
            commit(4, 7, "done", 11),
            commit(5, 9, "open", 30),
        ],
    );
    let running = node(dir.path());
    let mut wire = Wire::to(&running);
    assert_eq!(committed(&mut wire, "done", "orders"), 10);
    assert_eq!(committed(&mut wire, "undone", "orders"), -1);
    assert_eq!(committed(&mut wire, "open", "orders"), -1);
    running.stop().unwrap();
}
