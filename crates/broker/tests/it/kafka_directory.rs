//! Metadata as Apache Kafka leaves it: snapshots, a log that begins behind one, transactions, features and voters that are not ours.

use std::path::Path;

use bytes::Bytes;
use mainstem_broker::{NodeConfig, start};
use mainstem_protocol::batch::{
    BatchBuilder, BatchOptions, ControlKind, batches, control_batch, records,
};
use mainstem_protocol::messages::{
    ApiVersionsRequest, BeginTransactionRecord, ConfigRecord, FeatureLevelRecord,
    KRaftVersionRecord, LeaderChangeMessage, MetadataRecord, PartitionRecord, SnapshotFooterRecord,
    SnapshotHeaderRecord, TopicRecord, VotersRecord, voters_record,
};
use mainstem_protocol::records::encode_plain;
use mainstem_protocol::{Str, Uuid};

use super::wire::{Wire, batch, node, produce, topic};

pub(crate) const ID: Uuid = Uuid([7; 16]);
pub(crate) const OTHER_ID: Uuid = Uuid([8; 16]);

pub(crate) fn feature(name: &'static str, level: i16) -> MetadataRecord {
    FeatureLevelRecord {
        name: Str::from_static(name),
        feature_level: level,
    }
    .into()
}

/// A topic of one partition that has had some leaders, and has none now.
pub(crate) fn topic_records(name: &'static str, topic_id: Uuid) -> Vec<MetadataRecord> {
    let topic = TopicRecord {
        name: Str::from_static(name),
        topic_id,
    };
    let partition = PartitionRecord {
        partition_id: 0,
        topic_id,
        replicas: vec![1],
        isr: vec![1],
        leader: -1,
        leader_epoch: 4,
        partition_epoch: 9,
        directories: vec![Uuid([3; 16])],
        ..PartitionRecord::default()
    };
    vec![topic.into(), partition.into()]
}

pub(crate) fn options(base_offset: i64, leader_epoch: i32) -> BatchOptions {
    BatchOptions {
        base_offset,
        leader_epoch,
        ..BatchOptions::default()
    }
}

pub(crate) fn metadata(base_offset: i64, records: &[MetadataRecord]) -> Bytes {
    let mut builder = BatchBuilder::new(options(base_offset, 6));
    for record in records {
        let version = match record {
            MetadataRecord::Partition(_) => 2,
            _ => 0,
        };
        let value = record.encode_value(version).unwrap();
        builder.append(1_000, None, Some(&value), &[]);
    }
    builder.build().unwrap()
}

/// A snapshot with the voters of a quorum of its own, if there are any.
pub(crate) fn snapshot(voters: &[i32], records: &[MetadataRecord]) -> Vec<u8> {
    let mut parts = Vec::new();
    let mut control = |kind, value: Bytes| {
        parts.push(control_batch(options(0, 0), kind, 1_000, &value).unwrap());
    };
    control(
        ControlKind::SnapshotHeader,
        encode_plain(&SnapshotHeaderRecord::default(), 0).unwrap(),
    );
    if !voters.is_empty() {
        let version = KRaftVersionRecord {
            version: 0,
            k_raft_version: 1,
        };
        control(
            ControlKind::KraftVersion,
            encode_plain(&version, 0).unwrap(),
        );
        let voters = voters.iter().map(|voter_id| voters_record::Voter {
            voter_id: *voter_id,
            ..Default::default()
        });
        let voters = VotersRecord {
            version: 0,
            voters: voters.collect(),
        };
        control(ControlKind::KraftVoters, encode_plain(&voters, 0).unwrap());
    }
    let footer = encode_plain(&SnapshotFooterRecord::default(), 0).unwrap();
    let footer = control_batch(options(9, 0), ControlKind::SnapshotFooter, 1_000, &footer).unwrap();
    parts.push(metadata(1, records));
    parts.push(footer);
    parts.concat()
}

