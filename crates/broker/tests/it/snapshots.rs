//! Snapshots of the metadata as they lie beside its log: when they are written, what they hold, and what goes when they are there.

use std::path::Path;

use bytes::Bytes;
use mainstem_broker::start;
use mainstem_protocol::batch::{ControlKind, batches, control_kind, records};
use mainstem_protocol::messages::{
    AccessControlEntryRecord, ClientQuotaRecord, MetadataRecord, VotersRecord, client_quota_record,
};
use mainstem_protocol::{Decoder, Message, Str, Uuid};

use super::administration::topics;
use super::kafka_directory::{directory, files, image, metadata, snapshot};
use super::power::{config_of, delete_topic, listed, set_config};
use super::wire::{Wire, config};

const EACH_CHANGE: &str = "metadata.log.max.record.bytes.between.snapshots=1";
const ONE_KEPT: &str = "metadata.max.retention.bytes=1";

/// What a snapshot holds: its control records, and the others.
fn contents(dir: &Path, name: &str) -> (Vec<(ControlKind, Bytes)>, Vec<MetadataRecord>) {
    let path = dir.join("__cluster_metadata-0").join(name);
    let bytes = Bytes::from(std::fs::read(path).unwrap());
    let (mut control, mut plain) = (Vec::new(), Vec::new());
    let mut next = 0;
    for one in batches(&bytes) {
        let (header, batch) = one.unwrap();
        header.check_crc(&batch).unwrap();
        assert_eq!(header.base_offset, next, "offsets of a snapshot are dense");
        next = header.next_offset();
        for record in records(&header, &batch, 1 << 20).unwrap().iter() {
            let record = record.unwrap();
            let value = Bytes::copy_from_slice(record.value.unwrap());
            if header.attributes.is_control() {
                control.push((control_kind(&record).unwrap(), value));
            } else {
                plain.push(MetadataRecord::decode_value(value).unwrap());
            }
        }
    }
    (control, plain)
}

/// A value of a topic's property that is long and valid.
fn long_value(seed: usize) -> String {
    let replicas: Vec<String> = (0..3_500).map(|at| format!("{at}:{seed}")).collect();
    replicas.join(",")
}

#[test]
fn the_log_is_cut_behind_snapshots_and_a_start_reads_the_latest() {
    let dir = tempfile::tempdir().unwrap();
    let options = [EACH_CHANGE, ONE_KEPT, "metadata.log.segment.bytes=8388608"];
    let first = start(config(dir.path(), &options)).unwrap();
    let mut wire = Wire::to(&first);
    topics(&mut wire, &[("orders", 3), ("gone", 1), ("others", 2)]);
    delete_topic(&mut wire, "gone");
    let name = "leader.replication.throttled.replicas";
    let changes = 360;
    for seed in 0..changes {
        set_config(&mut wire, "orders", name, &long_value(seed));
    }
    let told = listed(&mut wire);
    first.stop().unwrap();
    let segments = files(dir.path(), ".log");
    assert_ne!(segments[0], "00000000000000000000.log", "the log was cut");
    assert_eq!(segments.len(), 1, "{segments:?}");
    let kept = files(dir.path(), ".checkpoint");
    assert_eq!(kept.len(), 1, "{kept:?}");

    let second = start(config(dir.path(), &[])).unwrap();
    let mut wire = Wire::to(&second);
    assert_eq!(listed(&mut wire), told);
    assert_eq!(
        config_of(&mut wire, "orders", name),
        long_value(changes - 1)
    );
    second.stop().unwrap();
    assert_eq!(files(dir.path(), ".checkpoint"), kept, "none was due");
}

#[test]
fn a_snapshot_holds_what_this_build_does_not_serve_and_who_votes() {
    let quota = ClientQuotaRecord {
        entity: vec![client_quota_record::EntityData {
            entity_type: Str::from_static("user"),
            entity_name: None,
        }],
        key: Str::from_static("consumer_byte_rate"),
        value: 5.0,
        remove: false,
    };
    let rule = AccessControlEntryRecord {
        id: Uuid([5; 16]),
        resource_name: Str::from_static("orders"),
        ..AccessControlEntryRecord::default()
    };
    let foreign: [MetadataRecord; 2] = [quota.into(), rule.into()];
    let mut before = image();
    before.push(foreign[0].clone());
    let dir = directory(&[
        (
            "00000000000000000100-0000000005.checkpoint",
            &snapshot(&[1], &before),
        ),
        ("00000000000000000100.log", &metadata(100, &foreign[1..])),
    ]);
    let first = start(config(dir.path(), &[EACH_CHANGE, ONE_KEPT])).unwrap();
    topics(&mut Wire::to(&first), &[("payments", 1)]);
    first.stop().unwrap();

    let kept = files(dir.path(), ".checkpoint");
    assert_eq!(kept.len(), 1, "{kept:?}");
    let (control, plain) = contents(dir.path(), &kept[0]);
    let kinds: Vec<ControlKind> = control.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(
        kinds,
        [
            ControlKind::SnapshotHeader,
            ControlKind::KraftVersion,
            ControlKind::KraftVoters,
            ControlKind::SnapshotFooter
        ]
    );
    let voters = VotersRecord::decode(&mut Decoder::new(control[2].1.clone()), 0).unwrap();
    assert_eq!(voters.voters[0].voter_id, 1);
    assert!(plain.ends_with(&foreign), "{plain:?}");
    let features: Vec<_> = plain
        .iter()
        .filter_map(|record| match record {
            MetadataRecord::FeatureLevel(feature) => Some(feature.name.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(features, ["metadata.version", "group.version"]);
    let named = plain
        .iter()
        .any(|record| matches!(record, MetadataRecord::Topic(topic) if topic.name == "payments"));
    assert!(named);

    let second = start(config(dir.path(), &[])).unwrap();
    assert_eq!(second.report.topics, 2);
    second.stop().unwrap();
}

#[test]
fn a_snapshot_comes_with_age_if_anything_changed() {
    let dir = tempfile::tempdir().unwrap();
    let options = ["metadata.log.max.snapshot.interval.ms=1"];
    start(config(dir.path(), &options)).unwrap().stop().unwrap();
    let first = files(dir.path(), ".checkpoint");
    let node = start(config(dir.path(), &options)).unwrap();
    topics(&mut Wire::to(&node), &[("orders", 1)]);
    node.stop().unwrap();
    let second = files(dir.path(), ".checkpoint");
    assert!(second.last() > first.last(), "{first:?} {second:?}");
    // Of age alone the first goes, which says when it was written: never.
    assert!(!second.contains(&"00000000000000000000-0000000000.checkpoint".to_owned()));
}
