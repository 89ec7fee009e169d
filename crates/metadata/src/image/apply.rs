//! How each record changes the image. The only code that does.

use std::sync::Arc;

use mainstem_protocol::messages::{
    BrokerRegistrationChangeRecord, ClearElrRecord, ConfigRecord, MetadataRecord,
    PartitionChangeRecord, PartitionRecord, RegisterBrokerRecord,
};
use mainstem_protocol::{Str, Uuid};

use super::{Broker, Changed, ConfigResource, Endpoint, MetadataImage, PartitionState, Topic};

/// A record that does not fit the image: the log is corrupt, or was written by something that we do not understand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// A record about a topic that is not there.
    #[error("{record} names topic {id}, which does not exist")]
    NoTopic {
        /// Type of the record.
        record: &'static str,
        /// The topic.
        id: Uuid,
    },
    /// A topic's name or id is taken.
    #[error("topic {name} with id {id} exists already")]
    TopicExists {
        /// Its name.
        name: Str,
        /// Its id.
        id: Uuid,
    },
    /// Partitions are dense.
    #[error("partition {partition} of {topic} does not follow the {count} that are there")]
    PartitionOrder {
        /// The topic.
        topic: Str,
        /// The partition.
        partition: i32,
        /// Partitions there.
        count: usize,
    },
    /// A record about a broker that is not registered, or under another epoch.
    #[error("broker {id} is not registered with epoch {epoch}")]
    NoBroker {
        /// The broker.
        id: i32,
        /// As named.
        epoch: i64,
    },
}

fn detached(ids: &[i32]) -> Vec<i32> {
    ids.to_vec()
}

impl MetadataImage {
    /// Applies a record; `changed` gathers what it touched.
    pub fn apply(
        &mut self,
        record: &MetadataRecord,
        changed: &mut Changed,
    ) -> Result<(), ApplyError> {
        match record {
            MetadataRecord::FeatureLevel(fields) => {
                changed.features = true;
                if fields.feature_level == 0 {
                    self.features.remove(fields.name.as_str());
                } else {
                    self.features
                        .insert(fields.name.detached(), fields.feature_level);
                }
            }
            MetadataRecord::Topic(fields) => {
                self.add_topic(&fields.name, fields.topic_id, changed)?;
            }
            MetadataRecord::Partition(fields) => self.add_partition(fields, changed)?,
            MetadataRecord::PartitionChange(fields) => self.change_partition(fields, changed)?,
            MetadataRecord::RemoveTopic(fields) => self.remove_topic(fields.topic_id, changed)?,
            MetadataRecord::Config(fields) => self.set_config(fields, changed),
            MetadataRecord::RegisterBroker(fields) => self.register_broker(fields, changed),
            MetadataRecord::UnregisterBroker(fields) => {
                self.brokers.remove(&fields.broker_id);
                changed.brokers.insert(fields.broker_id);
            }
            MetadataRecord::BrokerRegistrationChange(fields) => {
                self.change_broker(fields, changed)?;
            }
            MetadataRecord::FenceBroker(fields) => {
                self.fence(fields.id, fields.epoch, true, changed)?;
            }
            MetadataRecord::UnfenceBroker(fields) => {
                self.fence(fields.id, fields.epoch, false, changed)?;
            }
            MetadataRecord::ProducerIds(fields) => self.next_producer_id = fields.next_producer_id,
            MetadataRecord::ClearElr(fields) => self.clear_eligible_leaders(fields, changed)?,
            // The first four say nothing of the cluster once they are in the log; the migration from ZooKeeper is over.
            MetadataRecord::NoOp(_)
            | MetadataRecord::BeginTransaction(_)
            | MetadataRecord::EndTransaction(_)
            | MetadataRecord::AbortTransaction(_)
            | MetadataRecord::ZkMigrationState(_) => {}
            MetadataRecord::RegisterController(_)
            | MetadataRecord::UnregisterController(_)
            | MetadataRecord::ClientQuota(_)
            | MetadataRecord::AccessControlEntry(_)
            | MetadataRecord::RemoveAccessControlEntry(_)
            | MetadataRecord::UserScramCredential(_)
            | MetadataRecord::RemoveUserScramCredential(_)
            | MetadataRecord::DelegationToken(_)
            | MetadataRecord::RemoveDelegationToken(_) => self.kept.apply(record),
        }
        Ok(())
    }

