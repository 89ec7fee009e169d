//! The special rules of the encoding, each with the bytes that Apache Kafka writes.

use mainstem_protocol::messages::consumer_group_current_member_assignment_value::TopicPartitions;
use mainstem_protocol::messages::consumer_group_member_metadata_value::{
    ClassicMemberMetadata, ConsumerGroupMemberMetadataValue,
};
use mainstem_protocol::messages::fetch_request::{FetchRequest, ReplicaState};
use mainstem_protocol::messages::metadata_request::{MetadataRequest, MetadataRequestTopic};
use mainstem_protocol::messages::metadata_response::{MetadataResponse, MetadataResponseTopic};
use mainstem_protocol::messages::{
    FindCoordinatorRequest, HeartbeatRequest, ListOffsetsRequest, PartitionChangeRecord,
    TransactionLogValue, UpdateFeaturesRequest,
};
use mainstem_protocol::{DecodeError, Decoder, EncodeError, Encoder, Message, Str};

use crate::hex;

fn encoded<M: Message>(message: &M, version: i16) -> String {
    let mut encoder = Encoder::new();
    message
        .encode(&mut encoder, version)
        .unwrap_or_else(|error| panic!("{error}"));
    hex::text(&encoder.finish().to_bytes())
}

fn refused<M: Message>(message: &M, version: i16) -> EncodeError {
    match message.encode(&mut Encoder::new(), version) {
        Ok(()) => panic!("{} v{version} was written", M::NAME),
        Err(error) => error,
    }
}

fn decoded<M: Message>(text: &str, version: i16) -> Result<M, DecodeError> {
    M::decode(&mut Decoder::new(hex::bytes(text)), version)
}

#[test]
fn the_one_nullable_tagged_struct_has_its_mark_inside_the_tag() {
    let member = |metadata: Option<ClassicMemberMetadata>| ConsumerGroupMemberMetadataValue {
        instance_id: None,
        rack_id: None,
        subscribed_topic_regex: None,
        server_assignor: None,
        classic_member_metadata: metadata,
        ..Default::default()
    };
    // Null ids and rack, empty texts and list, null regex, timeout -1, null assignor.
    let fields = "00 00 01 01 01 00 ffffffff 00";
    let check = |metadata: Option<ClassicMemberMetadata>, tags: &str| {
        let bytes = hex::text(&hex::bytes(&format!("{fields}{tags}")));
        let value = member(metadata);
        assert_eq!(encoded(&value, 0), bytes);
        assert_eq!(decoded(&bytes, 0), Ok(value));
    };
    let five_seconds = ClassicMemberMetadata {
        session_timeout_ms: 5,
        supported_protocols: Vec::new(),
    };
    check(Some(five_seconds), "01 00 07 01 00000005 01 00");
    check(None, "01 00 01 00");
    // A bare `null` in the schema is no default: the default is a default struct.
    check(Some(ClassicMemberMetadata::default()), "00");
    let bad = decoded::<ConsumerGroupMemberMetadataValue>(&format!("{fields} 01 00 01 ff"), 0);
    assert!(bad.is_err());
}

#[test]
fn a_bare_null_is_no_default() {
    let epochs = |assignment_epochs| TopicPartitions {
        assignment_epochs,
        ..Default::default()
    };
    let fields = "00000000000000000000000000000000 01";
    let bytes = |tags: &str| hex::text(&hex::bytes(&format!("{fields}{tags}")));
    assert_eq!(encoded(&epochs(None), 0), bytes("01 00 01 00"));
    assert_eq!(encoded(&epochs(Some(Vec::new())), 0), bytes("00"));
    assert_eq!(decoded(&bytes("01 00 01 00"), 0), Ok(epochs(None)));
    assert_eq!(decoded(&bytes("00"), 0), Ok(epochs(Some(Vec::new()))));
}

#[test]
fn an_empty_list_is_written_where_null_is_the_default() {
    let change = PartitionChangeRecord {
        isr: Some(Vec::new()),
        ..Default::default()
    };
    assert!(encoded(&change, 0).ends_with("01000101"));
    let unchanged = PartitionChangeRecord::default();
    assert_eq!(
        encoded(&unchanged, 0),
        hex::text(&hex::bytes("ffffffff 00000000000000000000000000000000 00"))
    );
}

#[test]
fn tags_are_written_in_ascending_order() {
    // The file lists 8 (directories) before 6 and 7.
    let change = PartitionChangeRecord {
        isr: Some(vec![1]),
        directories: Some(Vec::new()),
        eligible_leader_replicas: Some(Vec::new()),
        last_known_elr: Some(Vec::new()),
        ..Default::default()
    };
    let tags = hex::text(&hex::bytes(
        "04 00 05 02 00000001 06 01 01 07 01 01 08 01 01",
    ));
    assert!(
        encoded(&change, 2).ends_with(&tags),
        "{}",
        encoded(&change, 2)
    );
    let value = TransactionLogValue {
        transaction_partitions: None,
        previous_producer_id: 1,
        next_producer_epoch: 2,
        client_transaction_version: 2,
        ..Default::default()
    };
    let tags = hex::text(&hex::bytes(
        "03 00 08 0000000000000001 02 02 0002 03 02 0002",
    ));
    assert!(
        encoded(&value, 1).ends_with(&tags),
        "{}",
        encoded(&value, 1)
    );
}

