//! The tables of properties.

mod bounds;
mod broker;
mod docs;
mod topic;

pub(super) use bounds::BROKER_BOUNDS;
pub use broker::BROKER_CONFIGS;
pub(super) use docs::{BROKER_DOCS, TOPIC_DOCS};
pub use topic::TOPIC_CONFIGS;
