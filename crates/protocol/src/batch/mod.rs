//! Record batches, format v2: the unit in which records are produced, stored and fetched.
//!
//! | at | bytes | field |
//! |---|---|---|
//! | 0 | 8 | base offset (not in the CRC) |
//! | 8 | 4 | length of what follows |
//! | 12 | 4 | partition leader epoch (not in the CRC) |
//! | 16 | 1 | magic, 2 |
//! | 17 | 4 | CRC-32C of everything from byte 21 |
//! | 21 | 2 | attributes: codec 0-2, timestamp type 3, transactional 4, control 5, delete horizon 6 |
//! | 23 | 4 | last offset delta |
//! | 27 | 8 | base timestamp |
//! | 35 | 8 | max timestamp |
//! | 43 | 8 | producer id |
//! | 51 | 2 | producer epoch |
//! | 53 | 4 | base sequence |
//! | 57 | 4 | count of records |
//! | 61 | | records, compressed as one block |
//!
//! Batches are opaque on the way in and out: only the header is looked at (`docs/adr/0002-batches-are-opaque.md`). Walking the
//! records is for those who need them.

mod build;
mod check;
mod control;
mod error;
mod header;
mod record;
mod rewrite;
mod split;
mod varint;

pub use build::{BatchBuilder, BatchOptions};
pub use check::{BatchRejection, check_keys, check_produced};
pub use control::{ControlKind, control_batch, control_kind};
pub use error::BatchError;
pub use header::{
    Attributes, BatchHeader, HEADER_BYTES, LOG_OVERHEAD_BYTES, NO_SEQUENCE, TimestampType,
    add_sequence, says_transactional,
};
pub use record::{HeaderRef, Headers, RecordRef, Records, records};
pub use rewrite::{
    patch_append_time, patch_base_offset, patch_leader_epoch, patch_producer, recompress,
};
pub use split::{Batches, batches, without_tail};

#[cfg(test)]
mod tests;
