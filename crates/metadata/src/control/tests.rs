//! Decisions on an image of one broker.

use mainstem_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use mainstem_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use mainstem_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest,
    IncrementalAlterConfigsRequest, MetadataRecord, PartitionChangeRecord,
    create_partitions_request,
};
use mainstem_protocol::{ErrorCode, Str, Uuid};

use super::*;
use crate::{Changed, ConfigResource, MetadataImage};

fn apply_all(image: &mut MetadataImage, records: &[MetadataRecord]) -> Changed {
    let mut changed = Changed::default();
    for record in records {
        image.apply(record, &mut changed).unwrap();
    }
    changed
}

fn one_broker() -> MetadataImage {
    let mut image = MetadataImage::default();
    let registration = Registration {
        node_id: 1,
        incarnation: Uuid([9; 16]),
        endpoints: vec![],
        directory: Uuid([8; 16]),
        rack: None,
    };
    let mut records = bootstrap(&image, Vec::new());
    records.push(register_broker(&registration, 5));
    records.push(unfence_broker(1, 5));
    apply_all(&mut image, &records);
    image
}

fn topic(name: &str, partitions: i32) -> CreatableTopic {
    CreatableTopic {
        name: Str::from(name),
        num_partitions: partitions,
        replication_factor: 1,
        ..CreatableTopic::default()
    }
}

fn create(image: &mut MetadataImage, topics: Vec<CreatableTopic>) -> Vec<(ErrorCode, Option<Str>)> {
    let defaults = TopicDefaults {
        partitions: 3,
        replication_factor: 1,
    };
    let mut next = u8::try_from(image.topics().count() * 10).unwrap();
    let mut new_id = || {
        next += 1;
        Uuid([next; 16])
    };
    let request = CreateTopicsRequest {
        topics,
        ..CreateTopicsRequest::default()
    };
    let decision = create_topics(image, &request, defaults, &mut new_id);
    apply_all(image, &decision.records);
    let results = decision.response.topics.into_iter();
    results
        .map(|topic| (ErrorCode::from_code(topic.error_code), topic.error_message))
        .collect()
}

#[test]
fn of_too_many_partitions_nothing_is_planned() {
    let image = one_broker();
    let topics = (0..50).map(|at| topic(&format!("topic-{at}"), 6_000));
    let request = CreateTopicsRequest {
        topics: topics.collect(),
        validate_only: true,
        ..CreateTopicsRequest::default()
    };
    let defaults = TopicDefaults {
        partitions: 1,
        replication_factor: 1,
    };
    let mut planned = 0;
    let mut new_id = || {
        planned += 1;
        Uuid([7; 16])
    };
    let decision = create_topics(&image, &request, defaults, &mut new_id);
    let codes = decision
        .response
        .topics
        .iter()
        .map(|topic| topic.error_code);
    let refused = codes.filter(|code| *code == ErrorCode::PolicyViolation.code());
    assert_eq!((planned, refused.count()), (0, 50));
}

#[test]
fn replicas_that_a_client_assigns_are_of_consecutive_partitions() {
    let twice = "Found multiple manual partition assignments for partition 0";
    let gap = "partitions should be a consecutive 0-based integer sequence";
    let cases: [(&[i32], Option<&str>); 7] = [
        (&[0], None),
        (&[1, 0], None),
        (&[0, 0], Some(twice)),
        (&[5, 0, 0], Some(twice)),
        (&[1, 2], Some(gap)),
        (&[-1, 0], Some(gap)),
        (&[0, 2], Some(gap)),
    ];
    for (indexes, expected) in cases {
        let assignments = indexes.iter().map(|index| CreatableReplicaAssignment {
            partition_index: *index,
            broker_ids: vec![1],
        });
        let asked = CreatableTopic {
            assignments: assignments.collect(),
            replication_factor: -1,
            ..topic("orders", -1)
        };
        let (_, message) = create(&mut one_broker(), vec![asked]).remove(0);
        assert_eq!(message.as_deref(), expected, "{indexes:?}");
    }
}

