//! Produce, fetch, offsets, idempotence, groups: what a client relies on.

use bytes::Bytes;
use mainstem_protocol::batch::{BatchBuilder, BatchHeader, BatchOptions, batches};
use mainstem_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use mainstem_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use mainstem_protocol::messages::{
    ApiVersionsRequest, DeleteTopicsRequest, DescribeClusterRequest, FetchRequest, FetchResponse,
    FindCoordinatorRequest, InitProducerIdRequest, ListOffsetsRequest, MetadataRequest,
};
use mainstem_protocol::{ErrorCode, RecordBatches, Str};

use super::wire::{Wire, batch, code, node, produce, request_bytes, topic};

pub(crate) fn fetch_request(offset: i64, max_wait_ms: i32) -> FetchRequest {
    let partition = FetchPartition {
        fetch_offset: offset,
        partition_max_bytes: 1 << 20,
        ..FetchPartition::default()
    };
    FetchRequest {
        max_wait_ms,
        min_bytes: 1,
        session_epoch: -1,
        topics: vec![FetchTopic {
            topic: Str::from("orders"),
            partitions: vec![partition],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    }
}

pub(crate) fn fetched(response: &FetchResponse) -> (ErrorCode, i64, Vec<u8>) {
    let data = &response.responses[0].partitions[0];
    let records = data.records.clone().and_then(RecordBatches::into_memory);
    let records = records.unwrap_or_default();
    (
        ErrorCode::from_code(data.error_code),
        data.high_watermark,
        records.to_vec(),
    )
}

#[test]
fn what_was_produced_is_fetched_and_offsets_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topic(&mut wire, "orders");
    for number in 0..3 {
        let answer = produce(&mut wire, "orders", batch(&[number; 50]));
        assert_eq!(
            (code(&answer), answer.base_offset),
            (ErrorCode::None, i64::from(number))
        );
    }
    let (error, high_watermark, records) = fetched(&wire.ask(12, &fetch_request(1, 0)));
    assert_eq!((error, high_watermark), (ErrorCode::None, 3));
    assert_eq!(BatchHeader::parse(&records).unwrap().base_offset, 1);
    assert_eq!(
        fetched(&wire.ask(12, &fetch_request(4, 0))).0,
        ErrorCode::OffsetOutOfRange
    );
    for (timestamp, offset) in [(-2, 0), (-1, 3)] {
        let partition = ListOffsetsPartition {
            timestamp,
            ..ListOffsetsPartition::default()
        };
        let topics = vec![ListOffsetsTopic {
            name: Str::from("orders"),
            partitions: vec![partition],
        }];
        for version in 1..=11 {
            let answer = wire.ask(
                version,
                &ListOffsetsRequest {
                    replica_id: -1,
                    topics: topics.clone(),
                    ..Default::default()
                },
            );
            assert_eq!(
                answer.topics[0].partitions[0].offset, offset,
                "version {version}"
            );
        }
    }
    node.stop().unwrap();
}

#[test]
fn a_fetch_waits_for_what_is_produced_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let (mut reader, mut writer) = (Wire::to(&node), Wire::to(&node));
    topic(&mut writer, "orders");
    reader.send(&super::wire::request_bytes(12, &fetch_request(0, 15_000)));
    produce(&mut writer, "orders", batch(b"late"));
    let frame = reader.frame().unwrap();
    assert!(frame.windows(4).any(|window| window == b"late"));
    node.stop().unwrap();
}

/// Waits until `enough` of the records that come one by one are there.
fn fetched_with_min_bytes(min_bytes: i32, max_wait_ms: i32, appended: usize) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let (mut reader, mut writer) = (Wire::to(&node), Wire::to(&node));
    topic(&mut writer, "orders");
    let request = FetchRequest {
        min_bytes,
        ..fetch_request(0, max_wait_ms)
    };
    reader.send(&super::wire::request_bytes(12, &request));
    for _ in 0..appended {
        produce(&mut writer, "orders", batch(&[7; 1_000]));
    }
    let frame = reader.frame().unwrap();
    node.stop().unwrap();
    frame.len()
}

