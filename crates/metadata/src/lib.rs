//! The cluster's metadata: the image, the records that change it, the controller's decisions, and every configuration property.
//!
//! Pure: no clock, no I/O, no randomness; what a decision needs of them is an argument. See `docs/adr/0004-metadata-image.md`.

pub mod config;
pub mod control;
mod image;
pub mod limits;

pub use image::{
    ApplyError, Broker, Changed, ConfigResource, Endpoint, METADATA_TOPIC, MetadataImage,
    OffsetAndEpoch, PartitionState, Topic, is_internal,
};
