//! Groups over the wire: names that no record can hold, and answers that are Kafka's to the letter.

use mainstem_broker::{RunningNode, start};
use mainstem_protocol::frame::encode_request;
use mainstem_protocol::messages::{
    FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse,
    OffsetCommitRequest, SyncGroupRequest, join_group_request, offset_commit_request,
    sync_group_request,
};
use mainstem_protocol::{ErrorCode, Request, Str};

use super::wire::{Wire, config, topic};

/// A node with one shard for all groups, on which nothing is delayed.
fn node(dir: &std::path::Path, options: &[&str]) -> RunningNode {
    let mut all = vec![
        "offsets.topic.num.partitions=1",
        "group.initial.rebalance.delay.ms=0",
    ];
    all.extend_from_slice(options);
    start(config(dir, &all)).unwrap()
}

/// A connection to a node that has its offsets topic and a topic `orders`.
fn ready(node: &RunningNode) -> Wire {
    let mut wire = Wire::to(node);
    topic(&mut wire, "orders");
    let coordinator = FindCoordinatorRequest {
        key: "billing".into(),
        ..FindCoordinatorRequest::default()
    };
    assert_eq!(wire.ask(3, &coordinator).error_code, 0);
    wire
}

fn code(code: i16) -> ErrorCode {
    ErrorCode::from_code(code)
}

fn join_request(group: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: group.into(),
        session_timeout_ms: 60_000,
        rebalance_timeout_ms: 60_000,
        protocol_type: "consumer".into(),
        protocols: vec![join_group_request::JoinGroupRequestProtocol {
            name: "range".into(),
            ..Default::default()
        }],
        ..JoinGroupRequest::default()
    }
}

fn commit_request(group: &str, topics: &[&str], metadata: &str) -> OffsetCommitRequest {
    let topics = topics
        .iter()
        .map(|name| offset_commit_request::OffsetCommitRequestTopic {
            name: Str::from(*name),
            partitions: vec![offset_commit_request::OffsetCommitRequestPartition {
                committed_offset: 3,
                committed_leader_epoch: -1,
                committed_metadata: Some(Str::from(metadata)),
                ..Default::default()
            }],
            ..Default::default()
        });
    OffsetCommitRequest {
        group_id: group.into(),
        generation_id_or_member_epoch: -1,
        topics: topics.collect(),
        ..OffsetCommitRequest::default()
    }
}

/// A name of which every byte becomes three when it is read, since it is no UTF-8: too long to be written again.
fn long() -> String {
    "Q".repeat(20_000)
}

/// Sends a request with its long names made bad, and reads the answer.
fn ask_badly<R: Request>(
    node: &RunningNode,
    version: i16,
    client: &str,
    request: &R,
) -> R::Response {
    let client = Some(Str::from(client));
    let bytes = encode_request(version, 7, client, request).unwrap();
    let mut bytes = bytes.to_bytes().to_vec();
    let name = long();
    while let Some(at) = bytes
        .windows(name.len())
        .position(|window| window == name.as_bytes())
    {
        bytes[at..at + name.len()].fill(0xff);
    }
    let mut wire = Wire::to(node);
    wire.send(&bytes);
    wire.answer(version, request)
}

fn heartbeat(wire: &mut Wire, joined: &JoinGroupResponse) -> ErrorCode {
    let request = HeartbeatRequest {
        group_id: "steady".into(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        ..HeartbeatRequest::default()
    };
    code(wire.ask(3, &request).error_code)
}

/// Joins that a record of the group could not hold, each with what is too long and the client's name.
fn unwritable_joins() -> Vec<(&'static str, String, JoinGroupRequest)> {
    let plain = join_request("other");
    let with = |change: &dyn Fn(&mut JoinGroupRequest)| {
        let mut request = plain.clone();
        change(&mut request);
        request
    };
    let test = "test".to_owned();
    vec![
        (
            "group",
            test.clone(),
            with(&|request| request.group_id = long().into()),
        ),
        (
            "protocol type",
            test.clone(),
            with(&|request| request.protocol_type = long().into()),
        ),
        (
            "protocol",
            test.clone(),
            with(&|request| request.protocols[0].name = long().into()),
        ),
        (
            "instance",
            test,
            with(&|request| request.group_instance_id = Some(long().into())),
        ),
        ("client", long(), plain.clone()),
    ]
}

#[test]
fn names_that_no_record_can_hold_are_refused_and_their_shard_lives() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path(), &["offset.metadata.max.bytes=1000000"]);
    let mut wire = ready(&node);
    // A generation that waits for its leader's assignment is nowhere but in the shard.
    let joined = wire.ask(3, &join_request("steady"));
    assert_eq!(code(joined.error_code), ErrorCode::None);

    let commits = [
        ("group", commit_request(&long(), &["orders"], "")),
        ("metadata", commit_request("other", &["orders"], &long())),
    ];
    for (what, request) in commits {
        let answer = ask_badly(&node, 2, "test", &request);
        let came = code(answer.topics[0].partitions[0].error_code);
        assert_eq!(came, ErrorCode::UnknownServerError, "{what} in a commit");
        assert_eq!(heartbeat(&mut wire, &joined), ErrorCode::None, "{what}");
    }
    for (what, client, request) in unwritable_joins() {
        let version = if request.group_instance_id.is_some() {
            5
        } else {
            0
        };
        let answer = ask_badly(&node, version, &client, &request);
        assert_eq!(
            code(answer.error_code),
            ErrorCode::UnknownServerError,
            "{what} in a join"
        );
        assert_eq!(heartbeat(&mut wire, &joined), ErrorCode::None, "{what}");
    }

    let sync = SyncGroupRequest {
        group_id: "steady".into(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        assignments: vec![sync_group_request::SyncGroupRequestAssignment {
            member_id: joined.member_id.clone(),
            assignment: "all".into(),
        }],
        ..SyncGroupRequest::default()
    };
    assert_eq!(code(wire.ask(3, &sync).error_code), ErrorCode::None);
    node.stop().unwrap();
}
