//! Small requests that ask for much: each is answered within a budget or refused before the memory is used, and nobody waits for them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mainstem_protocol::batch::{BatchBuilder, BatchOptions};
use mainstem_protocol::messages::describe_configs_request::DescribeConfigsResource;
use mainstem_protocol::messages::describe_producers_request::TopicRequest;
use mainstem_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use mainstem_protocol::messages::describe_user_scram_credentials_request::UserName;
use mainstem_protocol::messages::fetch_request::FetchPartition;
use mainstem_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use mainstem_protocol::messages::metadata_request::MetadataRequestTopic;
use mainstem_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use mainstem_protocol::messages::{
    ApiVersionsRequest, DescribeConfigsRequest, DescribeGroupsRequest, DescribeProducersRequest,
    DescribeQuorumRequest, DescribeUserScramCredentialsRequest, FindCoordinatorRequest,
    ListOffsetsRequest, MetadataRequest, OffsetFetchRequest,
};
use mainstem_protocol::{ErrorCode, Str};

use crate::crowds::raise_descriptor_limit;
use crate::node::Node;
use crate::wire::{Wire, batch, fetch_request, produce_request, request_bytes};

const MIB: u64 = 1024 * 1024;

fn start(dir: &tempfile::TempDir) -> (Node, std::thread::JoinHandle<String>) {
    let mut node = Node::start_with(dir.path(), "127.0.0.1:0", &[]);
    let said = node.listen();
    node.must("topic create orders");
    (node, said)
}

/// Everything there is to say about this broker, so many times.
fn configs_of_broker(times: usize) -> DescribeConfigsRequest {
    let broker = DescribeConfigsResource {
        resource_type: 4,
        resource_name: "1".into(),
        ..DescribeConfigsResource::default()
    };
    DescribeConfigsRequest {
        resources: vec![broker; times],
        include_synonyms: true,
        include_documentation: true,
    }
}

/// Requests whose answers would be far larger than themselves.
fn unfolding() -> Vec<(&'static str, Vec<u8>)> {
    const MANY: usize = 900_000;
    let producers = DescribeProducersRequest {
        topics: vec![TopicRequest {
            name: "nowhere".into(),
            partition_indexes: vec![0; MANY],
        }],
    };
    let quorum = DescribeQuorumRequest {
        topics: vec![TopicData {
            topic_name: "nowhere".into(),
            partitions: vec![PartitionData::default(); MANY],
        }],
    };
    let coordinators = FindCoordinatorRequest {
        coordinator_keys: vec![Str::from("g"); MANY],
        ..FindCoordinatorRequest::default()
    };
    let name = |at: usize| Str::from(format!("{at:06}"));
    let topics = MetadataRequest {
        topics: Some(
            (0..MANY)
                .map(|at| MetadataRequestTopic {
                    name: Some(name(at)),
                    ..MetadataRequestTopic::default()
                })
                .collect(),
        ),
        allow_auto_topic_creation: false,
        ..MetadataRequest::default()
    };
    let users = DescribeUserScramCredentialsRequest {
        users: Some((0..MANY).map(|at| UserName { name: name(at) }).collect()),
    };
    let mut produce = produce_request("nowhere", Bytes::new());
    let nothing = produce.topic_data[0].partition_data.remove(0);
    produce.topic_data[0].partition_data = vec![nothing; MANY];
    let mut fetch = fetch_request("nowhere", 0, 1);
    let partition = fetch.topics[0].partitions.remove(0);
    fetch.topics[0].partitions = (0..300_000)
        .map(|index| FetchPartition {
            partition: index,
            ..partition.clone()
        })
        .collect();
    let groups = DescribeGroupsRequest {
        groups: vec![Str::from("g"); MANY],
        ..DescribeGroupsRequest::default()
    };
    let group = OffsetFetchRequestGroup {
        group_id: "g".into(),
        member_epoch: -1,
        ..OffsetFetchRequestGroup::default()
    };
    let offsets = OffsetFetchRequest {
        groups: vec![group; MANY],
        ..OffsetFetchRequest::default()
    };
    vec![
        ("groups", request_bytes(6, &groups)),
        ("offsets", request_bytes(8, &offsets)),
        ("metadata", request_bytes(9, &topics)),
        ("users", request_bytes(0, &users)),
        ("produce", request_bytes(9, &produce)),
        ("fetch", request_bytes(12, &fetch)),
        ("configs", request_bytes(4, &configs_of_broker(3_000))),
        ("more configs", request_bytes(4, &configs_of_broker(30_000))),
        ("producers", request_bytes(0, &producers)),
        ("quorum", request_bytes(2, &quorum)),
        ("coordinators", request_bytes(4, &coordinators)),
    ]
}

