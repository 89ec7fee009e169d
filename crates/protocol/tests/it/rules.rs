//! Rules of the wire that are easy to get wrong, each with its bytes.

use bytes::Bytes;
use mainstem_protocol::frame::{RequestHeader, encode_response};
use mainstem_protocol::messages::api_versions_response::ApiVersion;
use mainstem_protocol::messages::consumer_group_current_member_assignment_value::TopicPartitions;
use mainstem_protocol::messages::consumer_group_member_metadata_value::{
    ClassicMemberMetadata, ClassicProtocol,
};
use mainstem_protocol::messages::{
    ApiVersionsResponse, ConsumerGroupMemberMetadataValue, FeatureLevelRecord, FetchRequest,
    ListOffsetsResponse, MetadataRecord, MetadataRequest, PartitionChangeRecord,
};
use mainstem_protocol::{ApiKey, Decoder, EncodeError, Encoder, Message, Str};

use super::{decode, encode};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Bytes {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn a_flexible_header_keeps_the_short_length_of_the_client_id() {
    let frame = unhex("0003 000c 00000007 0002 6162 00");
    let header = RequestHeader::decode(&mut Decoder::new(frame)).unwrap();
    assert_eq!(
        (header.api(), header.api_version, header.correlation_id),
        (Some(ApiKey::Metadata), 12, 7)
    );
    assert_eq!(header.client_id, Some(Str::from("ab")));
}

#[test]
fn an_unknown_version_of_api_versions_is_answered_in_version_0() {
    let response = ApiVersionsResponse {
        error_code: 35,
        api_keys: vec![ApiVersion {
            api_key: 18,
            min_version: 0,
            max_version: 5,
        }],
        ..ApiVersionsResponse::default()
    };
    let frame = encode_response(ApiKey::ApiVersions, 0, 9, &response)
        .unwrap()
        .to_bytes();
    assert_eq!(
        hex(&frame[8..]),
        "0023000000010012000000 05".replace(' ', "")
    );
}

#[test]
fn a_nullable_tagged_struct_has_its_own_mark() {
    let base = ConsumerGroupMemberMetadataValue::default();
    let metadata = ClassicMemberMetadata {
        session_timeout_ms: 5,
        supported_protocols: Vec::<ClassicProtocol>::new(),
    };
    let present = ConsumerGroupMemberMetadataValue {
        classic_member_metadata: Some(metadata),
        ..base.clone()
    };
    assert!(
        hex(&encode(&present, 0)).ends_with("01000701000000050100"),
        "{}",
        hex(&encode(&present, 0))
    );
    let null = ConsumerGroupMemberMetadataValue {
        classic_member_metadata: None,
        ..base
    };
    assert!(hex(&encode(&null, 0)).ends_with("01000100"));
    let read: ConsumerGroupMemberMetadataValue = decode(&encode(&null, 0), 0);
    assert_eq!(read, null);
}

#[test]
fn a_bare_null_default_is_not_null() {
    let some = TopicPartitions::default();
    assert_eq!(some.assignment_epochs, Some(Vec::new()));
    assert!(hex(&encode(&some, 0)).ends_with("00"));
    let null = TopicPartitions {
        assignment_epochs: None,
        ..TopicPartitions::default()
    };
    assert!(hex(&encode(&null, 0)).ends_with("01000100"));
}

#[test]
fn an_empty_value_of_a_field_that_is_null_by_default_is_written() {
    let change = PartitionChangeRecord {
        isr: Some(Vec::new()),
        ..PartitionChangeRecord::default()
    };
    assert!(
        hex(&encode(&change, 0)).ends_with("01000101"),
        "{}",
        hex(&encode(&change, 0))
    );
}

#[test]
fn a_metadata_record_is_framed() {
    let record = MetadataRecord::from(FeatureLevelRecord {
        name: Str::from("a"),
        feature_level: 3,
    });
    let bytes = record.encode_value(0).unwrap();
    assert_eq!(hex(&bytes), "010c000261000300");
    assert_eq!(MetadataRecord::decode_value(bytes).unwrap(), record);
}

#[test]
fn what_a_version_cannot_carry_is_refused_unless_it_may_be_dropped() {
    let mut encoder = Encoder::new();
    let fetch = FetchRequest {
        replica_id: 5,
        ..FetchRequest::default()
    };
    let refused = fetch.encode(&mut encoder, 15).unwrap_err();
    assert_eq!(
        refused,
        EncodeError::Field {
            message: "FetchRequest",
            field: "ReplicaId",
            version: 15
        }
    );
    let dropped = ListOffsetsResponse {
        throttle_time_ms: 9,
        ..ListOffsetsResponse::default()
    };
    let read: ListOffsetsResponse = decode(&encode(&dropped, 1), 1);
    assert_eq!(read.throttle_time_ms, 0);
}

#[test]
fn null_topics_mean_all_from_version_1_on() {
    let all = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    assert!(all.encode(&mut Encoder::new(), 0).is_err());
    let read: MetadataRequest = decode(&encode(&all, 1), 1);
    assert_eq!(read.topics, None);
    let negative = MetadataRequest::decode(&mut Decoder::new(unhex("80000000")), 1).unwrap();
    assert_eq!(
        negative.topics, None,
        "any negative count is null, as in Java"
    );
}

#[test]
fn unknown_tags_are_skipped_and_text_that_is_not_utf8_is_replaced() {
    // Heartbeat 4: group "g" with a byte that is no UTF-8, generation, member, no instance, two unknown tags.
    let bytes = unhex("02ff 00000001 02 6d 00 02 63 02 aabb 64 00");
    let beat: mainstem_protocol::messages::HeartbeatRequest = decode(&bytes, 4);
    assert_eq!(beat.group_id, Str::from("\u{fffd}"));
}