/// Names of files of the metadata log that end so.
pub(crate) fn files(dir: &Path, end: &str) -> Vec<String> {
    let entries = std::fs::read_dir(dir.join("__cluster_metadata-0")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(end)).collect();
    names.sort();
    names
}

/// A directory with a metadata log of these files.
pub(crate) fn directory(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let metadata = dir.path().join("__cluster_metadata-0");
    std::fs::create_dir(&metadata).unwrap();
    let meta = "#\n#Thu\ncluster.id=c\ndirectory.id=AwMDAwMDAwMDAwMDAwMDAw\nnode.id=1\nversion=1\n";
    std::fs::write(dir.path().join("meta.properties"), meta).unwrap();
    for (name, bytes) in files {
        std::fs::write(metadata.join(name), bytes).unwrap();
    }
    dir
}

/// Every record of the metadata log: what the tests begin it with is old, so a new segment comes behind it.
fn logged(dir: &Path) -> Vec<MetadataRecord> {
    let metadata = dir.join("__cluster_metadata-0");
    let segments = files(dir, ".log").into_iter();
    let bytes: Vec<Vec<u8>> = segments
        .map(|name| std::fs::read(metadata.join(name)).unwrap())
        .collect();
    let bytes = Bytes::from(bytes.concat());
    let mut found = Vec::new();
    for one in batches(&bytes) {
        let (header, batch) = one.unwrap();
        for record in records(&header, &batch, 1 << 20).unwrap().iter() {
            let value = Bytes::copy_from_slice(record.unwrap().value.unwrap());
            if header.attributes.is_control() {
                // Apache Kafka reads version 0 whatever the quorum's version is.
                let mut decoder = mainstem_protocol::Decoder::new(value);
                let read = <LeaderChangeMessage as mainstem_protocol::Message>::decode;
                assert_eq!(read(&mut decoder, 0).unwrap().leader_id, 1);
            } else {
                found.push(MetadataRecord::decode_value(value).unwrap());
            }
        }
    }
    found
}

fn refusal(dir: &Path) -> String {
    let config = NodeConfig::for_tests(dir.to_owned());
    start(config).map(|_| ()).unwrap_err().to_string()
}

pub(crate) fn image() -> Vec<MetadataRecord> {
    let mut records = vec![feature("metadata.version", 33), feature("group.version", 1)];
    records.extend(topic_records("orders", ID));
    records
}

const SNAPSHOT: &str = "00000000000000000100-0000000005.checkpoint";
const BEHIND: &str = "00000000000000000100.log";

#[test]
fn a_log_goes_on_behind_its_snapshot() {
    let change = ConfigRecord {
        resource_type: 2,
        resource_name: Str::from_static("orders"),
        name: Str::from_static("retention.ms"),
        value: Some(Str::from_static("777")),
    };
    let behind = metadata(100, &[change.into()]);
    let older = snapshot(&[], &[]);
    let dir = directory(&[
        (SNAPSHOT, &snapshot(&[1], &image())),
        ("00000000000000000050-0000000005.checkpoint", &older),
        (BEHIND, &behind),
    ]);
    let first = node(dir.path());
    let mut wire = Wire::to(&first);
    let partition = topic(&mut wire, "orders").topics[0].partitions[0].clone();
    assert_eq!((partition.leader_id, partition.leader_epoch), (1, 5));
    assert_eq!(produce(&mut wire, "orders", batch(b"one")).base_offset, 0);
    // Clients must not count on what is not served, but the next system finds it.
    let versions = wire.ask(
        3,
        &ApiVersionsRequest {
            client_software_name: Str::from_static("test"),
            client_software_version: Str::from_static("1"),
            ..ApiVersionsRequest::default()
        },
    );
    let names: Vec<&str> = versions
        .finalized_features
        .iter()
        .map(|feature| feature.name.as_str())
        .collect();
    assert_eq!(names, ["metadata.version"]);
    first.stop().unwrap();
    let logged = logged(dir.path());
    assert!(
        !logged
            .iter()
            .any(|record| matches!(record, MetadataRecord::FeatureLevel(_))),
        "what the snapshot says is not said again"
    );
    let [
        ..,
        MetadataRecord::BrokerRegistrationChange(gone),
        MetadataRecord::PartitionChange(last),
    ] = &logged[..]
    else {
        panic!("a clean stop says that the broker is gone and leads nothing: {logged:?}");
    };
    assert_eq!((gone.broker_id, gone.fenced, last.leader), (1, 1, -1));
    let state = dir.path().join("__cluster_metadata-0/quorum-state");
    let state = std::fs::read_to_string(state).unwrap();
    assert!(state.contains("\"data_version\":1"), "{state}");
    assert!(state.contains("\"leaderEpoch\":7"), "{state}");
    // Every start leads in an epoch of its own.
    let second = node(dir.path());
    let partition = topic(&mut Wire::to(&second), "orders").topics[0].partitions[0].clone();
    assert_eq!((partition.leader_id, partition.leader_epoch), (1, 7));
    second.stop().unwrap();
}