#[test]
fn a_fetch_waits_for_as_many_bytes_as_it_asks_for() {
    // With the last of as many batches as it takes: the time would be over long after the reader has lost patience.
    let size = batch(&[7; 1_000]).len();
    let enough = 50_000_usize.div_ceil(size);
    let bytes = fetched_with_min_bytes(50_000, 60_000, enough);
    assert!((0..200).contains(&(bytes - enough * size)), "{bytes}");
    // Or when the time is over, with what there is by then.
    let bytes = fetched_with_min_bytes(50_000, 300, 3);
    assert!((3_000..4_000).contains(&bytes), "{bytes}");
}

#[test]
fn large_batches_come_whole_however_slowly_they_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topic(&mut wire, "orders");
    for number in 0..100 {
        produce(&mut wire, "orders", batch(&[number; 100_000]));
    }
    let mut request = fetch_request(0, 0);
    request.max_bytes = 50 << 20;
    request.topics[0].partitions[0].partition_max_bytes = 50 << 20;
    // Two answers of 10 MB, far more than sockets hold: the node must wait for the reader in the middle of a file.
    wire.send(&request_bytes(12, &request));
    wire.send(&request_bytes(12, &request));
    for _ in 0..2 {
        let (_, _, records) = fetched(&wire.answer(12, &request));
        let mut expected = 0;
        for found in batches(&Bytes::from(records)) {
            let (header, batch) = found.unwrap();
            header.check_crc(&batch).unwrap();
            assert_eq!(header.base_offset, expected);
            expected += 1;
        }
        assert_eq!(expected, 100);
    }
    node.stop().unwrap();
}

fn numbered(producer_id: i64, sequence: i32) -> bytes::Bytes {
    let options = BatchOptions {
        producer_id,
        producer_epoch: 0,
        base_sequence: sequence,
        ..BatchOptions::default()
    };
    let mut builder = BatchBuilder::new(options);
    builder.append(-1, None, Some(b"v"), &[]);
    builder.build().unwrap()
}

#[test]
fn a_batch_that_comes_twice_is_stored_once_and_a_gap_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topic(&mut wire, "orders");
    let given = wire.ask(
        4,
        &InitProducerIdRequest {
            transactional_id: None,
            ..InitProducerIdRequest::default()
        },
    );
    assert_eq!(given.error_code, 0);
    let first = produce(&mut wire, "orders", numbered(given.producer_id, 0));
    let second = produce(&mut wire, "orders", numbered(given.producer_id, 1));
    assert_eq!((first.base_offset, second.base_offset), (0, 1));
    let again = produce(&mut wire, "orders", numbered(given.producer_id, 0));
    assert_eq!((code(&again), again.base_offset), (ErrorCode::None, 0));
    let gap = produce(&mut wire, "orders", numbered(given.producer_id, 5));
    assert_eq!(code(&gap), ErrorCode::OutOfOrderSequenceNumber);
    node.stop().unwrap();
}

#[test]
fn a_clean_stop_is_found_again_with_records_and_ids() {
    let dir = tempfile::tempdir().unwrap();
    let first = node(dir.path());
    let mut wire = Wire::to(&first);
    let id = topic(&mut wire, "orders").cluster_id;
    produce(&mut wire, "orders", batch(b"kept"));
    first.stop().unwrap();
    let second = node(dir.path());
    assert!(second.report.was_clean && second.report.repairs.is_empty() && !second.report.is_new);
    let mut wire = Wire::to(&second);
    assert_eq!(topic(&mut wire, "orders").cluster_id, id);
    let (_, high_watermark, records) = fetched(&wire.ask(12, &fetch_request(0, 0)));
    assert_eq!(high_watermark, 1);
    assert!(records.windows(4).any(|window| window == b"kept"));
    second.stop().unwrap();
}

