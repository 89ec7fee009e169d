//! The image written as records: what a snapshot holds, in Apache Kafka's own versions of each.

use mainstem_protocol::messages::{
    ConfigRecord, FeatureLevelRecord, MetadataRecord, PartitionRecord, ProducerIdsRecord,
    RegisterBrokerRecord, TopicRecord, register_broker_record,
};

use super::{Broker, MetadataImage, PartitionState, Topic};

/// The version in which Apache Kafka 4.4 writes a record at metadata.version 33.
pub fn written_version(record: &MetadataRecord) -> i16 {
    match record {
        MetadataRecord::Partition(_) | MetadataRecord::PartitionChange(_) => 2,
        MetadataRecord::RegisterBroker(_) => 4,
        _ => 0,
    }
}

impl MetadataImage {
    /// Records that make this image out of the empty one.
    pub fn records(&self) -> Vec<MetadataRecord> {
        let mut records = Vec::new();
        // The version of the metadata comes first: it says how the others are to be taken.
        let (version, others): (Vec<_>, Vec<_>) = self
            .features()
            .partition(|(name, _)| *name == "metadata.version");
        for (name, feature_level) in version.into_iter().chain(others) {
            let name = name.clone();
            records.push(
                FeatureLevelRecord {
                    name,
                    feature_level,
                }
                .into(),
            );
        }
        for broker in self.brokers.values() {
            records.push(broker_record(broker).into());
        }
        for topic in self.topics_by_name.values() {
            records.push(
                TopicRecord {
                    name: topic.name.clone(),
                    topic_id: topic.id,
                }
                .into(),
            );
            for (index, state) in (0..).zip(&topic.partitions) {
                records.push(partition_record(topic, index, state).into());
            }
        }
        for (resource, values) in &self.configs {
            for (name, value) in values.iter() {
                let record = ConfigRecord {
                    resource_type: resource.resource_type,
                    resource_name: resource.name.clone(),
                    name: name.clone(),
                    value: Some(value.clone()),
                };
                records.push(record.into());
            }
        }
        if self.next_producer_id > 0 {
            let next_producer_id = self.next_producer_id;
            records.push(
                ProducerIdsRecord {
                    broker_id: -1,
                    broker_epoch: -1,
                    next_producer_id,
                }
                .into(),
            );
        }
        records.extend(self.kept.iter().cloned());
        records
    }
}

pub(crate) fn partition_record(
    topic: &Topic,
    partition_id: i32,
    state: &PartitionState,
) -> PartitionRecord {
    PartitionRecord {
        partition_id,
        topic_id: topic.id,
        replicas: state.replicas.clone(),
        isr: state.isr.clone(),
        leader: state.leader,
        leader_epoch: state.leader_epoch,
        partition_epoch: state.partition_epoch,
        directories: state.directories.clone(),
        adding_replicas: state.adding.clone(),
        removing_replicas: state.removing.clone(),
        leader_recovery_state: state.leader_recovery,
        eligible_leader_replicas: unless_empty(&state.eligible_leaders),
        last_known_elr: unless_empty(&state.last_eligible_leaders),
    }
}

fn unless_empty(ids: &[i32]) -> Option<Vec<i32>> {
    (!ids.is_empty()).then(|| ids.to_vec())
}

fn broker_record(broker: &Broker) -> RegisterBrokerRecord {
    let end_points =
        broker
            .endpoints
            .iter()
            .map(|endpoint| register_broker_record::BrokerEndpoint {
                name: endpoint.name.clone(),
                host: endpoint.host.clone(),
                port: endpoint.port,
                security_protocol: endpoint.security_protocol,
            });
    let features =
        broker
            .features
            .iter()
            .map(|(name, low, high)| register_broker_record::BrokerFeature {
                name: name.clone(),
                min_supported_version: *low,
                max_supported_version: *high,
            });
    RegisterBrokerRecord {
        broker_id: broker.id,
        is_migrating_zk_broker: false,
        incarnation_id: broker.incarnation,
        broker_epoch: broker.epoch,
        end_points: end_points.collect(),
        features: features.collect(),
        rack: broker.rack.clone(),
        fenced: broker.fenced,
        in_controlled_shutdown: broker.in_controlled_shutdown,
        log_dirs: broker.directories.clone(),
        cordoned_log_dirs: broker.cordoned_directories.clone(),
    }
}
