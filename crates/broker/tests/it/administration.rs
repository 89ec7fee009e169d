//! What administrators ask: answers as Apache Kafka 4.4 was seen to give them.

use mainstem_protocol::messages::DescribeUserScramCredentialsRequest;
use mainstem_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use mainstem_protocol::messages::create_topics_request::CreatableTopic;
use mainstem_protocol::messages::describe_user_scram_credentials_request::UserName;
use mainstem_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterReplicaLogDirsRequest, CreateAclsRequest,
    CreateTopicsRequest, DeleteTopicsRequest, DescribeAclsRequest, DescribeClientQuotasRequest,
    DescribeClusterRequest, DescribeGroupsRequest, DescribeLogDirsRequest,
    DescribeProducersRequest, DescribeQuorumRequest, DescribeTopicPartitionsRequest,
    ElectLeadersRequest, FindCoordinatorRequest, ListConfigResourcesRequest, ListOffsetsRequest,
    MetadataRequest, UpdateFeaturesRequest, alter_replica_log_dirs_request as replica_dirs,
    create_acls_request, delete_topics_request, describe_client_quotas_request,
    describe_log_dirs_request, describe_producers_request, describe_quorum_request,
    describe_topic_partitions_request as pages, elect_leaders_request, list_offsets_request,
    metadata_request, update_features_request,
};
use mainstem_protocol::{ErrorCode, Str, Uuid};

use crate::wire::{Wire, batch, node, produce, request_bytes, sequenced};

/// Asks for topics with so many partitions each.
pub(crate) fn topics(wire: &mut Wire, wanted: &[(&str, i32)]) {
    let topics = wanted.iter().map(|(name, count)| CreatableTopic {
        name: Str::from(*name),
        num_partitions: *count,
        replication_factor: 1,
        ..CreatableTopic::default()
    });
    let request = CreateTopicsRequest {
        topics: topics.collect(),
        timeout_ms: 10_000,
        ..CreateTopicsRequest::default()
    };
    let response = wire.ask(7, &request);
    assert!(response.topics.iter().all(|topic| topic.error_code == 0));
}

/// One page: topic, first partition, count, code; and the cursor.
type Page = (Vec<(String, i32, usize, i16)>, Option<(String, i32)>);

fn page(wire: &mut Wire, names: &[&str], limit: i32, cursor: Option<(&str, i32)>) -> Page {
    let request = DescribeTopicPartitionsRequest {
        topics: names
            .iter()
            .map(|name| pages::TopicRequest {
                name: Str::from(*name),
            })
            .collect(),
        response_partition_limit: limit,
        cursor: cursor.map(|(topic, index)| pages::Cursor {
            topic_name: Str::from(topic),
            partition_index: index,
        }),
    };
    let response = wire.ask(0, &request);
    let topics = response.topics.iter().map(|topic| {
        let first = topic
            .partitions
            .first()
            .map_or(-1, |partition| partition.partition_index);
        let name = topic.name.as_ref().unwrap().to_string();
        (name, first, topic.partitions.len(), topic.error_code)
    });
    let next = response
        .next_cursor
        .map(|next| (next.topic_name.to_string(), next.partition_index));
    (topics.collect(), next)
}

#[test]
fn topics_are_described_page_by_page() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topics(&mut wire, &[("alpha", 3), ("beta", 5)]);
    let row =
        |name: &str, first: i32, count: usize, code: i16| (name.to_owned(), first, count, code);
    let at = |name: &str, index: i32| Some((name.to_owned(), index));
    let cases = [
        (
            vec![],
            2_000,
            None,
            (vec![row("alpha", 0, 3, 0), row("beta", 0, 5, 0)], None),
        ),
        (
            vec![],
            4,
            None,
            (
                vec![row("alpha", 0, 3, 0), row("beta", 0, 1, 0)],
                at("beta", 1),
            ),
        ),
        (
            vec![],
            3,
            None,
            (vec![row("alpha", 0, 3, 0)], at("beta", 0)),
        ),
        (
            vec![],
            4,
            Some(("beta", 1)),
            (vec![row("beta", 1, 4, 0)], None),
        ),
        // The cursor's topic is gone: the next one is read from its start.
        (
            vec![],
            4,
            Some(("b", 7)),
            (vec![row("beta", 0, 4, 0)], at("beta", 4)),
        ),
        (vec![], 4, Some(("zz", 0)), (vec![], None)),
        // Names come once, in order; what does not exist takes no room.
        (
            vec!["nope", "beta", "alpha", "alpha", "bad!"],
            2_000,
            None,
            (
                vec![
                    row("alpha", 0, 3, 0),
                    row("bad!", -1, 0, 17),
                    row("beta", 0, 5, 0),
                    row("nope", -1, 0, 3),
                ],
                None,
            ),
        ),
        (
            vec!["alpha"],
            -1,
            None,
            (vec![row("alpha", 0, 1, 0)], at("alpha", 1)),
        ),
        (
            vec!["alpha"],
            5,
            Some(("alpha", -1)),
            (vec![row("alpha", -1, 0, 42)], None),
        ),
    ];
    for (names, limit, cursor, expected) in cases {
        let got = page(&mut wire, &names, limit, cursor);
        assert_eq!(got, expected, "{names:?} {limit} {cursor:?}");
    }
    node.stop().unwrap();
}