    fn add_topic(&mut self, name: &Str, id: Uuid, changed: &mut Changed) -> Result<(), ApplyError> {
        if self.topics_by_name.contains_key(name.as_str()) || self.topics_by_id.contains_key(&id) {
            return Err(ApplyError::TopicExists {
                name: name.detached(),
                id,
            });
        }
        self.put_topic(Topic {
            name: name.detached(),
            id,
            partitions: Vec::new(),
        });
        changed.topics.insert(id);
        Ok(())
    }

    fn put_topic(&mut self, topic: Topic) {
        let topic = Arc::new(topic);
        self.topics_by_id.insert(topic.id, topic.clone());
        self.topics_by_name.insert(topic.name.clone(), topic);
    }

    /// Takes a topic out, to be changed and put back: it is copied only if somebody else looks at it.
    fn take_topic(&mut self, record: &'static str, id: Uuid) -> Result<Topic, ApplyError> {
        match self.topics_by_id.remove(&id) {
            Some(topic) => {
                self.topics_by_name.remove(topic.name.as_str());
                Ok(Arc::unwrap_or_clone(topic))
            }
            None => Err(ApplyError::NoTopic { record, id }),
        }
    }

    fn add_partition(
        &mut self,
        fields: &PartitionRecord,
        changed: &mut Changed,
    ) -> Result<(), ApplyError> {
        let mut topic = self.take_topic("a partition record", fields.topic_id)?;
        let state = PartitionState {
            replicas: detached(&fields.replicas),
            isr: detached(&fields.isr),
            leader: fields.leader,
            leader_epoch: fields.leader_epoch,
            partition_epoch: fields.partition_epoch,
            directories: fields.directories.clone(),
            adding: detached(&fields.adding_replicas),
            removing: detached(&fields.removing_replicas),
            leader_recovery: fields.leader_recovery_state,
            eligible_leaders: fields.eligible_leader_replicas.clone().unwrap_or_default(),
            last_eligible_leaders: fields.last_known_elr.clone().unwrap_or_default(),
        };
        let count = topic.partitions.len();
        match usize::try_from(fields.partition_id) {
            Ok(at) if at < count => topic.partitions[at] = state,
            Ok(at) if at == count => topic.partitions.push(state),
            _ => {
                let (topic, partition) = (topic.name, fields.partition_id);
                return Err(ApplyError::PartitionOrder {
                    topic,
                    partition,
                    count,
                });
            }
        }
        self.put_topic(topic);
        changed.topics.insert(fields.topic_id);
        Ok(())
    }

    fn change_partition(
        &mut self,
        fields: &PartitionChangeRecord,
        changed: &mut Changed,
    ) -> Result<(), ApplyError> {
        /// A leader field of this value means "as before".
        const NO_LEADER_CHANGE: i32 = -2;
        const NO_RECOVERY_CHANGE: i8 = -1;
        let mut topic = self.take_topic("a partition change", fields.topic_id)?;
        let count = topic.partitions.len();
        let at = usize::try_from(fields.partition_id)
            .ok()
            .filter(|at| *at < count);
        let Some(state) = at.and_then(|at| topic.partitions.get_mut(at)) else {
            let (topic, partition) = (topic.name, fields.partition_id);
            return Err(ApplyError::PartitionOrder {
                topic,
                partition,
                count,
            });
        };
        let changes = [
            (&mut state.isr, &fields.isr),
            (&mut state.replicas, &fields.replicas),
            (&mut state.adding, &fields.adding_replicas),
            (&mut state.removing, &fields.removing_replicas),
            (
                &mut state.eligible_leaders,
                &fields.eligible_leader_replicas,
            ),
            (&mut state.last_eligible_leaders, &fields.last_known_elr),
        ];
        for (ids, change) in changes {
            if let Some(change) = change {
                ids.clone_from(change);
            }
        }
        if let Some(directories) = &fields.directories {
            state.directories.clone_from(directories);
        }
        if fields.leader_recovery_state != NO_RECOVERY_CHANGE {
            state.leader_recovery = fields.leader_recovery_state;
        }
        if fields.leader != NO_LEADER_CHANGE {
            state.leader = fields.leader;
            state.leader_epoch += 1;
        }
        state.partition_epoch += 1;
        self.put_topic(topic);
        changed.topics.insert(fields.topic_id);
        Ok(())
    }