#[test]
fn an_answer_beyond_its_budget_is_refused_before_its_memory_is_used() {
    for (what, bytes) in unfolding() {
        let dir = tempfile::tempdir().unwrap();
        let (node, said) = start(&dir);
        let mut other = Wire::to(&node);
        other.produce("orders", b"before");
        let before = node.peak_memory();
        let mut wire = Wire::to(&node);
        assert!(wire.send(&bytes));
        assert!(wire.frame().is_none(), "{what}: answered");
        let peak = node.peak_memory() - before;
        // The frame, what it is decoded into, and the budget.
        assert!(peak < 256 * MIB, "{what}: {peak} bytes");
        assert_eq!(other.produce("orders", b"after"), 1);
        drop((wire, other, node));
        let said = said.join().unwrap();
        assert!(said.contains("would be larger than"), "{what}: {said}");
    }
}

#[test]
fn what_is_named_twice_is_answered_as_apache_kafka_answers_it() {
    let dir = tempfile::tempdir().unwrap();
    let (node, _said) = start(&dir);
    let mut wire = Wire::to(&node);
    for _ in 0..3 {
        wire.produce("orders", b"record");
    }
    // Each time it is named.
    let described = wire.ask(4, &configs_of_broker(3));
    let [first, second, third] = described.results.as_slice() else {
        panic!("{} results", described.results.len());
    };
    assert!(first == second && second == third && first.configs.len() > 100);
    let groups = DescribeGroupsRequest {
        groups: vec![Str::from("nobody"); 3],
        ..DescribeGroupsRequest::default()
    };
    assert_eq!(wire.ask(5, &groups).groups.len(), 3);

    // A partition once, wherever it is named: the last word counts for Fetch, and for ListOffsets it is refused.
    let mut fetch = fetch_request("orders", 0, 1 << 20);
    fetch.topics = vec![fetch.topics.remove(0); 1_000];
    fetch.topics[999].partitions[0].fetch_offset = 2;
    let fetched = wire.ask(4, &fetch);
    let partitions = fetched.responses.iter().map(|topic| topic.partitions.len());
    assert_eq!(partitions.sum::<usize>(), 1);
    let records = fetched.responses[0].partitions[0].records.as_ref();
    assert_eq!(
        records.map(|records| records.len()),
        Some(batch(b"record").len())
    );
    let mut by_time = offsets_at(1);
    by_time.topics = vec![by_time.topics.remove(0); 20_000];
    let found = wire.ask(5, &by_time);
    let [topic] = found.topics.as_slice() else {
        panic!("{} topics", found.topics.len());
    };
    let [partition] = topic.partitions.as_slice() else {
        panic!("{} partitions", topic.partitions.len());
    };
    assert_eq!(partition.error_code, ErrorCode::InvalidRequest.code());

    let all = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    // A topic once by its id, whatever names are beside it.
    let id = wire
        .ask(12, &all)
        .topics
        .iter()
        .find(|topic| topic.name.as_ref().is_some_and(|name| *name == *"orders"))
        .map(|topic| topic.topic_id);
    let named = (0..100).map(|at| MetadataRequestTopic {
        topic_id: id.unwrap(),
        name: Some(Str::from(format!("name-{at}"))),
    });
    let request = MetadataRequest {
        topics: Some(named.collect()),
        ..MetadataRequest::default()
    };
    assert_eq!(wire.ask(12, &request).topics.len(), 1);
}

#[test]
fn others_are_answered_while_a_request_takes_long() {
    let dir = tempfile::tempdir().unwrap();
    let (node, _said) = start(&dir);
    let busy_request = DescribeConfigsRequest {
        include_synonyms: false,
        include_documentation: false,
        ..configs_of_broker(700)
    };
    check_others_go_on(&node, &request_bytes(4, &busy_request));
}

#[test]
fn others_are_answered_while_records_are_searched_for_a_time_that_none_has() {
    let dir = tempfile::tempdir().unwrap();
    let (node, _said) = start(&dir);
    let mut wire = Wire::to(&node);
    let batch = lying_batch();
    for _ in 0..160 {
        let request = produce_request("orders", batch.clone());
        let answer = &wire.ask(9, &request).responses[0].partition_responses[0];
        assert_eq!(ErrorCode::from_code(answer.error_code), ErrorCode::None);
    }
    let request = offsets_at(BEHIND_EVERY_RECORD);
    check_others_go_on(&node, &request_bytes(5, &request));
    let found = &wire.ask(5, &request).topics[0].partitions[0];
    assert_eq!((found.error_code, found.offset), (0, -1));
}

