//! The first records of a cluster, and the registration of its broker.
//!
//! A new cluster stands at metadata.version 33 (4.4-IV2). Every other feature stands at the level that this build serves: 0, which is
//! "off" and is not written.

use mainstem_protocol::messages::{
    BeginTransactionRecord, BrokerRegistrationChangeRecord, EndTransactionRecord,
    FeatureLevelRecord, MetadataRecord, PartitionChangeRecord, RegisterBrokerRecord,
    register_broker_record,
};
use mainstem_protocol::{Str, Uuid};

use crate::{Endpoint, MetadataImage};

/// The metadata.version of a new cluster: 4.4-IV2.
pub const METADATA_VERSION: i16 = 33;
/// The lowest metadata.version that Apache Kafka 4.4 still knows: 3.3-IV3.
pub(super) const METADATA_VERSION_MIN: i16 = 7;

/// The records that begin a cluster: one atomic batch, as Apache Kafka's controller writes it. A directory may have been formatted with
/// records of its own; those count if they name a metadata.version.
pub fn bootstrap(image: &MetadataImage, formatted: Vec<MetadataRecord>) -> Vec<MetadataRecord> {
    if image.feature("metadata.version") > 0 {
        return Vec::new();
    }
    let is_version = |record: &MetadataRecord| matches!(record, MetadataRecord::FeatureLevel(feature) if feature.name == "metadata.version");
    let first = match formatted.iter().any(is_version) {
        true => formatted,
        false => vec![
            FeatureLevelRecord {
                name: Str::from_static("metadata.version"),
                feature_level: METADATA_VERSION,
            }
            .into(),
        ],
    };
    let begin = BeginTransactionRecord {
        name: Some(Str::from_static("Bootstrap records")),
    };
    let mut records = vec![begin.into()];
    records.extend(first);
    records.push(EndTransactionRecord {}.into());
    records
}

/// The leader of a partition that nobody leads.
const NO_LEADER: i32 = -1;

/// What a broker says of itself when it starts.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Node id.
    pub node_id: i32,
    /// New with every start.
    pub incarnation: Uuid,
    /// Where it listens.
    pub endpoints: Vec<Endpoint>,
    /// Its log directory.
    pub directory: Uuid,
    /// Its rack.
    pub rack: Option<Str>,
}

/// Registers a broker. Its epoch is the offset of this record, `at_offset`.
pub fn register_broker(registration: &Registration, at_offset: i64) -> MetadataRecord {
    let end_points =
        registration
            .endpoints
            .iter()
            .map(|endpoint| register_broker_record::BrokerEndpoint {
                name: endpoint.name.clone(),
                host: endpoint.host.clone(),
                port: endpoint.port,
                security_protocol: endpoint.security_protocol,
            });
    RegisterBrokerRecord {
        broker_id: registration.node_id,
        incarnation_id: registration.incarnation,
        broker_epoch: at_offset,
        end_points: end_points.collect(),
        features: vec![register_broker_record::BrokerFeature {
            name: Str::from_static("metadata.version"),
            min_supported_version: METADATA_VERSION_MIN,
            max_supported_version: METADATA_VERSION,
        }],
        rack: registration.rack.clone(),
        fenced: true,
        log_dirs: vec![registration.directory],
        ..RegisterBrokerRecord::default()
    }
    .into()
}

/// Lets a registered broker serve.
pub fn unfence_broker(node_id: i32, broker_epoch: i64) -> MetadataRecord {
    registration_change(node_id, broker_epoch, -1)
}

/// Says that a broker does not serve any more and leads nothing: whoever starts next need not wait for it, and does not take itself for
/// the leader of anything before it is registered.
pub fn resign(image: &MetadataImage, node_id: i32, broker_epoch: i64) -> Vec<MetadataRecord> {
    let mut records = vec![registration_change(node_id, broker_epoch, 1)];
    for topic in image.topics() {
        for (partition_id, state) in (0..).zip(&topic.partitions) {
            if state.leader == node_id {
                let change = PartitionChangeRecord {
                    partition_id,
                    topic_id: topic.id,
                    leader: NO_LEADER,
                    ..PartitionChangeRecord::default()
                };
                records.push(change.into());
            }
        }
    }
    records
}

fn registration_change(broker_id: i32, broker_epoch: i64, fenced: i8) -> MetadataRecord {
    BrokerRegistrationChangeRecord {
        broker_id,
        broker_epoch,
        fenced,
        ..BrokerRegistrationChangeRecord::default()
    }
    .into()
}

/// Makes a node that has just started the leader of every partition that it holds, in a new epoch of each: whatever led before, itself
/// included, does not any more.
pub fn lead_partitions(image: &MetadataImage, node_id: i32) -> Vec<MetadataRecord> {
    let mut records = Vec::new();
    for topic in image.topics() {
        for (partition_id, state) in (0..).zip(&topic.partitions) {
            if !state.replicas.contains(&node_id) {
                continue;
            }
            let alone = state.isr == [node_id];
            let change = PartitionChangeRecord {
                partition_id,
                topic_id: topic.id,
                leader: node_id,
                isr: (!alone).then(|| vec![node_id]),
                // Nobody waits to be in sync again.
                eligible_leader_replicas: (!alone).then(Vec::new),
                last_known_elr: (!alone).then(Vec::new),
                ..PartitionChangeRecord::default()
            };
            records.push(change.into());
        }
    }
    records
}