    /// Forgets the eligible leaders of a topic, or of every topic when no name is given.
    fn clear_eligible_leaders(
        &mut self,
        fields: &ClearElrRecord,
        changed: &mut Changed,
    ) -> Result<(), ApplyError> {
        let topics: Vec<_> = match self.topic(&fields.topic_name) {
            None if fields.topic_name.is_empty() => self.topics().cloned().collect(),
            found => found.cloned().into_iter().collect(),
        };
        for topic in topics {
            for (partition_id, state) in (0..).zip(&topic.partitions) {
                if state.eligible_leaders.is_empty() && state.last_eligible_leaders.is_empty() {
                    continue;
                }
                let change = PartitionChangeRecord {
                    partition_id,
                    topic_id: topic.id,
                    eligible_leader_replicas: Some(Vec::new()),
                    last_known_elr: Some(Vec::new()),
                    ..PartitionChangeRecord::default()
                };
                self.change_partition(&change, changed)?;
            }
        }
        Ok(())
    }

    fn remove_topic(&mut self, id: Uuid, changed: &mut Changed) -> Result<(), ApplyError> {
        let Some(topic) = self.topics_by_id.remove(&id) else {
            return Err(ApplyError::NoTopic {
                record: "a topic removal",
                id,
            });
        };
        self.topics_by_name.remove(topic.name.as_str());
        self.configs.remove(&ConfigResource::topic(&topic.name));
        changed.topics.remove(&id);
        changed.removed_topics.insert(id);
        Ok(())
    }

    fn set_config(&mut self, fields: &ConfigRecord, changed: &mut Changed) {
        let resource = ConfigResource {
            resource_type: fields.resource_type,
            name: fields.resource_name.detached(),
        };
        let mut values = self
            .configs
            .get(&resource)
            .map(|values| (**values).clone())
            .unwrap_or_default();
        match &fields.value {
            Some(value) => values.insert(fields.name.detached(), value.detached()),
            None => values.remove(fields.name.as_str()),
        };
        if values.is_empty() {
            self.configs.remove(&resource);
        } else {
            self.configs.insert(resource.clone(), Arc::new(values));
        }
        changed.configs.insert(resource);
    }

    fn register_broker(&mut self, fields: &RegisterBrokerRecord, changed: &mut Changed) {
        let endpoints = fields.end_points.iter().map(|endpoint| Endpoint {
            name: endpoint.name.detached(),
            host: endpoint.host.detached(),
            port: endpoint.port,
            security_protocol: endpoint.security_protocol,
        });
        let features = fields.features.iter().map(|feature| {
            (
                feature.name.detached(),
                feature.min_supported_version,
                feature.max_supported_version,
            )
        });
        let broker = Broker {
            id: fields.broker_id,
            epoch: fields.broker_epoch,
            incarnation: fields.incarnation_id,
            endpoints: endpoints.collect(),
            features: features.collect(),
            rack: fields.rack.as_ref().map(Str::detached),
            fenced: fields.fenced,
            in_controlled_shutdown: fields.in_controlled_shutdown,
            directories: fields.log_dirs.clone(),
            cordoned_directories: fields.cordoned_log_dirs.clone(),
        };
        self.brokers.insert(broker.id, Arc::new(broker));
        changed.brokers.insert(fields.broker_id);
    }

    fn change_broker(
        &mut self,
        fields: &BrokerRegistrationChangeRecord,
        changed: &mut Changed,
    ) -> Result<(), ApplyError> {
        let (id, epoch) = (fields.broker_id, fields.broker_epoch);
        let current = self.brokers.get(&id).filter(|broker| broker.epoch == epoch);
        let mut broker = current
            .map(|broker| Broker::clone(broker))
            .ok_or(ApplyError::NoBroker { id, epoch })?;
        match fields.fenced {
            -1 => broker.fenced = false,
            1 => broker.fenced = true,
            _ => {}
        }
        if fields.in_controlled_shutdown != 0 {
            broker.in_controlled_shutdown = true;
        }
        if !fields.log_dirs.is_empty() {
            broker.directories.clone_from(&fields.log_dirs);
        }
        if fields.cordoned_log_dirs.is_some() {
            broker
                .cordoned_directories
                .clone_from(&fields.cordoned_log_dirs);
        }
        self.brokers.insert(id, Arc::new(broker));
        changed.brokers.insert(id);
        Ok(())
    }

    fn fence(
        &mut self,
        id: i32,
        epoch: i64,
        fenced: bool,
        changed: &mut Changed,
    ) -> Result<(), ApplyError> {
        let current = self.brokers.get(&id).filter(|broker| broker.epoch == epoch);
        let mut broker = current
            .map(|broker| Broker::clone(broker))
            .ok_or(ApplyError::NoBroker { id, epoch })?;
        broker.fenced = fenced;
        self.brokers.insert(id, Arc::new(broker));
        changed.brokers.insert(id);
        Ok(())
    }
}
