//! Bytes that are no request, batches that are no batches: Kafka's answer, and a node that lives.

use bytes::Bytes;
use mainstem_protocol::batch::{BatchBuilder, BatchOptions};
use mainstem_protocol::compress::Codec;
use mainstem_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, HeartbeatRequest, MetadataRequest,
};
use mainstem_protocol::{Decoder, ErrorCode, Message};

use super::wire::{Wire, batch, code, node, produce, produce_request, request_bytes, topic};

/// A frame of `bytes`.
fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut frame = i32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    frame.extend_from_slice(bytes);
    frame
}

#[test]
fn what_is_no_request_closes_the_connection_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let header = |key: i16, version: i16| {
        let mut bytes = key.to_be_bytes().to_vec();
        bytes.extend_from_slice(&version.to_be_bytes());
        bytes.extend_from_slice(&[0, 0, 0, 7, 0xff, 0xff, 0, 0, 0, 0]);
        frame(&bytes)
    };
    let lying_count = {
        let mut bytes = vec![0, 3, 0, 1, 0, 0, 0, 7, 0xff, 0xff];
        bytes.extend_from_slice(&i32::MAX.to_be_bytes());
        frame(&bytes)
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("a negative length", (-1i32).to_be_bytes().to_vec()),
        ("no length", 0i32.to_be_bytes().to_vec()),
        ("a length above the limit", i32::MAX.to_be_bytes().to_vec()),
        ("an unknown key", header(4_711, 0)),
        ("a removed key", header(4, 0)),
        ("a version too new", header(3, 99)),
        ("a version too old", header(0, 2)),
        ("a count that lies", lying_count),
        ("half a header", frame(&[0, 3])),
        (
            "text of another protocol",
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        ),
    ];
    for (name, bytes) in cases {
        let mut wire = Wire::to(&node);
        wire.send(&bytes);
        assert_eq!(wire.frame(), None, "{name}");
    }
    assert_eq!(
        topic(&mut Wire::to(&node), "orders").topics[0].error_code,
        0
    );
    node.stop().unwrap();
}

#[test]
fn requests_cut_anywhere_close_the_connection() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    topic(&mut Wire::to(&node), "orders");
    let whole = request_bytes(9, &produce_request("orders", batch(b"v")));
    for end in 4..whole.len() - 1 {
        let mut wire = Wire::to(&node);
        wire.send(&frame(&whole[4..end]));
        assert_eq!(wire.frame(), None, "cut at {end} of {}", whole.len());
    }
    assert_eq!(
        produce(&mut Wire::to(&node), "orders", batch(b"v")).base_offset,
        0,
        "nothing was stored by halves"
    );
    node.stop().unwrap();
}

#[test]
fn trailing_bytes_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut bytes = request_bytes(
        1,
        &MetadataRequest {
            topics: Some(vec![]),
            ..MetadataRequest::default()
        },
    );
    bytes.extend_from_slice(&[1, 2, 3]);
    let mut wire = Wire::to(&node);
    wire.send(&frame(&bytes[4..]));
    assert!(wire.frame().is_some());
    node.stop().unwrap();
}

#[test]
fn a_client_that_is_newer_learns_what_we_speak() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    wire.send(&frame(&[0, 18, 0, 99, 0, 0, 0, 7, 0xff, 0xff, 0, 1, 2, 3]));
    let answer = wire.frame().unwrap();
    let response = ApiVersionsResponse::decode(&mut Decoder::new(answer.slice(4..)), 0).unwrap();
    assert_eq!(response.error_code, ErrorCode::UnsupportedVersion.code());
    assert_eq!(
        (
            response.api_keys[0].api_key,
            response.api_keys[0].max_version
        ),
        (18, 5)
    );
    // The connection goes on.
    let asked = ApiVersionsRequest {
        client_software_name: "test".into(),
        client_software_version: "1".into(),
        ..ApiVersionsRequest::default()
    };
    assert_eq!(wire.ask(3, &asked).error_code, 0);
    node.stop().unwrap();
}

fn changed(mut bytes: Vec<u8>, at: usize, new: &[u8], mend: bool) -> Bytes {
    bytes[at..at + new.len()].copy_from_slice(new);
    if mend {
        super::checksum::mend(&mut bytes);
    }
    Bytes::from(bytes)
}

