//! The controller's decisions: free functions from an image and a request to records and a response.
//!
//! Nothing here changes anything. The driver appends the records, applies them, and lets the response go when they are committed.

mod bootstrap;
mod configs;
mod create_partitions;
mod create_topics;
mod delete_topics;
mod producer_ids;
mod reassign;
mod update_features;

use mainstem_protocol::messages::MetadataRecord;

pub use bootstrap::{
    METADATA_VERSION, Registration, bootstrap, lead_partitions, register_broker, resign,
    unfence_broker,
};
pub use configs::{CheckBroker, alter_configs, incremental_alter_configs};
pub use create_partitions::create_partitions;
pub use create_topics::{TopicDefaults, check_topic_name, create_topics};
pub use delete_topics::delete_topics;
pub use producer_ids::allocate_producer_ids;
pub use reassign::{alter_partition_reassignments, elect_leaders};
pub use update_features::{METADATA_FEATURE, SUPPORTED_FEATURES, update_features};

pub use crate::image::written_version;

/// What was decided: records, to be appended as one batch, and the answer once they are committed.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision<R> {
    /// Records; none when nothing changes.
    pub records: Vec<MetadataRecord>,
    /// The answer.
    pub response: R,
}

#[cfg(test)]
mod tests;