#[test]
fn the_data_directory_is_described() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topics(&mut wire, &[("orders", 2)]);
    let records = batch(b"one");
    let bytes = i64::try_from(records.len()).unwrap();
    assert_eq!(produce(&mut wire, "orders", records).error_code, 0);
    let asked = describe_log_dirs_request::DescribableLogDirTopic {
        topic: Str::from("orders"),
        partitions: vec![0, 9],
    };
    let request = DescribeLogDirsRequest {
        topics: Some(vec![asked]),
    };
    let found = wire.ask(5, &request).results.remove(0);
    assert_eq!(found.log_dir.as_str(), dir.path().to_str().unwrap());
    assert!(found.total_bytes > found.usable_bytes && found.usable_bytes > 0);
    let sizes = found.topics[0].partitions.iter();
    let sizes: Vec<_> = sizes
        .map(|partition| (partition.partition_index, partition.partition_size))
        .collect();
    assert_eq!(sizes, [(0, bytes)]);
    let everything = wire.ask(4, &DescribeLogDirsRequest { topics: None });
    assert_eq!(everything.results[0].topics[0].partitions.len(), 2);

    let moved = |wire: &mut Wire, path: &str| {
        let request = AlterReplicaLogDirsRequest {
            dirs: vec![replica_dirs::AlterReplicaLogDir {
                path: Str::from(path),
                topics: vec![replica_dirs::AlterReplicaLogDirTopic {
                    name: Str::from("orders"),
                    partitions: vec![0, 9],
                }],
            }],
        };
        let partitions = wire.ask(2, &request).results.remove(0).partitions;
        partitions
            .iter()
            .map(|partition| ErrorCode::from_code(partition.error_code))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        moved(&mut wire, found.log_dir.as_str()),
        [ErrorCode::None, ErrorCode::UnknownTopicOrPartition]
    );
    assert_eq!(
        moved(&mut wire, "/elsewhere"),
        [ErrorCode::LogDirNotFound, ErrorCode::LogDirNotFound]
    );
    node.stop().unwrap();
}

#[test]
fn producers_are_described_and_outlive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let first = node(dir.path());
    let mut wire = Wire::to(&first);
    topics(&mut wire, &[("orders", 1)]);
    for (id, epoch, sequence) in [(4_000, 0, 0), (4_001, 2, 0), (4_000, 0, 1)] {
        let response = produce(&mut wire, "orders", sequenced(id, epoch, sequence));
        assert_eq!(response.error_code, 0);
    }
    let described = |wire: &mut Wire| {
        let request = DescribeProducersRequest {
            topics: vec![describe_producers_request::TopicRequest {
                name: Str::from("orders"),
                partition_indexes: vec![0],
            }],
        };
        wire.ask(0, &request).topics.remove(0).partitions.remove(0)
    };
    let before = described(&mut wire);
    let states: Vec<_> = before
        .active_producers
        .iter()
        .map(|state| (state.producer_id, state.producer_epoch, state.last_sequence))
        .collect();
    assert_eq!(states, [(4_000, 0, 1), (4_001, 2, 0)]);
    first.stop().unwrap();
    let second = node(dir.path());
    assert_eq!(described(&mut Wire::to(&second)), before);
    second.stop().unwrap();
}

#[test]
fn the_quorum_is_this_node() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    let ask = |wire: &mut Wire, topic: &str, index: i32| {
        let request = DescribeQuorumRequest {
            topics: vec![describe_quorum_request::TopicData {
                topic_name: Str::from(topic),
                partitions: vec![describe_quorum_request::PartitionData {
                    partition_index: index,
                }],
            }],
        };
        let response = wire.ask(2, &request);
        (response.topics[0].partitions[0].clone(), response.nodes)
    };
    let (found, nodes) = ask(&mut wire, "__cluster_metadata", 0);
    assert_eq!(
        (found.error_code, found.leader_id, found.leader_epoch),
        (0, 1, 1)
    );
    assert_eq!(found.current_voters[0].log_end_offset, found.high_watermark);
    assert_eq!(nodes[0].listeners[0].port, node.kafka_address.port());
    topics(&mut wire, &[("orders", 1)]);
    let (later, _) = ask(&mut wire, "__cluster_metadata", 0);
    assert!(
        later.high_watermark > found.high_watermark,
        "a topic is records"
    );
    assert_eq!(ask(&mut wire, "orders", 0).0.error_code, 3);
    node.stop().unwrap();
}