const RECORDS_AT: i64 = 1_000;
const BEHIND_EVERY_RECORD: i64 = 2_000;
const HEADERS_CLAIM: i64 = 3_000;

/// A batch whose header claims a record that is later than all it has.
fn lying_batch() -> Bytes {
    const CHECKSUM: std::ops::Range<usize> = 17..21;
    const MAX_TIMESTAMP: std::ops::Range<usize> = 35..43;
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for _ in 0..20_000 {
        builder.append(RECORDS_AT, None, None, &[]);
    }
    let mut batch = builder.build().unwrap().to_vec();
    batch[MAX_TIMESTAMP].copy_from_slice(&HEADERS_CLAIM.to_be_bytes());
    let checksum = crc32c(&batch[CHECKSUM.end..]);
    batch[CHECKSUM].copy_from_slice(&checksum.to_be_bytes());
    batch.into()
}

/// CRC-32C, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let shift = |crc: u32| (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
    let add = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc));
    !bytes.iter().fold(!0, add)
}

/// Asks for the first record of partition 0 at a time or later.
fn offsets_at(timestamp: i64) -> ListOffsetsRequest {
    ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: "orders".into(),
            partitions: vec![ListOffsetsPartition {
                timestamp,
                ..ListOffsetsPartition::default()
            }],
        }],
        ..ListOffsetsRequest::default()
    }
}

/// Connections of every core are answered again and again while one request is answered, which takes long.
fn check_others_go_on(node: &Node, bytes: &[u8]) {
    let mut others: Vec<Wire> = (0..12).map(|_| Wire::to(node)).collect();
    let quick = request_bytes(3, &ApiVersionsRequest::default());
    let mut busy = Wire::to(node);
    assert!(busy.send(bytes));
    let began = Instant::now();
    let busy = std::thread::spawn(move || {
        assert!(busy.frame().is_some());
        began.elapsed()
    });
    let mut longest = Duration::ZERO;
    while !busy.is_finished() {
        for other in &mut others {
            let asked = Instant::now();
            assert!(other.send(&quick) && other.frame().is_some());
            longest = longest.max(asked.elapsed());
        }
    }
    // Those who share its core would have waited for nearly all of that time.
    let took = busy.join().unwrap();
    assert!(longest < took / 2, "{longest:?} of {took:?}");
}

/// A number that `/metrics` shows.
fn metric(node: &Node, name: &str) -> u64 {
    let line = node.banner.lines().find(|line| line.contains("http://"));
    let address = line.unwrap().split("http://").nth(1).unwrap();
    let address = address.split(['/', ' ']).next().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = "GET /metrics HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    let mut lines = page.lines();
    let line = lines.find(|line| line.starts_with(name) && !line.starts_with('#'));
    line.unwrap().split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn small_frames_that_never_end_are_in_the_account_and_bounded() {
    const CONNECTIONS: usize = 1_600;
    raise_descriptor_limit();
    let dir = tempfile::tempdir().unwrap();
    let (node, _said) = start(&dir);
    let mut other = Wire::to(&node);
    let before = node.status("VmRSS:") * 1024;
    let mut frame = (64 * 1024_i32).to_be_bytes().to_vec();
    frame.resize(4 + 64 * 1024 - 1, 0);
    let mut crowd = Vec::new();
    let mut charged = 0;
    for at in 0..CONNECTIONS {
        let mut wire = Wire::to(&node);
        let _ = wire.0.set_nonblocking(true);
        // What is not read stays in the socket.
        let _ = wire.send(&frame);
        let _ = wire.0.set_nonblocking(false);
        crowd.push(wire);
        if at % 200 == 0 {
            other.produce("orders", b"meanwhile");
            charged = charged.max(metric(&node, "mainstem_request_memory_bytes"));
        }
    }
    charged = charged.max(metric(&node, "mainstem_request_memory_bytes"));
    let grown = node.status("VmRSS:") * 1024 - before;
    assert!(
        charged > 32 * MIB && charged < 80 * MIB,
        "{charged} charged"
    );
    assert!(grown < 64 * MIB + 1_600 * 40 * 1024, "{grown} bytes");
    // A frame of that size that comes is served: who does not get on gives way.
    let large = request_bytes(9, &produce_request("orders", batch(&[7; 60_000])));
    assert!(other.send(&large) && other.frame().is_some());
    drop(crowd);
    assert_eq!(other.produce("orders", b"last"), 9);
}