#[test]
fn a_transaction_that_did_not_end_is_undone() {
    let name = Some(Str::from_static("unfinished"));
    let mut records = image();
    records.push(BeginTransactionRecord { name }.into());
    records.extend(topic_records("half", OTHER_ID));
    let dir = directory(&[("00000000000000000000.log", &metadata(0, &records))]);
    let running = node(dir.path());
    assert_eq!(running.report.topics, 1);
    topic(&mut Wire::to(&running), "half");
    running.stop().unwrap();
    let logged = logged(dir.path());
    let aborted = |record: &MetadataRecord| matches!(record, MetadataRecord::AbortTransaction(_));
    let at = logged.iter().position(aborted).unwrap();
    assert_eq!(at, records.len(), "before anything else is written");
    let again = node(dir.path());
    assert_eq!(again.report.topics, 2);
    again.stop().unwrap();
}

#[test]
fn what_a_directory_was_formatted_with_is_what_its_cluster_begins_with() {
    let first = [feature("metadata.version", 33), feature("share.version", 2)];
    let dir = directory(&[(
        "00000000000000000000-0000000000.checkpoint",
        &snapshot(&[1], &first),
    )]);
    node(dir.path()).stop().unwrap();
    let logged = logged(dir.path());
    assert_eq!(logged[1..3], first);
    assert!(matches!(logged[0], MetadataRecord::BeginTransaction(_)));
    assert!(matches!(logged[3], MetadataRecord::EndTransaction(_)));
}

#[test]
fn what_cannot_be_gone_on_with_is_refused() {
    let behind = metadata(100, &[]);
    let whole = snapshot(&[], &image());
    let torn = &whole[..whole.len() - 10];
    let footless = &whole[..whole.len() - 75];
    let check = |files: &[(&str, &[u8])], word: &str| {
        let message = refusal(directory(files).path());
        assert!(message.contains(word), "{message}");
    };
    check(&[(BEHIND, &behind)], "there is no snapshot");
    check(&[(SNAPSHOT, torn), (BEHIND, &behind)], "metadata log");
    check(&[(SNAPSHOT, footless), (BEHIND, &behind)], "it has no end");
    check(&[(SNAPSHOT, &whole)], "ends at offset 100");
    let shared = snapshot(&[1, 2], &image());
    check(
        &[(SNAPSHOT, &shared), (BEHIND, &behind)],
        "node 2 is a voter too",
    );
    let state = br#"{"leaderId":2,"leaderEpoch":3,"currentVoters":[{"voterId":1},{"voterId":3}],"data_version":0}"#;
    check(
        &[
            ("quorum-state", state),
            (SNAPSHOT, &whole),
            (BEHIND, &behind),
        ],
        "node 3 is a voter too",
    );
}
