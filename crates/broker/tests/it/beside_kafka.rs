//! Requests at the edge of what is allowed: answers as Apache Kafka 4.4.0 was seen to give them.

use bytes::Bytes;
use mainstem_protocol::batch::{BatchBuilder, BatchHeader, BatchOptions};
use mainstem_protocol::frame::encode_request;
use mainstem_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use mainstem_protocol::messages::fetch_request::{FetchPartition, ForgottenTopic};
use mainstem_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use mainstem_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DescribeProducersRequest,
    DescribeTopicPartitionsRequest, FetchRequest, FetchResponse, InitProducerIdRequest,
    MetadataRequest, ProduceRequest, ProduceResponse, create_partitions_request,
    describe_producers_request, describe_topic_partitions_request, metadata_request,
};
use mainstem_protocol::{Str, Uuid};

use super::administration::topics;
use super::serving::{fetch_request, fetched};
use super::wire::{Wire, batch, node, produce, produce_request, request_bytes, topic};

fn transactional() -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions {
        producer_id: 7,
        producer_epoch: 0,
        base_sequence: 0,
        transactional: true,
        ..BatchOptions::default()
    });
    builder.append(-1, None, Some(b"value"), &[]);
    builder.build().unwrap()
}

/// One batch for each of these partitions.
fn produced(acks: i16, wanted: &[(&str, i32, Bytes)]) -> ProduceRequest {
    let topics = wanted.iter().map(|(topic, index, records)| {
        let data = PartitionProduceData {
            index: *index,
            records: Some(records.clone().into()),
        };
        TopicProduceData {
            name: Str::from(*topic),
            partition_data: vec![data],
            ..TopicProduceData::default()
        }
    });
    ProduceRequest {
        acks,
        timeout_ms: 10_000,
        topic_data: topics.collect(),
        ..ProduceRequest::default()
    }
}

fn codes(response: &ProduceResponse) -> Vec<i16> {
    let topics = response.responses.iter();
    let partitions = topics.flat_map(|topic| &topic.partition_responses);
    partitions.map(|partition| partition.error_code).collect()
}

#[test]
fn a_partition_beyond_the_count_of_a_known_topic_is_an_unknown_partition() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topic(&mut wire, "orders");
    let of_all = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    let all = wire.ask(12, &of_all);
    let known = all.topics[0].topic_id;
    let other = Uuid::from_random([9; 16]);
    for (id, index, expected) in [
        (known, 5, 3),
        (known, -1, 3),
        (other, 0, 100),
        (known, 0, 0),
    ] {
        let mut request = produce_request("", batch(b"value"));
        request.topic_data[0].topic_id = id;
        request.topic_data[0].partition_data[0].index = index;
        assert_eq!(codes(&wire.ask(13, &request)), [expected], "{id:?} {index}");
    }
    node.stop().unwrap();
}

#[test]
fn topics_of_the_node_itself_are_written_by_the_client_of_administrators_alone() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    for name in [
        "__consumer_offsets",
        "__transaction_state",
        "__share_group_state",
    ] {
        topics(&mut wire, &[(name, 1)]);
        let request = produce_request(name, batch(b"value"));
        assert_eq!(codes(&wire.ask(9, &request)), [17], "{name}");
    }
    let request = produce_request("__share_group_state", batch(b"value"));
    let client_id = Some(Str::from("__admin_client"));
    let frame = encode_request(9, 7, client_id, &request).unwrap();
    wire.send(&frame.to_bytes());
    assert_eq!(codes(&wire.answer(9, &request)), [0]);
    node.stop().unwrap();
}

#[test]
fn a_transactional_batch_without_a_transactional_id_refuses_the_whole_request() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topics(&mut wire, &[("orders", 2)]);
    let request = produced(
        -1,
        &[
            ("orders", 0, batch(b"value")),
            ("orders", 1, transactional()),
            ("missing", 0, batch(b"value")),
        ],
    );
    assert_eq!(codes(&wire.ask(9, &request)), [53, 53, 53]);
    let (_, high_watermark, _) = fetched(&wire.ask(12, &fetch_request(0, 0)));
    assert_eq!(high_watermark, 0, "nothing was stored");
    let silent = ProduceRequest { acks: 0, ..request };
    wire.send(&request_bytes(9, &silent));
    assert!(wire.frame().is_none(), "the connection is closed");
    node.stop().unwrap();
}

