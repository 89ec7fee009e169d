//! `/metrics`: what a scrape tells of what clients did.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use bytes::Bytes;
use mainstem_broker::{NodeConfig, start};
use mainstem_protocol::batch::{BatchBuilder, BatchOptions};
use mainstem_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use mainstem_protocol::messages::{
    FindCoordinatorRequest, OffsetCommitRequest, OffsetCommitResponse,
};
use mainstem_protocol::{ErrorCode, Str};

use super::serving::{fetch_request, fetched};
use super::wire::{Wire, batch, code, node, produce, topic};

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The samples by name and labels. Every sample must belong to the family that was announced last, and no family comes twice.
fn samples(page: &str) -> BTreeMap<String, f64> {
    let (head, body) = page.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    let (mut family, mut families) = (String::new(), Vec::new());
    let mut samples = BTreeMap::new();
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split(' ').next().unwrap().to_owned();
            assert!(!families.contains(&family), "{family} comes twice");
            families.push(family.clone());
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with(&family), "{name} in {family}");
            let twice = samples.insert(name.to_owned(), value.parse().unwrap());
            assert_eq!(twice, None, "{name} comes twice");
        }
    }
    samples
}

/// A batch of one record that is so old.
fn aged(age_s: i64, value: &[u8]) -> Bytes {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    let now_ms = i64::try_from(since.as_millis()).unwrap();
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(now_ms - age_s * 1_000, Some(b"key"), Some(value), &[]);
    builder.build().unwrap()
}