#[test]
fn the_node_says_who_it_is_and_who_coordinates() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    let port = i32::from(node.kafka_address.port());
    let cluster = wire.ask(0, &DescribeClusterRequest::default());
    assert_eq!((cluster.brokers.len(), cluster.brokers[0].port), (1, port));
    let coordinator = wire.ask(
        3,
        &FindCoordinatorRequest {
            key: Str::from("billing"),
            ..Default::default()
        },
    );
    assert_eq!((coordinator.error_code, coordinator.port), (0, port));
    let software = || ApiVersionsRequest {
        client_software_name: Str::from("test"),
        client_software_version: Str::from("1"),
        ..ApiVersionsRequest::default()
    };
    let versions = wire.ask(4, &software());
    let produce = versions
        .api_keys
        .iter()
        .find(|key| key.api_key == 0)
        .unwrap();
    assert_eq!((produce.min_version, produce.max_version), (0, 13));
    assert_eq!(versions.finalized_features[0].max_version_level, 33);
    let elsewhere = ApiVersionsRequest {
        cluster_id: Some(Str::from("another")),
        node_id: 1,
        ..software()
    };
    assert_eq!(
        wire.ask(5, &elsewhere).error_code,
        ErrorCode::RebootstrapRequired.code()
    );
    let half = ApiVersionsRequest {
        node_id: -1,
        ..elsewhere.clone()
    };
    assert_eq!(
        wire.ask(5, &half).error_code,
        ErrorCode::InvalidRequest.code()
    );
    let nameless = ApiVersionsRequest {
        client_software_name: Str::from("-"),
        ..software()
    };
    assert_eq!(
        wire.ask(3, &nameless).error_code,
        ErrorCode::InvalidRequest.code()
    );
    node.stop().unwrap();
}

#[test]
fn many_small_requests_at_once_are_all_answered() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    // More than a connection holds in flight, and not a byte after them.
    let count = 1_000;
    let one = request_bytes(0, &DescribeClusterRequest::default());
    wire.send(&one.repeat(count));
    for at in 0..count {
        assert!(wire.frame().is_some(), "answer {at}");
    }
    node.stop().unwrap();
}

#[test]
fn a_stop_does_not_wait_for_a_long_poll() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topic(&mut wire, "orders");
    wire.send(&request_bytes(12, &fetch_request(0, 60_000)));
    // The fetch is parked by now, or not yet read: neither may hold up the stop.
    topic(&mut Wire::to(&node), "orders");
    let began = std::time::Instant::now();
    node.stop().unwrap();
    assert!(began.elapsed() < mainstem_broker::limits::DRAIN);
    assert!(wire.frame().is_none());
}

#[test]
fn a_fetch_session_does_not_go_over_to_a_topic_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let first = node(dir.path());
    let mut wire = Wire::to(&first);
    crate::administration::topics(&mut wire, &[("orders", 1)]);
    let all = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    let id = wire.ask(12, &all).topics[0].topic_id;
    produce(&mut wire, "orders", batch(b"old"));
    let mut begin = fetch_request(0, 0);
    begin.session_epoch = 0;
    begin.topics[0].topic_id = id;
    begin.topics[0].topic = Str::EMPTY;
    begin.max_bytes = 1 << 20;
    let begun = wire.ask(13, &begin);
    assert!(begun.session_id > 0);
    assert_eq!(fetched(&begun).0, ErrorCode::None);
    let delete = DeleteTopicsRequest {
        topic_names: vec![Str::from("orders")],
        timeout_ms: 10_000,
        ..DeleteTopicsRequest::default()
    };
    assert_eq!(wire.ask(5, &delete).responses[0].error_code, 0);
    crate::administration::topics(&mut wire, &[("orders", 1)]);
    produce(&mut wire, "orders", batch(b"new"));
    let mut next = FetchRequest {
        session_id: begun.session_id,
        session_epoch: 1,
        max_bytes: 1 << 20,
        ..FetchRequest::default()
    };
    let told = wire.ask(13, &next);
    assert_eq!(told.responses[0].topic_id, id);
    assert_eq!(
        fetched(&told),
        (ErrorCode::UnknownTopicId, -1, Vec::new()),
        "the old topic is gone, and nothing of the new one is told"
    );
    first.stop().unwrap();
    // A session does not outlive its node.
    let second = node(dir.path());
    next.session_epoch = 2;
    let refused = Wire::to(&second).ask(13, &next);
    assert_eq!(
        ErrorCode::from_code(refused.error_code),
        ErrorCode::FetchSessionIdNotFound
    );
    second.stop().unwrap();
}