#[test]
fn of_a_partition_that_is_named_twice_the_last_batch_is_stored_and_answered() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topics(&mut wire, &[("orders", 2)]);
    let mut twice = produced(
        -1,
        &[
            ("orders", 0, batch(b"first")),
            ("orders", 1, batch(b"other")),
            ("orders", 0, batch(b"second")),
        ],
    );
    // Also within one topic.
    let third = PartitionProduceData {
        index: 0,
        records: Some(batch(b"third").into()),
    };
    twice.topic_data[2].partition_data.push(third);
    assert_eq!(codes(&wire.ask(9, &twice)), [0, 0]);
    let (_, high_watermark, records) = fetched(&wire.ask(12, &fetch_request(0, 0)));
    assert_eq!(high_watermark, 1);
    assert!(records.windows(5).any(|window| window == b"third"));
    node.stop().unwrap();
}

#[test]
fn acks_are_judged_of_partitions_that_are_there() {
    // The order of answers is ours; Apache Kafka's is that of a hash table.
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topics(&mut wire, &[("orders", 1)]);
    let both = [
        ("missing", 0, batch(b"value")),
        ("orders", 0, batch(b"value")),
    ];
    assert_eq!(codes(&wire.ask(9, &produced(2, &both))), [3, 21]);
    assert_eq!(codes(&wire.ask(9, &produced(1, &both))), [3, 0]);
    node.stop().unwrap();
}

#[test]
fn what_is_no_whole_batch_behind_the_batch_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topic(&mut wire, "orders");
    let whole = batch(b"value");
    // Where a batch would begin: its base offset, its length, the leader epoch, the magic.
    let claims = |length: i32, magic: u8| {
        let mut tail = vec![0; 8];
        tail.extend(length.to_be_bytes());
        tail.extend([0, 0, 0, 0, magic]);
        tail
    };
    let cases: [(Vec<u8>, i16); 7] = [
        (vec![0; 1], 0),
        (vec![0; 11], 0),
        (vec![0; 12], 2),
        (claims(13, 2), 2),
        (claims(1_000, 2), 0),
        (claims(1_000, 3), 2),
        (whole.to_vec(), 87),
    ];
    let mut stored = 0;
    for (tail, expected) in cases {
        let sent = [&whole[..], &tail].concat();
        let answer = produce(&mut wire, "orders", Bytes::from(sent));
        assert_eq!(answer.error_code, expected, "{tail:?}");
        stored += usize::from(expected == 0);
    }
    let (_, high_watermark, records) = fetched(&wire.ask(12, &fetch_request(0, 0)));
    assert_eq!(usize::try_from(high_watermark).unwrap(), stored);
    assert_eq!(records.len(), stored * whole.len(), "no tail was stored");
    let last = &records[(stored - 1) * whole.len()..];
    let header = BatchHeader::parse(last).unwrap();
    header.check_crc(last).unwrap();
    node.stop().unwrap();
}

#[test]
fn the_partitions_of_a_whole_request_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    let mut create = |wanted: &[(&str, i32)]| {
        let topics = wanted.iter().map(|(name, count)| CreatableTopic {
            name: Str::from(*name),
            num_partitions: *count,
            replication_factor: 1,
            ..CreatableTopic::default()
        });
        let request = CreateTopicsRequest {
            topics: topics.collect(),
            timeout_ms: 10_000,
            validate_only: true,
        };
        let response = wire.ask(7, &request);
        let told = response.topics.iter().map(|topic| {
            let message = topic.error_message.as_ref().map(ToString::to_string);
            (topic.error_code, message.unwrap_or_default())
        });
        told.collect::<Vec<_>>()
    };
    let many = || {
        let what = "Excessively large number of partitions per request.";
        (44, what.to_owned())
    };
    let large = || {
        let what = "Unable to perform excessively large batch operation.";
        (44, what.to_owned())
    };
    let made = || (0, String::new());
    assert_eq!(create(&[("a", 6_000), ("b", 6_000)]), [many(), many()]);
    assert_eq!(create(&[("a", 1), ("b", 10_000)]), [many(), many()]);
    assert_eq!(create(&[("a", 10_001)]), [many()]);
    // The topic is a record, too.
    assert_eq!(create(&[("a", 10_000)]), [large()]);
    assert_eq!(create(&[("a", 5_000), ("b", 5_000)]), [large(), large()]);
    assert_eq!(create(&[("a", 9_999)]), [made()]);
    // What does not fit the name or is no count is refused by itself.
    let mixed = create(&[("a b", 9_000), ("b", 900)]);
    assert_eq!((mixed[0].0, mixed[1].0), (17, 0));
    let mixed = create(&[("a b", 9_000), ("b", 9_000)]);
    assert_eq!(mixed, [many(), many()]);

    topics(&mut wire, &[("orders", 1), ("others", 1)]);
    let mut grow = |counts: &[(&str, i32)]| {
        let topics =
            counts.iter().map(
                |(name, count)| create_partitions_request::CreatePartitionsTopic {
                    name: Str::from(*name),
                    count: *count,
                    assignments: None,
                },
            );
        let request = CreatePartitionsRequest {
            topics: topics.collect(),
            timeout_ms: 10_000,
            validate_only: true,
        };
        let results = wire.ask(3, &request).results;
        let codes = results.iter().map(|result| result.error_code);
        codes.collect::<Vec<_>>()
    };
    assert_eq!(grow(&[("orders", 6_001), ("others", 6_001)]), [44, 44]);
    assert_eq!(grow(&[("orders", 5_001), ("others", 5_001)]), [0, 0]);
    assert_eq!(grow(&[("orders", 10_001), ("others", 1)]), [0, 37]);
    assert_eq!(grow(&[("missing", 10_001), ("others", 9_000)]), [3, 0]);
    node.stop().unwrap();
}

