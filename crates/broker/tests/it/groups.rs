//! Groups over the wire: names that no record can hold, and answers that are Kafka's to the letter.

use mainstem_broker::{RunningNode, start};
use mainstem_protocol::frame::encode_request;
use mainstem_protocol::messages::{
    DeleteGroupsRequest, FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest,
    JoinGroupResponse, LeaveGroupRequest, ListGroupsRequest, OffsetCommitRequest,
    OffsetDeleteRequest, OffsetFetchRequest, SyncGroupRequest, join_group_request,
    offset_commit_request, offset_delete_request, offset_fetch_request, sync_group_request,
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

fn fetch_request(group: &str, topics: &[(&str, &[i32])]) -> OffsetFetchRequest {
    let topics =
        topics.iter().map(
            |(name, partitions)| offset_fetch_request::OffsetFetchRequestTopic {
                name: Str::from(*name),
                partition_indexes: partitions.to_vec(),
            },
        );
    OffsetFetchRequest {
        group_id: group.into(),
        topics: Some(topics.collect()),
        ..OffsetFetchRequest::default()
    }
}

fn delete(wire: &mut Wire, groups: &[&str]) -> Vec<(String, ErrorCode)> {
    let request = DeleteGroupsRequest {
        groups_names: groups.iter().map(|name| Str::from(*name)).collect(),
    };
    let results = wire.ask(1, &request).results.into_iter();
    let results = results.map(|result| (result.group_id.to_string(), code(result.error_code)));
    results.collect()
}

fn list(wire: &mut Wire, states: &[&str], types: &[&str]) -> Vec<String> {
    let request = ListGroupsRequest {
        states_filter: states.iter().map(|name| Str::from(*name)).collect(),
        types_filter: types.iter().map(|name| Str::from(*name)).collect(),
    };
    let answer = wire.ask(5, &request);
    assert_eq!(code(answer.error_code), ErrorCode::None);
    let groups = answer.groups.into_iter();
    groups.map(|group| group.group_id.to_string()).collect()
}

fn commit(wire: &mut Wire, request: &OffsetCommitRequest) -> Vec<ErrorCode> {
    let topics = wire.ask(8, request).topics.into_iter();
    let partitions = topics.flat_map(|topic| topic.partitions);
    partitions
        .map(|partition| code(partition.error_code))
        .collect()
}

#[test]
fn before_there_are_shards_a_request_is_looked_at_and_nobody_coordinates() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path(), &[]);
    let mut wire = Wire::to(&node);
    topic(&mut wire, "orders");

    let mut join = |group: &str, session_timeout_ms| {
        let mut request = join_request(group);
        request.session_timeout_ms = session_timeout_ms;
        request.member_id = "m".into();
        let answer = wire.ask(5, &request);
        (code(answer.error_code), answer.member_id.to_string())
    };
    assert_eq!(join("", 1), (ErrorCode::InvalidGroupId, "m".to_owned()));
    assert_eq!(
        join("g", 1),
        (ErrorCode::InvalidSessionTimeout, "m".to_owned())
    );
    assert_eq!(
        join("g", 60_000),
        (ErrorCode::NotCoordinator, String::new())
    );

    for (group, expected) in [
        ("", ErrorCode::InvalidGroupId),
        ("g", ErrorCode::NotCoordinator),
    ] {
        let sync = SyncGroupRequest {
            group_id: group.into(),
            ..SyncGroupRequest::default()
        };
        assert_eq!(code(wire.ask(3, &sync).error_code), expected);
        let heartbeat = HeartbeatRequest {
            group_id: group.into(),
            ..HeartbeatRequest::default()
        };
        assert_eq!(code(wire.ask(3, &heartbeat).error_code), expected);
        let leave = LeaveGroupRequest {
            group_id: group.into(),
            ..LeaveGroupRequest::default()
        };
        assert_eq!(code(wire.ask(2, &leave).error_code), expected);
        let deletion = OffsetDeleteRequest {
            group_id: group.into(),
            ..OffsetDeleteRequest::default()
        };
        assert_eq!(code(wire.ask(0, &deletion).error_code), expected);
        // Offsets may be kept under the empty name.
        let committed = commit(&mut wire, &commit_request(group, &["orders"], ""));
        assert_eq!(committed, [ErrorCode::NotCoordinator]);
        let deleted = delete(&mut wire, &[group, group]);
        assert_eq!(deleted, [(group.to_owned(), ErrorCode::NotCoordinator)]);
    }

    // The first version has no place for an error of the whole.
    let request = fetch_request("g", &[("orders", &[1, 0]), ("other", &[0])]);
    let old = wire.ask(1, &request);
    let partitions = old.topics.iter().flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions.map(|partition| {
            (
                topic.name.to_string(),
                partition.partition_index,
                partition.committed_offset,
                code(partition.error_code),
            )
        })
    });
    let none = ErrorCode::NotCoordinator;
    assert_eq!(
        partitions.collect::<Vec<_>>(),
        [
            ("orders".to_owned(), 1, -1, none),
            ("orders".to_owned(), 0, -1, none),
            ("other".to_owned(), 0, -1, none),
        ]
    );
    let newer = wire.ask(2, &request);
    assert_eq!(code(newer.error_code), none);
    assert!(newer.topics.is_empty());
    assert!(list(&mut wire, &[], &[]).is_empty());
    node.stop().unwrap();
}