fn features(wire: &mut Wire, version: i16, name: &str, level: i16, kind: i8) -> (i16, String) {
    let request = UpdateFeaturesRequest {
        feature_updates: vec![update_features_request::FeatureUpdateKey {
            feature: Str::from(name),
            max_version_level: level,
            upgrade_type: kind,
            ..Default::default()
        }],
        timeout_ms: 1_000,
        validate_only: false,
    };
    let response = wire.ask(version, &request);
    let message = response.error_message.map(|message| message.to_string());
    (response.error_code, message.unwrap_or_default())
}

#[test]
fn levels_are_those_of_this_build() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    assert_eq!(
        features(&mut wire, 2, "metadata.version", 33, 1),
        (0, String::new())
    );
    for (name, level, kind, words) in [
        ("metadata.version", 34, 1, "only supports versions 7-33"),
        ("metadata.version", 20, 1, "Can't downgrade"),
        ("metadata.version", 20, 2, "Refusing to perform"),
        ("metadata.version", 20, 3, "Unsafe metadata downgrade"),
        ("metadata.version", 33, 0, "given upgrade type"),
        ("metadata.version", -1, 1, "cannot be less than 0"),
        ("transaction.version", 2, 1, "does not support this feature"),
    ] {
        let (code, message) = features(&mut wire, 2, name, level, kind);
        assert_eq!(code, ErrorCode::InvalidUpdateVersion.code(), "{name}");
        assert!(message.contains(words), "{message}");
    }
    node.stop().unwrap();
}

#[test]
fn one_node_has_nothing_to_move_and_nobody_to_elect() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topics(&mut wire, &[("orders", 1)]);
    let elected = wire.ask(
        2,
        &ElectLeadersRequest {
            topic_partitions: Some(vec![elect_leaders_request::TopicPartitions {
                topic: Str::from("orders"),
                partitions: vec![0, 9],
            }]),
            ..ElectLeadersRequest::default()
        },
    );
    let results = &elected.replica_election_results[0].partition_result;
    let codes: Vec<_> = results
        .iter()
        .map(|result| ErrorCode::from_code(result.error_code))
        .collect();
    assert_eq!(
        codes,
        [
            ErrorCode::ElectionNotNeeded,
            ErrorCode::UnknownTopicOrPartition
        ]
    );
    for (replicas, code) in [
        (Some(vec![1]), ErrorCode::None),
        (None, ErrorCode::NoReassignmentInProgress),
        (Some(vec![]), ErrorCode::InvalidReplicaAssignment),
        (Some(vec![1, 1]), ErrorCode::InvalidReplicaAssignment),
        (Some(vec![2]), ErrorCode::InvalidReplicaAssignment),
    ] {
        let request = AlterPartitionReassignmentsRequest {
            topics: vec![ReassignableTopic {
                name: Str::from("orders"),
                partitions: vec![ReassignablePartition {
                    partition_index: 0,
                    replicas: replicas.clone(),
                }],
            }],
            ..AlterPartitionReassignmentsRequest::default()
        };
        let response = wire.ask(1, &request);
        let result = &response.responses[0].partitions[0];
        assert_eq!(
            ErrorCode::from_code(result.error_code),
            code,
            "{replicas:?}"
        );
    }
    node.stop().unwrap();
}

#[test]
fn without_an_authorizer_access_lists_are_disabled_and_everything_is_allowed() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    let any = DescribeAclsRequest {
        resource_type_filter: 1,
        pattern_type_filter: 1,
        operation: 1,
        permission_type: 1,
        ..DescribeAclsRequest::default()
    };
    let disabled = ErrorCode::SecurityDisabled.code();
    assert_eq!(wire.ask(3, &any).error_code, disabled);
    let made = wire.ask(
        3,
        &CreateAclsRequest {
            creations: vec![create_acls_request::AclCreation {
                resource_type: 2,
                resource_name: Str::from("orders"),
                resource_pattern_type: 3,
                principal: Str::from("User:a"),
                host: Str::from("*"),
                operation: 3,
                permission_type: 3,
            }],
        },
    );
    assert_eq!(made.results[0].error_code, disabled);
    let asked = DescribeClusterRequest {
        include_cluster_authorized_operations: true,
        endpoint_type: 1,
        ..DescribeClusterRequest::default()
    };
    assert_eq!(wire.ask(2, &asked).cluster_authorized_operations, 8_096);
    // An operation that is "unknown" makes the request unreadable.
    let unknown = DescribeAclsRequest {
        operation: 0,
        ..any
    };
    wire.send(&request_bytes(3, &unknown));
    assert!(wire.frame().is_none(), "the connection is closed");
    node.stop().unwrap();
}

