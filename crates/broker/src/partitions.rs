//! The partitions of this node, by topic name and by topic id.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use imbl::HashMap;
use mainstem_protocol::{Str, Uuid};

use crate::partition::Partition;

/// The partitions of a topic, dense from 0.
type TopicPartitions = Arc<[Arc<Partition>]>;

#[derive(Clone, Debug, Default)]
struct Tables {
    by_name: HashMap<Str, TopicPartitions>,
    by_id: HashMap<Uuid, TopicPartitions>,
}

/// The partitions of this node. Looking up takes no lock.
#[derive(Debug, Default)]
pub(crate) struct Partitions {
    tables: ArcSwap<Tables>,
    writer: Mutex<()>,
}

fn at(partitions: Option<&TopicPartitions>, index: i32) -> Option<Arc<Partition>> {
    partitions?.get(usize::try_from(index).ok()?).cloned()
}

impl Partitions {
    pub(crate) fn by_name(&self, topic: &str, index: i32) -> Option<Arc<Partition>> {
        at(self.tables.load().by_name.get(topic), index)
    }

    pub(crate) fn by_id(&self, topic: Uuid, index: i32) -> Option<Arc<Partition>> {
        at(self.tables.load().by_id.get(&topic), index)
    }

    pub(crate) fn of_topic(&self, topic: Uuid) -> TopicPartitions {
        self.tables
            .load()
            .by_id
            .get(&topic)
            .cloned()
            .unwrap_or_default()
    }

    /// Every partition.
    pub(crate) fn all(&self) -> Vec<Arc<Partition>> {
        self.tables
            .load()
            .by_id
            .values()
            .flat_map(|partitions| partitions.iter().cloned())
            .collect()
    }

    /// Puts the partitions of a topic in place.
    pub(crate) fn put(&self, name: &Str, id: Uuid, partitions: Vec<Arc<Partition>>) {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tables = Tables::clone(&self.tables.load());
        let partitions: TopicPartitions = partitions.into();
        tables.by_name.insert(name.clone(), partitions.clone());
        tables.by_id.insert(id, partitions);
        self.tables.store(Arc::new(tables));
    }

    /// Takes the partitions of a topic away.
    pub(crate) fn take(&self, name: &str, id: Uuid) -> TopicPartitions {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tables = Tables::clone(&self.tables.load());
        let gone = tables.by_id.remove(&id).unwrap_or_default();
        // A topic made again under the name has another id and must stay.
        if tables
            .by_name
            .get(name)
            .and_then(|there| there.first())
            .is_some_and(|there| there.topic_id == id)
        {
            tables.by_name.remove(name);
        }
        self.tables.store(Arc::new(tables));
        gone
    }
}