#[test]
fn batches_that_are_none_have_kafkas_code_and_leave_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topic(&mut wire, "orders");
    let good = || batch(b"value").to_vec();
    let two: Vec<u8> = [good(), good()].concat();
    let large = batch(&vec![7; 1_100_000]);
    let cases: Vec<(&str, Bytes, ErrorCode)> = vec![
        (
            "a wrong CRC",
            changed(good(), 17, &[1, 2, 3, 4], false),
            ErrorCode::CorruptMessage,
        ),
        (
            "a wrong count",
            changed(good(), 57, &9i32.to_be_bytes(), true),
            ErrorCode::InvalidRecord,
        ),
        (
            "no records",
            changed(good(), 57, &0i32.to_be_bytes(), true),
            ErrorCode::InvalidRecord,
        ),
        (
            "a control batch",
            changed(good(), 21, &[0, 1 << 5], true),
            ErrorCode::InvalidRecord,
        ),
        (
            "an unknown codec",
            changed(good(), 21, &[0, 6], true),
            ErrorCode::UnsupportedCompressionType,
        ),
        (
            "an old format",
            changed(good(), 16, &[1], false),
            ErrorCode::InvalidRecord,
        ),
        (
            "a format that does not exist",
            changed(good(), 16, &[3], false),
            ErrorCode::CorruptMessage,
        ),
        (
            "a length that lies",
            changed(good(), 8, &i32::MAX.to_be_bytes(), false),
            ErrorCode::InvalidRecord,
        ),
        (
            "a negative length",
            changed(good(), 8, &(-1i32).to_be_bytes(), false),
            ErrorCode::CorruptMessage,
        ),
        (
            "an offset, which only the leader gives",
            changed(good(), 0, &5i64.to_be_bytes(), false),
            ErrorCode::InvalidRecord,
        ),
        (
            "a transaction without an id",
            changed(good(), 21, &[0, 1 << 4], true),
            ErrorCode::TransactionalIdAuthorizationFailed,
        ),
        ("two batches", Bytes::from(two), ErrorCode::InvalidRecord),
        ("nothing", Bytes::new(), ErrorCode::InvalidRecord),
        ("too much", large.clone(), ErrorCode::MessageTooLarge),
        (
            "too much, and wrong",
            changed(large.to_vec(), 17, &[1, 2, 3, 4], false),
            ErrorCode::MessageTooLarge,
        ),
    ];
    for (name, records, expected) in cases {
        assert_eq!(
            code(&produce(&mut wire, "orders", records)),
            expected,
            "{name}"
        );
    }
    let mut far = BatchBuilder::new(BatchOptions::default());
    far.append(i64::MAX / 2, None, Some(b"v"), &[]);
    assert_eq!(
        code(&produce(&mut wire, "orders", far.build().unwrap())),
        ErrorCode::InvalidTimestamp
    );
    assert_eq!(
        code(&produce(&mut wire, "none", batch(b"v"))),
        ErrorCode::UnknownTopicOrPartition
    );
    assert_eq!(
        produce(&mut wire, "orders", batch(b"v")).base_offset,
        0,
        "nothing was stored"
    );
    node.stop().unwrap();
}

#[test]
fn a_bomb_is_stored_but_never_unpacked() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topic(&mut wire, "orders");
    let mut builder = BatchBuilder::new(BatchOptions {
        codec: Codec::Zstd,
        ..BatchOptions::default()
    });
    builder.append(-1, None, Some(&vec![0; 64 << 20]), &[]);
    let bomb = builder.build().unwrap();
    assert!(bomb.len() < 100_000);
    assert_eq!(code(&produce(&mut wire, "orders", bomb)), ErrorCode::None);
    node.stop().unwrap();
}

#[test]
fn bad_names_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    for name in ["a b", "..", "a/b", "", &"x".repeat(250)] {
        let answer = topic(&mut wire, name);
        assert_eq!(
            answer.topics[0].error_code,
            ErrorCode::InvalidTopicException.code(),
            "{name:?}"
        );
    }
    let beat = wire.ask(
        4,
        &HeartbeatRequest {
            group_id: "none".into(),
            ..HeartbeatRequest::default()
        },
    );
    assert_eq!(beat.error_code, ErrorCode::NotCoordinator.code());
    node.stop().unwrap();
}