#[test]
fn topics_are_created_as_asked_or_refused_with_kafkas_code() {
    let mut image = one_broker();
    assert_eq!(
        create(&mut image, vec![topic("orders", 6), topic("payments", -1)]),
        [(ErrorCode::None, None), (ErrorCode::None, None)]
    );
    assert_eq!(image.topic("orders").unwrap().partitions.len(), 6);
    assert_eq!(image.topic("payments").unwrap().partitions.len(), 3);
    let mut check = |topic: CreatableTopic, code: ErrorCode| {
        let results = create(&mut image, vec![topic.clone()]);
        assert_eq!(results[0].0, code, "{}: {:?}", topic.name, results[0].1);
    };
    check(topic("orders", 1), ErrorCode::TopicAlreadyExists);
    check(topic("", 1), ErrorCode::InvalidTopicException);
    check(topic("..", 1), ErrorCode::InvalidTopicException);
    check(topic("a b", 1), ErrorCode::InvalidTopicException);
    check(topic("a/../b", 1), ErrorCode::InvalidTopicException);
    check(topic(&"x".repeat(250), 1), ErrorCode::InvalidTopicException);
    check(topic("x", 0), ErrorCode::InvalidPartitions);
    check(topic("x", 2_000_000_000), ErrorCode::PolicyViolation);
    check(
        CreatableTopic {
            replication_factor: 3,
            ..topic("x", 1)
        },
        ErrorCode::InvalidReplicationFactor,
    );
    check(
        CreatableTopic {
            replication_factor: 0,
            ..topic("x", 1)
        },
        ErrorCode::InvalidReplicationFactor,
    );
    let config = CreatableTopicConfig {
        name: Str::from("retention.ms"),
        value: Some(Str::from("7d")),
    };
    check(
        CreatableTopic {
            configs: vec![config],
            // What is wrong with the configuration is said first.
            replication_factor: 3,
            ..topic("x", 1)
        },
        ErrorCode::InvalidConfig,
    );
    check(topic("a.b", 1), ErrorCode::None);
    check(topic("a_b", 1), ErrorCode::InvalidTopicException);
    assert_eq!(
        create(&mut image, vec![topic("twice", 1), topic("twice", 1)]).len(),
        1
    );
}

#[test]
fn a_topic_made_again_is_another_topic() {
    let mut image = one_broker();
    create(&mut image, vec![topic("orders", 1)]);
    let first = image.topic("orders").unwrap().id;
    let request = DeleteTopicsRequest {
        topic_names: vec![Str::from("orders"), Str::from("none")],
        ..DeleteTopicsRequest::default()
    };
    let decision = delete_topics(&image, &request);
    let codes: Vec<i16> = decision
        .response
        .responses
        .iter()
        .map(|result| result.error_code)
        .collect();
    assert_eq!(codes, [0, ErrorCode::UnknownTopicOrPartition.code()]);
    let changed = apply_all(&mut image, &decision.records);
    assert!(changed.removed_topics.contains(&first) && image.topic("orders").is_none());
    create(&mut image, vec![topic("other", 1), topic("orders", 1)]);
    assert_ne!(image.topic("orders").unwrap().id, first);
}

#[test]
fn partitions_are_added_never_removed() {
    let mut image = one_broker();
    create(&mut image, vec![topic("orders", 2)]);
    let mut check = |name: &str, count: i32, code: ErrorCode| {
        let topics = vec![create_partitions_request::CreatePartitionsTopic {
            name: Str::from(name),
            count,
            assignments: None,
        }];
        let decision = create_partitions(
            &image,
            &CreatePartitionsRequest {
                topics,
                ..CreatePartitionsRequest::default()
            },
        );
        assert_eq!(
            decision.response.results[0].error_code,
            code.code(),
            "{name} {count}"
        );
        apply_all(&mut image, &decision.records);
    };
    check("orders", 2, ErrorCode::InvalidPartitions);
    check("orders", 1, ErrorCode::InvalidPartitions);
    check("none", 3, ErrorCode::UnknownTopicOrPartition);
    check("orders", 5, ErrorCode::None);
    assert_eq!(image.topic("orders").unwrap().partitions.len(), 5);
}

fn alter(image: &mut MetadataImage, name: &str, operation: i8, value: Option<&str>) -> ErrorCode {
    let config = AlterableConfig {
        name: Str::from(name),
        config_operation: operation,
        value: value.map(Str::from),
    };
    let resource = AlterConfigsResource {
        resource_type: ConfigResource::TOPIC,
        resource_name: Str::from("orders"),
        configs: vec![config],
    };
    let request = IncrementalAlterConfigsRequest {
        resources: vec![resource],
        validate_only: false,
    };
    let decision = incremental_alter_configs(image, &request, &|_, _, _| Ok(()));
    apply_all(image, &decision.records);
    ErrorCode::from_code(decision.response.responses[0].error_code)
}

