//! The Kafka protocol: messages, codec, frames, error codes, internal records, record batches, compression.
//!
//! Messages are generated from Apache Kafka's own definitions (`generated`); everything they need to read and write bytes is in
//! [`codec`]. A decoded message shares the frame that it came in. Nothing here does I/O, reads a clock, or panics on bytes from
//! outside.

#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::unwrap_used
)]

mod api;
pub mod batch;
pub mod codec;
pub mod compress;
mod error_code;
pub mod frame;
mod generated;
pub mod hash;
pub mod limits;
pub mod records;
mod str;
mod uuid;

/// Every message of the schema: the top-level structs here, and a module for each with the structs inside.
pub mod messages {
    pub use crate::generated::*;
}

pub use codec::{
    Chunk, Chunks, DecodeError, Decoder, EncodeError, Encoder, Message, RecordBatches, Request,
    Stored,
};
pub use error_code::ErrorCode;
pub use generated::ApiKey;
pub use str::Str;
pub use uuid::{Uuid, UuidError};