#[test]
fn groups_are_made_by_what_they_keep_and_deleted_once() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path(), &[]);
    let mut wire = ready(&node);

    let unknown = commit_request("nothing", &["missing"], "");
    assert_eq!(
        commit(&mut wire, &unknown),
        [ErrorCode::UnknownTopicOrPartition]
    );
    assert!(commit(&mut wire, &commit_request("nothing", &[], "")).is_empty());
    let wordy = commit_request("nothing", &["orders"], &"x".repeat(4_097));
    assert_eq!(
        commit(&mut wire, &wordy),
        [ErrorCode::OffsetMetadataTooLarge]
    );
    assert!(list(&mut wire, &[], &[]).is_empty());

    // Kafka counts as Java does: in units of UTF-16.
    for (metadata, expected) in [
        ("漢".repeat(4_096), ErrorCode::None),
        ("漢".repeat(4_097), ErrorCode::OffsetMetadataTooLarge),
        ("😀".repeat(2_048), ErrorCode::None),
        ("😀".repeat(2_049), ErrorCode::OffsetMetadataTooLarge),
    ] {
        let request = commit_request("", &["orders", "missing"], &metadata);
        assert_eq!(
            commit(&mut wire, &request),
            [ErrorCode::UnknownTopicOrPartition, expected]
        );
    }

    assert_eq!(list(&mut wire, &[" Empty\t"], &["CLASSIC"]), [""]);
    assert!(list(&mut wire, &["Stable"], &[]).is_empty());
    assert!(list(&mut wire, &[], &[" classic"]).is_empty());

    let gone = || (String::new(), ErrorCode::GroupIdNotFound);
    assert_eq!(
        delete(&mut wire, &["", ""]),
        [(String::new(), ErrorCode::None)]
    );
    assert_eq!(
        delete(&mut wire, &["", "never", ""]),
        [gone(), ("never".to_owned(), ErrorCode::GroupIdNotFound)]
    );
    node.stop().unwrap();
}

#[test]
fn offsets_are_told_in_the_order_in_which_they_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path(), &[]);
    let mut wire = ready(&node);
    topic(&mut wire, "aaa");
    let request = commit_request("g", &["orders", "aaa"], "");
    assert_eq!(commit(&mut wire, &request), [ErrorCode::None; 2]);

    let asked: [(&str, &[i32]); 4] = [
        ("orders", &[1, 0, 1]),
        ("aaa", &[]),
        ("missing", &[2]),
        ("orders", &[0]),
    ];
    let expected = [
        ("orders", vec![(1, -1), (0, 3), (1, -1)]),
        ("aaa", vec![]),
        ("missing", vec![(2, -1)]),
        ("orders", vec![(0, 3)]),
    ];
    let answer = wire.ask(7, &fetch_request("g", &asked));
    let told = answer.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter();
        let partitions = partitions.map(|found| (found.partition_index, found.committed_offset));
        (topic.name.as_str(), partitions.collect::<Vec<_>>())
    });
    assert_eq!(told.collect::<Vec<_>>(), expected);

    let topics =
        asked.iter().map(
            |(name, partitions)| offset_fetch_request::OffsetFetchRequestTopics {
                name: Str::from(*name),
                partition_indexes: partitions.to_vec(),
                ..Default::default()
            },
        );
    let several = OffsetFetchRequest {
        groups: vec![offset_fetch_request::OffsetFetchRequestGroup {
            group_id: "g".into(),
            topics: Some(topics.collect()),
            ..Default::default()
        }],
        ..OffsetFetchRequest::default()
    };
    let answer = wire.ask(9, &several);
    let told = answer.groups[0].topics.iter().map(|topic| {
        let partitions = topic.partitions.iter();
        let partitions = partitions.map(|found| (found.partition_index, found.committed_offset));
        (topic.name.as_str(), partitions.collect::<Vec<_>>())
    });
    assert_eq!(told.collect::<Vec<_>>(), expected);

    // Who asks for all gets a topic once, with all that is kept of it.
    let all = OffsetFetchRequest {
        topics: None,
        ..fetch_request("g", &[])
    };
    let answer = wire.ask(7, &all);
    let told = answer
        .topics
        .iter()
        .map(|topic| (topic.name.as_str(), topic.partitions.len()));
    assert_eq!(told.collect::<Vec<_>>(), [("aaa", 1), ("orders", 1)]);
    node.stop().unwrap();
}