fn commit(wire: &mut Wire, offset: i64) {
    let request = FindCoordinatorRequest {
        key: Str::from("billing"),
        ..FindCoordinatorRequest::default()
    };
    // The group's partition is made when it is first asked for.
    let answered = (0..200).any(|_| wire.ask(3, &request).error_code == 0);
    assert!(answered);
    let request = OffsetCommitRequest {
        group_id: Str::from("billing"),
        generation_id_or_member_epoch: -1,
        topics: vec![OffsetCommitRequestTopic {
            name: Str::from("orders"),
            partitions: vec![OffsetCommitRequestPartition {
                partition_index: 0,
                committed_offset: offset,
                committed_leader_epoch: -1,
                ..OffsetCommitRequestPartition::default()
            }],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    };
    let answered = (0..2_000).any(|_| {
        let answer: OffsetCommitResponse = wire.ask(8, &request);
        answer.topics[0].partitions[0].error_code == 0
    });
    assert!(answered);
}

#[test]
fn a_commit_that_would_grow_without_bound_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topic(&mut wire, "orders");
    commit(&mut wire, 2);
    // Each record repeats the group's name: a small request would become gigabytes.
    let partition = OffsetCommitRequestPartition {
        committed_leader_epoch: -1,
        ..OffsetCommitRequestPartition::default()
    };
    let request = OffsetCommitRequest {
        group_id: Str::from("g".repeat(30_000)),
        generation_id_or_member_epoch: -1,
        topics: vec![OffsetCommitRequestTopic {
            name: Str::from("orders"),
            partitions: vec![partition; 1_000],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    };
    let answer: OffsetCommitResponse = wire.ask(8, &request);
    let codes = answer.topics[0].partitions.iter();
    let refused = ErrorCode::InvalidCommitOffsetSize.code();
    assert!(codes.clone().count() == 1_000);
    assert!(
        codes
            .map(|partition| partition.error_code)
            .all(|code| code == refused)
    );
    commit(&mut wire, 3);
    node.stop().unwrap();
}

#[test]
fn a_scrape_tells_of_requests_logs_and_lag() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = NodeConfig::for_tests(dir.path().to_owned());
    config.http = Some("127.0.0.1:0".parse().unwrap());
    let node = start(config).unwrap();
    let mut wire = Wire::to(&node);
    topic(&mut wire, "orders");
    for value in 0..5_u8 {
        // The oldest that nobody has committed is an hour old; those before it are older.
        let age_s = i64::from(3_u8.saturating_sub(value)) * 3_600;
        let answer = produce(&mut wire, "orders", aged(age_s, &[value; 100]));
        assert_eq!(code(&answer), ErrorCode::None);
    }
    let unknown = produce(&mut wire, "nobody-made-this", batch(b"x"));
    assert_ne!(code(&unknown), ErrorCode::None);
    assert_eq!(fetched(&wire.ask(12, &fetch_request(0, 0))).1, 5);
    commit(&mut wire, 2);
    let before = samples(&get(node.http_address.unwrap(), "/metrics"));
    let at = |name: &str| *before.get(name).unwrap_or(&f64::NAN);
    let partition = "{topic=\"orders\",partition=\"0\"}";
    assert_eq!(at(&format!("mainstem_log_end_offset{partition}")), 5.0);
    assert_eq!(at(&format!("mainstem_high_watermark{partition}")), 5.0);
    assert_eq!(at(&format!("mainstem_log_start_offset{partition}")), 0.0);
    assert!(at(&format!("mainstem_log_bytes{partition}")) > 500.0);
    let lag = "{group=\"billing\",topic=\"orders\",partition=\"0\"}";
    assert_eq!(at(&format!("mainstem_group_lag_records{lag}")), 3.0);
    let behind_s = at(&format!("mainstem_group_lag_seconds{lag}"));
    assert!((3_600.0..3_700.0).contains(&behind_s), "{behind_s}");
    let produced = "mainstem_request_seconds_count{api=\"Produce\"}";
    assert_eq!(at(produced), 6.0);
    let bucket = "mainstem_request_seconds_bucket{api=\"Produce\",le=\"+Inf\"}";
    assert_eq!(at(bucket), 6.0);
    let errors = "mainstem_errors_total{api=\"Produce\",error=\"UNKNOWN_TOPIC_OR_PARTITION\"}";
    assert_eq!(at(errors), 1.0);
    assert!(at("mainstem_sync_seconds_count") >= 1.0);
    assert!(at("process_resident_memory_bytes") > 1e6 && at("process_open_fds") > 3.0);
    assert!(at("process_cpu_seconds_total") >= 0.0);
    let appended = at("mainstem_topic_appended_bytes_total{topic=\"orders\"}");
    assert_eq!(appended, at(&format!("mainstem_log_bytes{partition}")));
    // Everything was fetched, once.
    let fetched_bytes = at("mainstem_topic_fetched_bytes_total{topic=\"orders\"}");
    assert_eq!(fetched_bytes, appended);
    // Of a batch without a timestamp nobody knows how old it is.
    let undated = produce(&mut wire, "orders", batch(b"undated"));
    assert_eq!(code(&undated), ErrorCode::None);
    commit(&mut wire, 5);
    let undated = samples(&get(node.http_address.unwrap(), "/metrics"));
    let records = undated.get(&format!("mainstem_group_lag_records{lag}"));
    let seconds = undated.get(&format!("mainstem_group_lag_seconds{lag}"));
    assert_eq!((records, seconds), (Some(&1.0), None));
    assert_eq!(at("mainstem_connections"), 1.0);
    assert!(at("mainstem_received_bytes_total") > 500.0);
    assert!(at("mainstem_sent_bytes_total") > 500.0);

    // What is no request is counted, too.
    wire.send(&[0, 0, 0, 12, 0, 0, 0, 99, 0, 0, 0, 1, 0, 0, 0, 0]);
    assert!(wire.frame().is_none());
    commit(&mut Wire::to(&node), 6);
    let after = samples(&get(node.http_address.unwrap(), "/metrics"));
    assert_eq!(
        after["mainstem_requests_refused_total{api=\"Produce\"}"],
        1.0
    );
    assert_eq!(after[&format!("mainstem_group_lag_records{lag}")], 0.0);
    assert_eq!(after[&format!("mainstem_group_lag_seconds{lag}")], 0.0);
    node.stop().unwrap();
}