#[test]
fn single_configs_are_set_extended_and_deleted() {
    let mut image = one_broker();
    create(&mut image, vec![topic("orders", 1)]);
    let value = |image: &MetadataImage, name: &str| {
        image
            .config(&ConfigResource::topic(&Str::from("orders")))
            .and_then(|values| values.get(name).cloned())
    };
    assert_eq!(
        alter(&mut image, "retention.ms", 0, Some("1000")),
        ErrorCode::None
    );
    assert_eq!(value(&image, "retention.ms"), Some(Str::from("1000")));
    assert_eq!(
        alter(&mut image, "cleanup.policy", 2, Some("compact")),
        ErrorCode::None
    );
    assert_eq!(
        value(&image, "cleanup.policy"),
        Some(Str::from("delete,compact"))
    );
    assert_eq!(
        alter(&mut image, "cleanup.policy", 3, Some("delete")),
        ErrorCode::None
    );
    assert_eq!(value(&image, "cleanup.policy"), Some(Str::from("compact")));
    assert_eq!(alter(&mut image, "retention.ms", 1, None), ErrorCode::None);
    assert_eq!(value(&image, "retention.ms"), None);
    assert_eq!(
        alter(&mut image, "retention.ms", 2, Some("1")),
        ErrorCode::InvalidConfig
    );
    assert_eq!(
        alter(&mut image, "no.such", 0, Some("1")),
        ErrorCode::InvalidConfig
    );
    assert_eq!(
        alter(&mut image, "retention.ms", 0, Some("x")),
        ErrorCode::InvalidConfig
    );
    assert_eq!(
        alter(&mut image, "retention.ms", 0, None),
        ErrorCode::InvalidRequest
    );
}

#[test]
fn values_are_looked_at_before_their_topic() {
    let mut image = one_broker();
    assert_eq!(
        alter(&mut image, "no.such", 0, Some("1")),
        ErrorCode::InvalidConfig
    );
    assert_eq!(
        alter(&mut image, "retention.ms", 0, Some("1")),
        ErrorCode::UnknownTopicOrPartition
    );
}

#[test]
fn producer_ids_are_given_once() {
    let mut image = one_broker();
    let first = allocate_producer_ids(&image, 1, 5);
    apply_all(&mut image, &first.records);
    let second = allocate_producer_ids(&image, 1, 5);
    assert_eq!(
        (first.response, second.response),
        ((0, 1_000), (1_000, 2_000))
    );
}

#[test]
fn an_image_is_what_its_records_make() {
    let mut image = one_broker();
    create(&mut image, vec![topic("orders", 6), topic("payments", 2)]);
    alter(&mut image, "retention.ms", 0, Some("5"));
    let ids = allocate_producer_ids(&image, 1, 5);
    apply_all(&mut image, &ids.records);
    let mut copy = MetadataImage::default();
    apply_all(&mut copy, &image.records());
    assert_eq!(copy, image);
    for record in image.records() {
        let bytes = record.encode_value(written_version(&record)).unwrap();
        assert_eq!(MetadataRecord::decode_value(bytes).unwrap(), record);
    }
}

#[test]
fn a_start_leads_what_the_node_holds_in_a_new_epoch() {
    let mut image = one_broker();
    create(&mut image, vec![topic("orders", 2)]);
    let id = image.topic("orders").unwrap().id;
    // As a system leaves it that lets go of its partitions when it stops; the other partition is held elsewhere.
    let left = |partition_id, leader, replicas| PartitionChangeRecord {
        partition_id,
        topic_id: id,
        leader,
        isr: Some(Vec::new()),
        replicas,
        ..PartitionChangeRecord::default()
    };
    apply_all(
        &mut image,
        &[left(0, -1, None).into(), left(1, 2, Some(vec![2])).into()],
    );
    let records = lead_partitions(&image, 1);
    assert_eq!(records.len(), 1);
    apply_all(&mut image, &records);
    let states = &image.topic("orders").unwrap().partitions;
    let short = |at: usize| {
        let state = &states[at];
        (state.leader, state.leader_epoch, state.isr.clone())
    };
    assert_eq!(short(0), (1, 2, vec![1]));
    assert_eq!(short(1), (2, 1, vec![]));
    let records = resign(&image, 1, 5);
    apply_all(&mut image, &records);
    assert!(image.broker(1).unwrap().fenced);
    let states = &image.topic("orders").unwrap().partitions;
    let leaders = states
        .iter()
        .map(|state| (state.leader, state.leader_epoch));
    assert_eq!(leaders.collect::<Vec<_>>(), [(-1, 3), (2, 1)]);
}