#[test]
fn every_property_without_a_value_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    let configs = ["retention.ms", "cleanup.policy"].map(|name| CreatableTopicConfig {
        name: Str::from(name),
        value: None,
    });
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: Str::from("orders"),
            num_partitions: 1,
            replication_factor: 1,
            configs: configs.to_vec(),
            ..CreatableTopic::default()
        }],
        timeout_ms: 10_000,
        ..CreateTopicsRequest::default()
    };
    let answer = wire.ask(7, &request).topics[0].clone();
    let what = "Null value not supported for topic configs: retention.ms,cleanup.policy";
    assert_eq!(answer.error_code, 40);
    assert_eq!(answer.error_message, Some(Str::from(what)));
    node.stop().unwrap();
}

#[test]
fn a_cursor_is_at_a_topic_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topics(&mut wire, &[("alpha", 3), ("beta", 5)]);
    let mut page = |names: &[&str], cursor: &str| {
        let request = DescribeTopicPartitionsRequest {
            topics: names
                .iter()
                .map(|name| describe_topic_partitions_request::TopicRequest {
                    name: Str::from(*name),
                })
                .collect(),
            response_partition_limit: 100,
            cursor: Some(describe_topic_partitions_request::Cursor {
                topic_name: Str::from(cursor),
                partition_index: 0,
            }),
        };
        let response = wire.ask(0, &request);
        let codes = response.topics.iter().map(|topic| topic.error_code);
        codes.collect::<Vec<_>>()
    };
    assert_eq!(page(&["alpha", "beta"], "b"), [42, 42]);
    assert_eq!(page(&["alpha"], "beta"), [42]);
    assert_eq!(page(&["alpha", "beta"], "beta"), [0]);
    assert_eq!(page(&[], "b"), [0], "of all, the next");
    node.stop().unwrap();
}

#[test]
fn names_that_no_topic_can_have_are_told_from_those_that_none_has() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    let long = "x".repeat(250);
    let cases: [(&str, i16); 7] = [
        (".", 17),
        ("..", 17),
        (&long, 17),
        (&long[1..], 3),
        ("a b", 17),
        ("", 17),
        ("orders", 3),
    ];
    for (name, expected) in cases {
        let request = MetadataRequest {
            topics: Some(vec![metadata_request::MetadataRequestTopic {
                name: Some(Str::from(name)),
                ..Default::default()
            }]),
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        let answer = wire.ask(12, &request);
        assert_eq!(answer.topics[0].error_code, expected, "{name:?}");
        let request = DescribeTopicPartitionsRequest {
            topics: vec![describe_topic_partitions_request::TopicRequest {
                name: Str::from(name),
            }],
            response_partition_limit: 100,
            cursor: None,
        };
        // Of no name at all Apache Kafka says -1 here: it reads a cursor that is not there.
        let answer = wire.ask(0, &request);
        assert_eq!(answer.topics[0].error_code, expected, "{name:?}");
        let request = DescribeProducersRequest {
            topics: vec![describe_producers_request::TopicRequest {
                name: Str::from(name),
                partition_indexes: vec![0],
            }],
        };
        let answer = wire.ask(0, &request).topics[0].partitions[0].clone();
        assert_eq!(answer.error_code, expected, "{name:?}");
    }
    node.stop().unwrap();
}

