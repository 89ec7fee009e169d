//! The tables of properties.

mod broker;
mod topic;

pub use broker::BROKER_CONFIGS;
pub use topic::TOPIC_CONFIGS;
