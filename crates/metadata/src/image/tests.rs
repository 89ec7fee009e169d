//! What records of others leave in the image, and so in a snapshot.

use mainstem_protocol::messages::{
    AccessControlEntryRecord, ClearElrRecord, ClientQuotaRecord, DelegationTokenRecord,
    MetadataRecord, PartitionChangeRecord, PartitionRecord, RegisterControllerRecord,
    RemoveAccessControlEntryRecord, RemoveDelegationTokenRecord, RemoveUserScramCredentialRecord,
    TopicRecord, UnregisterControllerRecord, UserScramCredentialRecord, client_quota_record,
};
use mainstem_protocol::{Str, Uuid};

use super::{Changed, MetadataImage};

fn apply(image: &mut MetadataImage, record: impl Into<MetadataRecord>) {
    image
        .apply(&record.into(), &mut Changed::default())
        .unwrap();
    let mut copy = MetadataImage {
        at: image.at,
        ..MetadataImage::default()
    };
    for record in image.records() {
        copy.apply(&record, &mut Changed::default()).unwrap();
    }
    assert_eq!(copy, *image, "an image is what its records make");
}

fn quota(parts: &[(&str, Option<&str>)], value: f64, remove: bool) -> ClientQuotaRecord {
    let entity = parts
        .iter()
        .map(|(kind, name)| client_quota_record::EntityData {
            entity_type: Str::from(*kind),
            entity_name: name.map(Str::from),
        });
    ClientQuotaRecord {
        entity: entity.collect(),
        key: Str::from("producer_byte_rate"),
        value,
        remove,
    }
}

#[test]
fn records_of_others_are_kept_until_they_are_replaced_or_removed() {
    let mut image = MetadataImage::default();
    let pair = [("user", Some("ada")), ("client-id", None)];
    let turned = [("client-id", None), ("user", Some("ada"))];
    let credential = |mechanism, iterations| UserScramCredentialRecord {
        name: Str::from("ada"),
        mechanism,
        iterations,
        ..UserScramCredentialRecord::default()
    };
    let rule = |id| AccessControlEntryRecord {
        id: Uuid([id; 16]),
        ..AccessControlEntryRecord::default()
    };
    let token = |token_id| DelegationTokenRecord {
        token_id: Str::from(token_id),
        ..DelegationTokenRecord::default()
    };
    let controller = |controller_id| RegisterControllerRecord {
        controller_id,
        ..RegisterControllerRecord::default()
    };
    apply(&mut image, quota(&pair, 1.0, false));
    apply(&mut image, quota(&turned, 2.0, false));
    apply(&mut image, quota(&[("user", None)], 3.0, false));
    apply(&mut image, credential(1, 4_096));
    apply(&mut image, credential(1, 8_192));
    apply(&mut image, credential(2, 4_096));
    apply(&mut image, rule(1));
    apply(&mut image, rule(2));
    apply(&mut image, token("a"));
    apply(&mut image, token("b"));
    apply(&mut image, controller(1));
    apply(&mut image, controller(1));
    let expected: Vec<MetadataRecord> = vec![
        controller(1).into(),
        quota(&turned, 2.0, false).into(),
        quota(&[("user", None)], 3.0, false).into(),
        rule(1).into(),
        rule(2).into(),
        credential(1, 8_192).into(),
        credential(2, 4_096).into(),
        token("a").into(),
        token("b").into(),
    ];
    assert_eq!(image.records(), expected);

    apply(&mut image, quota(&pair, 0.0, true));
    let name = Str::from("ada");
    apply(
        &mut image,
        RemoveUserScramCredentialRecord { name, mechanism: 1 },
    );
    let id = Uuid([1; 16]);
    apply(&mut image, RemoveAccessControlEntryRecord { id });
    let token_id = Str::from("a");
    apply(&mut image, RemoveDelegationTokenRecord { token_id });
    let controller_id = 1;
    apply(&mut image, UnregisterControllerRecord { controller_id });
    let expected: Vec<MetadataRecord> = vec![
        quota(&[("user", None)], 3.0, false).into(),
        rule(2).into(),
        credential(2, 4_096).into(),
        token("b").into(),
    ];
    assert_eq!(image.records(), expected);
}

#[test]
fn what_replication_says_of_a_partition_is_kept() {
    let mut image = MetadataImage::default();
    for id in [1, 2] {
        let topic_id = Uuid([id; 16]);
        let name = Str::from(format!("t{id}"));
        apply(&mut image, TopicRecord { name, topic_id });
        apply(
            &mut image,
            PartitionRecord {
                partition_id: 0,
                topic_id,
                replicas: vec![1, 2],
                isr: vec![1],
                leader: 1,
                eligible_leader_replicas: Some(vec![2]),
                ..PartitionRecord::default()
            },
        );
    }
    let topic_id = Uuid([1; 16]);
    apply(
        &mut image,
        PartitionChangeRecord {
            partition_id: 0,
            topic_id,
            adding_replicas: Some(vec![3]),
            removing_replicas: Some(vec![2]),
            leader_recovery_state: 1,
            last_known_elr: Some(vec![1]),
            ..PartitionChangeRecord::default()
        },
    );
    let state = |image: &MetadataImage, name| image.topic(name).unwrap().partitions[0].clone();
    let first = state(&image, "t1");
    assert_eq!((first.adding, first.removing), (vec![3], vec![2]));
    assert_eq!(first.leader_recovery, 1);
    assert_eq!(first.last_eligible_leaders, [1]);
    let topic_name = Str::from("t1");
    apply(&mut image, ClearElrRecord { topic_name });
    let eligible = |name| state(&image, name).eligible_leaders;
    assert_eq!((eligible("t1"), eligible("t2")), (vec![], vec![2]));
    assert!(state(&image, "t1").last_eligible_leaders.is_empty());
    let topic_name = Str::default();
    apply(&mut image, ClearElrRecord { topic_name });
    assert!(state(&image, "t2").eligible_leaders.is_empty());
}