#[test]
fn unknown_tags_are_skipped_and_the_last_of_two_wins() {
    let body = "00000000 00000000 00000000 00 00000000 ffffffff 01 01 01";
    let replica = |id: i32| {
        Some(ReplicaState {
            replica_id: id,
            replica_epoch: -1,
        })
    };
    let state = |tags: &str| {
        let request = decoded::<FetchRequest>(&format!("{body}{tags}"), 15);
        request.map(|request| Some(request.replica_state))
    };
    assert_eq!(state("00"), Ok(replica(-1)));
    let one = "01 0d 00000001 ffffffffffffffff 00";
    let two = "01 0d 00000002 ffffffffffffffff 00";
    assert_eq!(state(&format!("01 {one}")), Ok(replica(1)));
    assert_eq!(state(&format!("02 {one} {two}")), Ok(replica(2)));
    assert_eq!(state(&format!("02 7f 03 abcdef {two}")), Ok(replica(2)));
    // Bytes of a tag that a newer version added behind the ones known.
    assert_eq!(
        state("01 01 0f 00000003 ffffffffffffffff 00 aabb"),
        Ok(replica(3))
    );
}

#[test]
fn a_field_outside_its_versions_is_refused_unless_it_may_be_dropped() {
    let field_of = |error: EncodeError| match error {
        EncodeError::Field { field, .. } => field,
        other => panic!("{other}"),
    };
    let fetch = FetchRequest {
        replica_id: 3,
        ..Default::default()
    };
    assert_eq!(field_of(refused(&fetch, 15)), "ReplicaId");
    encoded(&fetch, 14);
    let find = FindCoordinatorRequest {
        key: Str::from_static("g"),
        ..Default::default()
    };
    assert_eq!(field_of(refused(&find, 4)), "Key");
    encoded(&find, 3);
    let list = ListOffsetsRequest {
        isolation_level: 1,
        ..Default::default()
    };
    assert_eq!(field_of(refused(&list, 1)), "IsolationLevel");
    encoded(&list, 2);
    // `ignorable`: dropped.
    let response = MetadataResponse {
        throttle_time_ms: 9,
        cluster_id: Some(Str::from_static("c")),
        ..Default::default()
    };
    let back = decoded::<MetadataResponse>(&encoded(&response, 0), 0).expect("decodes");
    assert_eq!((back.throttle_time_ms, back.cluster_id), (0, None));
    // Heartbeat's instance id came with v3 and its default is null.
    let heartbeat = HeartbeatRequest {
        group_instance_id: Some(Str::EMPTY),
        ..Default::default()
    };
    assert_eq!(field_of(refused(&heartbeat, 2)), "GroupInstanceId");
}

#[test]
fn null_is_allowed_only_in_the_versions_that_say_so() {
    let all = MetadataRequest {
        topics: None,
        ..Default::default()
    };
    assert!(matches!(
        refused(&all, 0),
        EncodeError::Null {
            field: "Topics",
            ..
        }
    ));
    assert_eq!(encoded(&all, 1), "ffffffff");
    assert!(matches!(
        decoded::<MetadataRequest>("ffffffff", 0),
        Err(DecodeError::Null { .. })
    ));
    // Any negative count is null.
    assert_eq!(decoded::<MetadataRequest>("80000000", 1), Ok(all.clone()));
    assert_eq!(decoded::<MetadataRequest>("fffffffe 01", 4), Ok(all));

    let unnamed = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: None,
            ..Default::default()
        }]),
        ..Default::default()
    };
    assert!(matches!(
        refused(&unnamed, 9),
        EncodeError::Null { field: "Name", .. }
    ));
    encoded(&unnamed, 10);
    let response = MetadataResponse {
        topics: vec![MetadataResponseTopic {
            name: None,
            ..Default::default()
        }],
        ..Default::default()
    };
    assert!(matches!(
        refused(&response, 11),
        EncodeError::Null { field: "Name", .. }
    ));
    encoded(&response, 12);
}

#[test]
fn any_byte_but_zero_is_true() {
    let request = decoded::<MetadataRequest>("00000000 02", 4).expect("decodes");
    assert!(request.allow_auto_topic_creation);
    assert_eq!(encoded(&request, 4), "0000000001");
}

#[test]
fn what_is_not_text_is_replaced() {
    let request = decoded::<MetadataRequest>("00000001 0003 61ff62", 0).expect("decodes");
    let topics = request.topics.expect("a list");
    assert_eq!(topics[0].name, Some(Str::from_static("a\u{fffd}b")));
}

#[test]
fn texts_end_at_32767_bytes_in_both_encodings() {
    let request = |length: usize| FindCoordinatorRequest {
        key: Str::from("k".repeat(length)),
        ..Default::default()
    };
    for version in [0, 3] {
        encoded(&request(32_767), version);
        let error = refused(&request(32_768), version);
        assert_eq!(error, EncodeError::Length { length: 32_768 });
    }
    // 32,768 + 1 as a compact length, with that many bytes behind it.
    let mut bytes = hex::bytes("818002").to_vec();
    bytes.resize(3 + 32_768 + 2, b'k');
    let outcome = FindCoordinatorRequest::decode(&mut Decoder::new(bytes.into()), 3);
    assert!(
        matches!(outcome, Err(DecodeError::Length { length: 32_768, .. })),
        "{outcome:?}"
    );
}

#[test]
fn versions_that_do_not_exist_are_refused() {
    let error = refused(&MetadataRequest::default(), 14);
    assert!(matches!(error, EncodeError::Version { version: 14, .. }));
    let error = decoded::<UpdateFeaturesRequest>("", 3);
    assert!(matches!(
        error,
        Err(DecodeError::Version { version: 3, .. })
    ));
    assert!(decoded::<UpdateFeaturesRequest>("", -1).is_err());
}