/// Topics with their partitions and codes, as they were told.
type Told<'a> = Vec<(&'a str, Vec<(i32, ErrorCode)>)>;

fn commit_of(topics: &[(&str, &[i32])]) -> OffsetCommitRequest {
    let topics = topics.iter().map(|(name, partitions)| {
        let partitions =
            partitions.iter().map(
                |index| offset_commit_request::OffsetCommitRequestPartition {
                    partition_index: *index,
                    committed_leader_epoch: -1,
                    ..Default::default()
                },
            );
        offset_commit_request::OffsetCommitRequestTopic {
            name: Str::from(*name),
            partitions: partitions.collect(),
            ..Default::default()
        }
    });
    OffsetCommitRequest {
        topics: topics.collect(),
        ..commit_request("g", &[], "")
    }
}

#[test]
fn what_does_not_exist_is_told_first_and_takes_in_the_rest() {
    const NONE: ErrorCode = ErrorCode::None;
    const UNKNOWN: ErrorCode = ErrorCode::UnknownTopicOrPartition;
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path(), &[]);
    let mut wire = ready(&node);
    topic(&mut wire, "aaa");

    type Case<'a> = (&'a [(&'a str, &'a [i32])], Told<'a>);
    let cases: [Case<'_>; 4] = [
        (
            &[
                ("orders", &[0, 9]),
                ("missing", &[0]),
                ("aaa", &[0]),
                ("missing", &[1]),
                ("orders", &[0]),
            ],
            vec![
                ("orders", vec![(9, UNKNOWN), (0, NONE), (0, NONE)]),
                ("missing", vec![(0, UNKNOWN), (1, UNKNOWN)]),
                ("aaa", vec![(0, NONE)]),
            ],
        ),
        // Nothing is put together where everything exists.
        (
            &[("orders", &[0]), ("aaa", &[0]), ("orders", &[0])],
            vec![
                ("orders", vec![(0, NONE)]),
                ("aaa", vec![(0, NONE)]),
                ("orders", vec![(0, NONE)]),
            ],
        ),
        (
            &[("missing", &[]), ("orders", &[])],
            vec![("missing", vec![])],
        ),
        (
            &[("orders", &[]), ("aaa", &[0])],
            vec![("aaa", vec![(0, NONE)])],
        ),
    ];
    for (asked, expected) in cases {
        let answer = wire.ask(8, &commit_of(asked));
        let told = answer.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter();
            let partitions = partitions.map(|one| (one.partition_index, code(one.error_code)));
            (topic.name.as_str(), partitions.collect())
        });
        assert_eq!(told.collect::<Told<'_>>(), expected, "{asked:?}");

        let topics = asked.iter().map(|(name, partitions)| {
            let partitions = partitions.iter().map(|index| {
                offset_delete_request::OffsetDeleteRequestPartition {
                    partition_index: *index,
                }
            });
            offset_delete_request::OffsetDeleteRequestTopic {
                name: Str::from(*name),
                partitions: partitions.collect(),
            }
        });
        let deletion = OffsetDeleteRequest {
            group_id: "g".into(),
            topics: topics.collect(),
        };
        let answer = wire.ask(0, &deletion);
        assert_eq!(code(answer.error_code), NONE);
        let told = answer.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter();
            let partitions = partitions.map(|one| (one.partition_index, code(one.error_code)));
            (topic.name.as_str(), partitions.collect())
        });
        assert_eq!(told.collect::<Told<'_>>(), expected, "{asked:?}");
    }
    node.stop().unwrap();
}
