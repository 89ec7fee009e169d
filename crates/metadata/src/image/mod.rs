//! What the cluster is: an immutable value that records turn into the next one.
//!
//! Invariants: [`MetadataImage::apply`] is the only writer; `apply(empty, image.records()) == image`; every topic stands under its name
//! and its id. Maps are persistent, so a clone is O(1) and readers hold an `Arc` without a lock.

mod apply;
mod kept;
mod records;
#[cfg(test)]
mod tests;

pub(crate) use records::partition_record;
pub use records::written_version;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::OrdMap;
use mainstem_protocol::{Str, Uuid};

pub use apply::ApplyError;
use kept::KeptRecords;

/// A place in the metadata log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OffsetAndEpoch {
    /// Offset of the last record applied; -1 before the first.
    pub offset: i64,
    /// Its leader epoch.
    pub epoch: i32,
}

/// Where a broker listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Name of the listener.
    pub name: Str,
    /// Host as told to clients.
    pub host: Str,
    /// Port as told to clients.
    pub port: u16,
    /// Security protocol's number; 0 is plain text.
    pub security_protocol: i16,
}

/// A registered broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Node id.
    pub id: i32,
    /// Number of this registration: the offset of its record.
    pub epoch: i64,
    /// Changes with every start.
    pub incarnation: Uuid,
    /// Where it listens.
    pub endpoints: Vec<Endpoint>,
    /// Feature, lowest and highest level it knows.
    pub features: Vec<(Str, i16, i16)>,
    /// Rack.
    pub rack: Option<Str>,
    /// True until it serves.
    pub fenced: bool,
    /// True while it stops.
    pub in_controlled_shutdown: bool,
    /// Its log directories.
    pub directories: Vec<Uuid>,
    /// Those that get no new partitions; `None` where its build does not say (KIP-1066).
    pub cordoned_directories: Option<Vec<Uuid>>,
}

/// A partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionState {
    /// Nodes that hold it.
    pub replicas: Vec<i32>,
    /// Those in sync.
    pub isr: Vec<i32>,
    /// Its leader; -1 for none.
    pub leader: i32,
    /// Bumped with every election.
    pub leader_epoch: i32,
    /// Bumped with every change.
    pub partition_epoch: i32,
    /// Directory on each replica.
    pub directories: Vec<Uuid>,
    /// Replicas that a reassignment adds.
    pub adding: Vec<i32>,
    /// Replicas that a reassignment removes.
    pub removing: Vec<i32>,
    /// 1 while the leader recovers from an unclean election, else 0.
    pub leader_recovery: i8,
    /// Out of sync, but sure to hold everything committed (KIP-966).
    pub eligible_leaders: Vec<i32>,
    /// The last that were eligible, of a partition that has none left.
    pub last_eligible_leaders: Vec<i32>,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: Str,
    /// Its id.
    pub id: Uuid,
    /// Its partitions, dense from 0.
    pub partitions: Vec<PartitionState>,
}

impl Topic {
    /// True for topics of the node itself.
    pub fn is_internal(&self) -> bool {
        is_internal(&self.name)
    }
}

/// The name under which the cluster's metadata has its log: no topic's.
pub const METADATA_TOPIC: &str = "__cluster_metadata";

/// True for names of topics of the node itself.
pub fn is_internal(topic: &str) -> bool {
    matches!(
        topic,
        "__consumer_offsets" | "__transaction_state" | "__share_group_state"
    )
}

/// What a configuration belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigResource {
    /// 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group.
    pub resource_type: i8,
    /// Name; empty for all brokers.
    pub name: Str,
}

impl ConfigResource {
    /// Number of topics on the wire.
    pub const TOPIC: i8 = 2;
    /// Number of brokers on the wire.
    pub const BROKER: i8 = 4;
    /// Number of what brokers log, on the wire.
    pub const BROKER_LOGGER: i8 = 8;
    /// Number of subscriptions to clients' metrics on the wire.
    pub const CLIENT_METRICS: i8 = 16;
    /// Number of groups on the wire.
    pub const GROUP: i8 = 32;

    /// A topic's.
    pub fn topic(name: &Str) -> Self {
        Self {
            resource_type: Self::TOPIC,
            name: name.clone(),
        }
    }
}

/// What a run of records changed: names and ids, to be looked up in the image before or after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Topics made or changed.
    pub topics: BTreeSet<Uuid>,
    /// Topics that are gone.
    pub removed_topics: BTreeSet<Uuid>,
    /// Configurations that changed.
    pub configs: BTreeSet<ConfigResource>,
    /// Brokers that changed.
    pub brokers: BTreeSet<i32>,
    /// True when a feature level changed.
    pub features: bool,
}

/// The cluster at a place in the metadata log.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataImage {
    /// Where.
    pub at: OffsetAndEpoch,
    features: OrdMap<Str, i16>,
    brokers: OrdMap<i32, Arc<Broker>>,
    topics_by_id: OrdMap<Uuid, Arc<Topic>>,
    topics_by_name: OrdMap<Str, Arc<Topic>>,
    configs: OrdMap<ConfigResource, Arc<BTreeMap<Str, Str>>>,
    next_producer_id: i64,
    kept: KeptRecords,
}

impl Default for MetadataImage {
    fn default() -> Self {
        Self {
            at: OffsetAndEpoch {
                offset: -1,
                epoch: 0,
            },
            features: OrdMap::new(),
            brokers: OrdMap::new(),
            topics_by_id: OrdMap::new(),
            topics_by_name: OrdMap::new(),
            configs: OrdMap::new(),
            next_producer_id: 0,
            kept: KeptRecords::default(),
        }
    }
}

impl MetadataImage {
    /// Level of a feature; 0 when it is off.
    pub fn feature(&self, name: &str) -> i16 {
        self.features.get(name).copied().unwrap_or(0)
    }

    /// Features that are on, with their levels.
    pub fn features(&self) -> impl Iterator<Item = (&Str, i16)> {
        self.features.iter().map(|(name, level)| (name, *level))
    }

    /// A broker.
    pub fn broker(&self, id: i32) -> Option<&Arc<Broker>> {
        self.brokers.get(&id)
    }

    /// Registered brokers.
    pub fn brokers(&self) -> impl Iterator<Item = &Arc<Broker>> {
        self.brokers.values()
    }

    /// The topic of a name.
    pub fn topic(&self, name: &str) -> Option<&Arc<Topic>> {
        self.topics_by_name.get(name)
    }

    /// The topic of an id.
    pub fn topic_by_id(&self, id: Uuid) -> Option<&Arc<Topic>> {
        self.topics_by_id.get(&id)
    }

    /// Topics in the order of their names.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.topics_by_name.values()
    }

    /// What was set for a resource.
    pub fn config(&self, resource: &ConfigResource) -> Option<&Arc<BTreeMap<Str, Str>>> {
        self.configs.get(resource)
    }

    /// Resources that something was set for.
    pub fn config_resources(&self) -> impl Iterator<Item = &ConfigResource> {
        self.configs.keys()
    }

    /// First producer id that no broker has taken.
    pub fn next_producer_id(&self) -> i64 {
        self.next_producer_id
    }
}