#[test]
fn a_topic_of_the_node_itself_is_internal_before_it_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    for (name, expected) in [("__consumer_offsets", true), ("orders", false)] {
        let request = MetadataRequest {
            topics: Some(vec![metadata_request::MetadataRequestTopic {
                name: Some(Str::from(name)),
                ..Default::default()
            }]),
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        let answer = wire.ask(12, &request).topics[0].clone();
        assert_eq!((answer.error_code, answer.is_internal), (3, expected));
        let request = DescribeTopicPartitionsRequest {
            topics: vec![describe_topic_partitions_request::TopicRequest {
                name: Str::from(name),
            }],
            response_partition_limit: 100,
            cursor: None,
        };
        let answer = wire.ask(0, &request).topics[0].clone();
        assert_eq!((answer.error_code, answer.is_internal), (3, expected));
    }
    node.stop().unwrap();
}

#[test]
fn a_producer_id_comes_with_its_epoch_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    for (producer_id, producer_epoch, expected) in
        [(-1, 5, 42), (5, -1, 42), (-1, -1, 0), (5, 0, 0)]
    {
        let request = InitProducerIdRequest {
            transactional_id: None,
            producer_id,
            producer_epoch,
            ..InitProducerIdRequest::default()
        };
        let answer = wire.ask(4, &request);
        assert_eq!(
            answer.error_code, expected,
            "{producer_id} {producer_epoch}"
        );
    }
    node.stop().unwrap();
}

/// A fetch of these partitions of `orders` from their start, in a session.
fn in_session(session_id: i32, session_epoch: i32, partitions: &[i32]) -> FetchRequest {
    let mut request = fetch_request(0, 0);
    request.session_id = session_id;
    request.session_epoch = session_epoch;
    let partitions = partitions.iter().map(|partition| FetchPartition {
        partition: *partition,
        ..request.topics[0].partitions[0].clone()
    });
    request.topics[0].partitions = partitions.collect();
    request.topics.retain(|topic| !topic.partitions.is_empty());
    request
}

fn fetch_codes(response: &FetchResponse) -> Vec<(i32, i16)> {
    let topics = response.responses.iter();
    let partitions = topics.flat_map(|topic| &topic.partitions);
    partitions
        .map(|partition| (partition.partition_index, partition.error_code))
        .collect()
}

#[test]
fn a_fetch_waits_for_what_is_there_also_when_something_else_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let (mut reader, mut writer) = (Wire::to(&node), Wire::to(&node));
    topics(&mut writer, &[("orders", 1)]);
    let begun = reader.ask(12, &in_session(0, 0, &[9, 0]));
    assert_eq!(
        fetch_codes(&begun),
        [(0, 0), (9, 3)],
        "what is missing comes last"
    );
    let request = FetchRequest {
        max_wait_ms: 15_000,
        ..in_session(begun.session_id, 1, &[])
    };
    reader.send(&request_bytes(12, &request));
    produce(&mut writer, "orders", batch(b"late"));
    let frame = reader.frame().unwrap();
    assert!(frame.windows(4).any(|window| window == b"late"));
    // Of nothing that is there nothing is waited for.
    let request = FetchRequest {
        max_wait_ms: 600_000,
        ..in_session(0, -1, &[9])
    };
    assert_eq!(fetch_codes(&reader.ask(12, &request)), [(9, 3)]);
    node.stop().unwrap();
}

#[test]
fn a_session_that_has_nothing_left_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topic(&mut wire, "orders");
    let begun = wire.ask(12, &in_session(0, 0, &[0]));
    assert_ne!(begun.session_id, 0);
    let mut request = in_session(begun.session_id, 1, &[]);
    request.forgotten_topics_data = vec![ForgottenTopic {
        topic: Str::from("orders"),
        partitions: vec![0],
        ..ForgottenTopic::default()
    }];
    let emptied = wire.ask(12, &request);
    assert_eq!((emptied.session_id, emptied.error_code), (0, 0));
    let gone = wire.ask(12, &in_session(begun.session_id, 2, &[]));
    assert_eq!(gone.error_code, 70);
    node.stop().unwrap();
}

#[test]
fn a_leader_epoch_below_zero_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topic(&mut wire, "orders");
    for (epoch, expected) in [(-5, 0), (-1, 0), (0, 0), (5, 75)] {
        let mut request = in_session(0, -1, &[0]);
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        assert_eq!(fetch_codes(&wire.ask(12, &request)), [(0, expected)]);
    }
    node.stop().unwrap();
}