#[test]
fn what_a_client_may_do_is_told_to_one_that_asks() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topics(&mut wire, &[("orders", 1)]);
    // Sets of the numbers of `AclOperation`, as bits; without an authorizer, all that there are for the kind of resource.
    let (cluster, topic, group) = (8_096, 3_576, 3_400);
    for (asks_cluster, asks_topics) in [(true, true), (true, false), (false, true)] {
        for version in 8..=13 {
            let named = ["orders", "nobody-made-this"];
            let named = named.map(|name| metadata_request::MetadataRequestTopic {
                name: Some(Str::from(name)),
                ..Default::default()
            });
            let request = MetadataRequest {
                topics: Some(named.to_vec()),
                allow_auto_topic_creation: false,
                // Afterwards DescribeCluster is there for it.
                include_cluster_authorized_operations: asks_cluster && version <= 10,
                include_topic_authorized_operations: asks_topics,
            };
            let told = wire.ask(version, &request);
            let expected = match request.include_cluster_authorized_operations {
                true => cluster,
                false => i32::MIN,
            };
            assert_eq!(told.cluster_authorized_operations, expected, "{version}");
            let expected = if asks_topics { topic } else { i32::MIN };
            let topics = told.topics.iter();
            let topics: Vec<_> = topics
                .map(|topic| (topic.error_code, topic.topic_authorized_operations))
                .collect();
            assert_eq!(topics, [(0, expected), (3, expected)], "{version}");
        }
    }
    let coordinator = FindCoordinatorRequest {
        key: Str::from("billing"),
        ..FindCoordinatorRequest::default()
    };
    // The group's partition is made when it is first asked for.
    assert!((0..2_000).any(|_| wire.ask(3, &coordinator).error_code == 0));
    let described = |wire: &mut Wire, version: i16, asks: bool| {
        let request = DescribeGroupsRequest {
            groups: vec![Str::from("billing")],
            include_authorized_operations: asks,
        };
        let told = wire.ask(version, &request).groups.remove(0);
        (told.error_code, told.authorized_operations)
    };
    // A group that nobody made is dead, and may be described as such.
    let loaded = (0..2_000).any(|_| described(&mut wire, 5, false).0 == 0);
    assert!(loaded, "the coordinator answers");
    for version in 3..=5 {
        assert_eq!(described(&mut wire, version, true), (0, group));
        assert_eq!(described(&mut wire, version, false), (0, i32::MIN));
    }
    let missing = ErrorCode::GroupIdNotFound.code();
    assert_eq!(described(&mut wire, 6, true), (missing, i32::MIN));
    node.stop().unwrap();
}

#[test]
fn resources_and_quotas_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topics(&mut wire, &[("orders", 1)]);
    let mut listed = |types: &[i8]| {
        let request = ListConfigResourcesRequest {
            resource_types: types.to_vec(),
        };
        let response = wire.ask(1, &request);
        let resources = response.config_resources.iter();
        let resources =
            resources.map(|listed| (listed.resource_type, listed.resource_name.to_string()));
        (response.error_code, resources.collect::<Vec<_>>())
    };
    let named = |resource_type: i8, name: &str| (resource_type, name.to_owned());
    assert_eq!(
        listed(&[]),
        (0, vec![named(8, "1"), named(4, "1"), named(2, "orders")])
    );
    assert_eq!(listed(&[2]), (0, vec![named(2, "orders")]));
    assert_eq!(listed(&[99]), (35, vec![]));
    let component =
        |entity_type: &str, match_type: i8| describe_client_quotas_request::ComponentData {
            entity_type: Str::from(entity_type),
            match_type,
            match_: None,
        };
    for (components, code) in [
        (vec![component("user", 2)], 0),
        (vec![component("user", 0)], 42),
        (vec![component("planet", 2)], 35),
        (vec![component("ip", 2), component("user", 2)], 42),
    ] {
        let request = DescribeClientQuotasRequest {
            components,
            strict: false,
        };
        let response = wire.ask(1, &request);
        let expected = if code == 0 { Some(Vec::new()) } else { None };
        assert_eq!((response.error_code, response.entries), (code, expected));
    }
    let user = |name: &str| UserName {
        name: Str::from(name),
    };
    let asked = DescribeUserScramCredentialsRequest {
        users: Some(vec![user("a"), user("b"), user("a")]),
    };
    let told = wire.ask(0, &asked).results.into_iter();
    let told: Vec<_> = told
        .map(|told| (told.user.to_string(), ErrorCode::from_code(told.error_code)))
        .collect();
    assert_eq!(
        told,
        [
            ("a".to_owned(), ErrorCode::DuplicateResource),
            ("b".to_owned(), ErrorCode::ResourceNotFound),
        ]
    );
    node.stop().unwrap();
}

