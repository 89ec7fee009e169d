//! What stands around the fields of internal records: frames, types, versions.

use mainstem_protocol::messages::leader_change_message::{LeaderChangeMessage, Voter};
use mainstem_protocol::messages::{
    AbortedTxn, ConsumerProtocolSubscription, EndTxnMarker, FeatureLevelRecord, GroupKey,
    GroupMetadataKey, GroupMetadataValue, GroupValue, MetadataRecord, OffsetCommitKey,
    OffsetCommitValue, TransactionKey, TransactionLogKey,
};
use mainstem_protocol::records::{decode_versioned, encode_plain, encode_versioned};
use mainstem_protocol::{DecodeError, Str, Uuid};

use crate::hex;

#[test]
fn a_metadata_record_has_frame_type_and_version_before_its_fields() {
    let record = MetadataRecord::from(FeatureLevelRecord {
        name: Str::from_static("metadata.version"),
        feature_level: 33,
    });
    let bytes = record.encode_value(0).expect("encodes");
    assert_eq!(
        bytes,
        hex::bytes("01 0c 00 11 6d657461646174612e76657273696f6e 0021 00")
    );
    assert_eq!(MetadataRecord::decode_value(bytes), Ok(record));
}

#[test]
fn foreign_frames_types_and_versions_of_metadata_are_refused() {
    let check = |text: &str| MetadataRecord::decode_value(hex::bytes(text)).expect_err(text);
    let unknown = |kind| DecodeError::RecordType {
        space: "cluster metadata",
        kind,
    };
    assert!(matches!(
        check("00 0c 00 01 0000 00"),
        DecodeError::RecordType { .. }
    ));
    assert!(matches!(
        check("02 0c 00 01 0000 00"),
        DecodeError::RecordType { .. }
    ));
    // 6 and 13 were never given out again; 70000 is no int16.
    assert_eq!(check("01 06 00 01 0000 00"), unknown(6));
    assert_eq!(check("01 0d 00"), unknown(13));
    assert_eq!(check("01 f0a204 00"), unknown(70_000));
    assert!(matches!(
        check("01 0c 01 01 0000 00"),
        DecodeError::Version { .. }
    ));
    assert!(matches!(check("01 0c"), DecodeError::Truncated { .. }));
    assert!(matches!(check(""), DecodeError::Truncated { .. }));
}

#[test]
fn coordinator_keys_begin_with_the_type_and_values_with_the_version() {
    let key = GroupKey::from(GroupMetadataKey {
        group: Str::from_static("g1"),
    });
    let bytes = key.encode_key().expect("encodes");
    assert_eq!(bytes, hex::bytes("0002 0002 6731"));
    assert_eq!(GroupKey::decode_key(bytes), Ok(key));

    let key = GroupKey::from(OffsetCommitKey {
        group: Str::from_static("g"),
        topic: Str::from_static("t"),
        partition: 3,
    });
    let bytes = key.encode_key().expect("encodes");
    assert_eq!(bytes, hex::bytes("0001 0001 67 0001 74 00000003"));

    let key = TransactionKey::from(TransactionLogKey {
        transactional_id: Str::from_static("x"),
    });
    assert_eq!(key.encode_key(), Ok(hex::bytes("0000 0001 78")));

    // An empty classic group as first logged: v3, generation 0.
    let value = GroupValue::from(GroupMetadataValue {
        protocol: None,
        leader: None,
        current_state_timestamp: 5,
        ..Default::default()
    });
    let bytes = value.encode_value(3).expect("encodes");
    assert_eq!(
        bytes,
        hex::bytes("0003 0000 00000000 ffff ffff 0000000000000005 00000000")
    );
    assert_eq!(GroupValue::decode_value(2, bytes), Ok(value));

    let value = GroupValue::from(OffsetCommitValue {
        offset: 7,
        leader_epoch: -1,
        commit_timestamp: 1,
        topic_id: Uuid([1; 16]),
        ..Default::default()
    });
    let bytes = value.encode_value(4).expect("encodes");
    assert_eq!(GroupValue::decode_value(1, bytes), Ok(value));
}

#[test]
fn unknown_coordinator_types_are_errors_that_say_the_type() {
    let error = GroupKey::decode_key(hex::bytes("0063 0001 67")).expect_err("no such type");
    assert!(
        matches!(error, DecodeError::RecordType { kind: 99, .. }),
        "{error}"
    );
    assert!(GroupKey::decode_key(hex::bytes("ffff")).is_err());
    assert!(GroupValue::decode_value(2, hex::bytes("0005")).is_err());
}

#[test]
fn every_record_type_comes_back_by_its_number() {
    for kind in 0..64 {
        if let Some(version) = GroupValue::max_version(kind) {
            assert!(
                GroupKey::max_version(kind).is_some(),
                "a value without a key: {kind}"
            );
            assert!(version >= 0);
        }
    }
    assert_eq!(MetadataRecord::max_version(3), Some(2));
    assert_eq!(MetadataRecord::max_version(0), Some(4));
    assert_eq!(MetadataRecord::max_version(13), None);
}

#[test]
fn embedded_data_of_a_newer_version_is_read_as_the_newest_known() {
    let subscription = ConsumerProtocolSubscription {
        topics: vec![Str::from_static("t")],
        user_data: None,
        ..Default::default()
    };
    let bytes = encode_versioned(&subscription, 3).expect("encodes");
    assert_eq!(&bytes[..2], [0, 3]);
    let mut newer = bytes.to_vec();
    newer[1] = 9;
    newer.extend_from_slice(b"what v9 added");
    assert_eq!(decode_versioned(newer.into()), Ok(subscription));
    let negative = decode_versioned::<ConsumerProtocolSubscription>(hex::bytes("ffff 00000000"));
    assert!(negative.is_err());
}

#[test]
fn markers_carry_a_version_and_leader_changes_carry_it_as_a_field() {
    let marker = EndTxnMarker {
        coordinator_epoch: 9,
    };
    assert_eq!(
        encode_versioned(&marker, 0),
        Ok(hex::bytes("0000 00000009"))
    );
    let change = LeaderChangeMessage {
        leader_id: 1,
        voters: vec![Voter {
            voter_id: 1,
            ..Default::default()
        }],
        ..Default::default()
    };
    assert_eq!(
        encode_plain(&change, 0),
        Ok(hex::bytes("0000 00000001 02 00000001 00 01 00"))
    );
    let aborted = AbortedTxn {
        producer_id: 1,
        first_offset: 2,
        last_offset: 3,
        last_stable_offset: 4,
    };
    assert_eq!(
        encode_versioned(&aborted, 0),
        Ok(hex::bytes(
            "0000 0000000000000001 0000000000000002 0000000000000003 0000000000000004"
        ))
    );
}
