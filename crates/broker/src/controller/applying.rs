//! From a changed image to what the node does: one function whose lines are the order.

use std::collections::BTreeMap;
use std::sync::Arc;

use mainstem_metadata::{Changed, ConfigResource, MetadataImage, Topic};
use mainstem_protocol::Uuid;
use mainstem_storage::Repair;

use crate::config::log_config;
use crate::log_dirs::DataDirError;
use crate::node::Node;
use crate::partition::Partition;

/// Makes the node follow the image: deleted topics go, new partitions start, settings change, and then the image is published, so that
/// whoever sees a topic can use it.
pub(super) fn apply(node: &Arc<Node>, image: &MetadataImage, changed: &Changed) {
    let before = node.metadata.load_full();
    let removed = changed.removed_topics.iter();
    let removed = removed.filter_map(|id| before.topic_by_id(*id));
    let names = removed.map(|topic| topic.name.clone()).collect();
    for id in &changed.removed_topics {
        remove_topic(node, *id);
    }
    if !changed.removed_topics.is_empty()
        && let Err(error) = node.checkpoint()
    {
        // The checkpoints go by name: what they say of a topic that is gone must not be taken for one that is made again under its name.
        tracing::warn!(%error, "checkpoints still name a deleted topic");
    }
    for id in &changed.topics {
        if let Some(topic) = image.topic_by_id(*id)
            && let Err(error) = start_partitions(node, image, topic)
        {
            tracing::error!(topic = %topic.name, %error, "a new partition cannot be opened");
        }
    }
    for resource in &changed.configs {
        configure(node, image, resource);
    }
    node.metadata.store(Arc::new(image.clone()));
    node.groups.topics_removed(&changed.removed_topics, &names);
}

/// Opens the partitions of a topic that are not open yet; returns what had to be repaired.
pub(crate) fn start_partitions(
    node: &Node,
    image: &MetadataImage,
    topic: &Topic,
) -> Result<Vec<Repair>, DataDirError> {
    let mut open: BTreeMap<i32, Arc<Partition>> = node
        .partitions
        .of_topic(topic.id)
        .iter()
        .map(|partition| (partition.index, partition.clone()))
        .collect();
    let own = image.config(&ConfigResource::topic(&topic.name));
    let config = log_config(&node.effective(image), own.map(|own| &**own));
    let mut repairs = Vec::new();
    for (index, state) in (0..).zip(&topic.partitions) {
        if open.contains_key(&index) {
            continue;
        }
        let (mut log, repair) =
            node.log_dirs
                .open_partition(&topic.name, topic.id, index, config.clone())?;
        repairs.extend(repair);
        log.begin_epoch(state.leader_epoch);
        let name = (topic.name.clone(), topic.id, index);
        let durability = node.config.properties.durability();
        let partition =
            Partition::new(name, state.leader_epoch, log, durability, node.sync.clone());
        open.insert(index, Arc::new(partition));
    }
    node.partitions
        .put(&topic.name, topic.id, open.into_values().collect());
    Ok(repairs)
}

fn remove_topic(node: &Arc<Node>, id: Uuid) {
    let before = node.metadata.load();
    let Some(topic) = before.topic_by_id(id) else {
        return;
    };
    for partition in node.partitions.take(&topic.name, id).iter() {
        partition.remove();
        let path = node
            .log_dirs
            .dir
            .join(format!("{}-{}", partition.topic, partition.index));
        match node.log_dirs.rename_for_deletion(&path) {
            Ok(renamed) => node.housekeeping.remove_dir(renamed),
            Err(error) => {
                tracing::warn!(%error, "the directory of a deleted topic stays until the next start");
            }
        }
    }
}

fn configure(node: &Node, image: &MetadataImage, resource: &ConfigResource) {
    let topics: Vec<&Arc<Topic>> = match resource.resource_type {
        ConfigResource::TOPIC => image.topic(&resource.name).into_iter().collect(),
        // A broker's values are the defaults of topics.
        ConfigResource::BROKER => image.topics().collect(),
        _ => return,
    };
    let properties = node.effective(image);
    if resource.resource_type == ConfigResource::BROKER {
        node.connections.configure(&properties);
    }
    for topic in topics {
        let own = image.config(&ConfigResource::topic(&topic.name));
        let config = log_config(&properties, own.map(|own| &**own));
        for partition in node.partitions.of_topic(topic.id).iter() {
            partition.set_config(config.clone());
        }
    }
}
