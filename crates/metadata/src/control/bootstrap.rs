//! The first records of a cluster, and the registration of its broker.
//!
//! A new cluster stands at metadata.version 33 (4.4-IV2). Every other feature stands at the level that this build serves: 0, which is
//! "off" and is not written.

use mainstem_protocol::messages::{
    BeginTransactionRecord, BrokerRegistrationChangeRecord, EndTransactionRecord,
    FeatureLevelRecord, MetadataRecord, RegisterBrokerRecord, register_broker_record,
};
use mainstem_protocol::{Str, Uuid};

use crate::{Endpoint, MetadataImage};

/// The metadata.version of a new cluster: 4.4-IV2.
pub const METADATA_VERSION: i16 = 33;
/// The lowest metadata.version that Apache Kafka 4.4 still knows: 3.3-IV3.
pub(super) const METADATA_VERSION_MIN: i16 = 7;

/// The records that begin a cluster: one atomic batch, as Apache Kafka's controller writes it.
pub fn bootstrap(image: &MetadataImage) -> Vec<MetadataRecord> {
    if image.feature("metadata.version") > 0 {
        return Vec::new();
    }
    vec![
        BeginTransactionRecord {
            name: Some(Str::from_static("Bootstrap records")),
        }
        .into(),
        FeatureLevelRecord {
            name: Str::from_static("metadata.version"),
            feature_level: METADATA_VERSION,
        }
        .into(),
        EndTransactionRecord {}.into(),
    ]
}

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
    BrokerRegistrationChangeRecord {
        broker_id: node_id,
        broker_epoch,
        fenced: -1,
        ..BrokerRegistrationChangeRecord::default()
    }
    .into()
}