/// Error codes and messages of a deletion, and whether the topic is still there.
fn delete(
    wire: &mut Wire,
    version: i16,
    request: &DeleteTopicsRequest,
) -> Vec<(ErrorCode, Option<String>)> {
    let responses = wire.ask(version, request).responses;
    let told = responses.into_iter().map(|told| {
        let message = told.error_message.map(|message| message.to_string());
        (ErrorCode::from_code(told.error_code), message)
    });
    told.collect()
}

#[test]
fn a_topic_that_is_named_twice_stays() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topics(&mut wire, &[("orders", 1)]);
    let all = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    let id = wire.ask(12, &all).topics[0].topic_id;
    let named = |name: Option<&str>, topic_id: Uuid| delete_topics_request::DeleteTopicState {
        name: name.map(Str::from),
        topic_id,
    };
    let (by_name, by_id) = (named(Some("orders"), Uuid::ZERO), named(None, id));
    for (topics, words) in [
        (
            vec![by_name.clone(), by_name.clone()],
            "Duplicate topic name.",
        ),
        (vec![by_id.clone(), by_id.clone()], "Duplicate topic id."),
        (
            vec![by_name.clone(), by_id.clone()],
            "The provided topic name maps to an ID that was already supplied.",
        ),
        (
            vec![named(Some("orders"), id)],
            "You may not specify both topic name and topic id.",
        ),
        (
            vec![named(None, Uuid::ZERO)],
            "Neither topic name nor id were specified.",
        ),
    ] {
        let request = DeleteTopicsRequest {
            topics,
            timeout_ms: 5_000,
            ..DeleteTopicsRequest::default()
        };
        assert_eq!(
            delete(&mut wire, 6, &request),
            [(ErrorCode::InvalidRequest, Some(words.to_owned()))]
        );
    }
    let old = DeleteTopicsRequest {
        topic_names: vec![Str::from("orders"), Str::from("orders")],
        timeout_ms: 5_000,
        ..DeleteTopicsRequest::default()
    };
    assert_eq!(
        delete(&mut wire, 1, &old),
        [(ErrorCode::InvalidRequest, None)]
    );
    let once = DeleteTopicsRequest {
        topics: vec![by_id],
        timeout_ms: 5_000,
        ..DeleteTopicsRequest::default()
    };
    assert_eq!(delete(&mut wire, 6, &once), [(ErrorCode::None, None)]);
    node.stop().unwrap();
}

#[test]
fn special_offsets_have_their_versions() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let mut wire = Wire::to(&node);
    topics(&mut wire, &[("orders", 1)]);
    let mut ask = |version: i16, timestamps: &[i64]| {
        let partitions =
            timestamps
                .iter()
                .map(|timestamp| list_offsets_request::ListOffsetsPartition {
                    timestamp: *timestamp,
                    current_leader_epoch: -1,
                    ..Default::default()
                });
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![list_offsets_request::ListOffsetsTopic {
                name: Str::from("orders"),
                partitions: partitions.collect(),
            }],
            ..ListOffsetsRequest::default()
        };
        let answers = wire.ask(version, &request).topics.remove(0).partitions;
        answers
            .iter()
            .map(|answer| ErrorCode::from_code(answer.error_code))
            .collect::<Vec<_>>()
    };
    for (timestamp, first) in [(-3, 7), (-4, 8), (-5, 9), (-6, 11)] {
        let before = ask(first - 1, &[timestamp]);
        assert_eq!(before, [ErrorCode::UnsupportedVersion], "{timestamp}");
        assert_eq!(ask(first, &[timestamp]), [ErrorCode::None], "{timestamp}");
    }
    assert_eq!(ask(11, &[-7]), [ErrorCode::UnsupportedVersion]);
    // A partition that is named twice is told once, and refused.
    assert_eq!(ask(7, &[-1, -2]), [ErrorCode::InvalidRequest]);
    node.stop().unwrap();
}
