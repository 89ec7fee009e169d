//! Why bytes are not a batch.

use crate::compress::CompressError;

/// Why bytes are not a batch, or a batch's payload is not records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The bytes end inside the batch.
    #[error("a batch of {needed} bytes ends after {found}")]
    Truncated {
        /// Bytes the batch has by its own account (or the size of a header).
        needed: usize,
        /// Bytes there.
        found: usize,
    },
    /// A length that no batch can have.
    #[error("batch length {length} is impossible")]
    Length {
        /// As read.
        length: i32,
    },
    /// A format other than v2.
    #[error("batch format {magic} is not 2")]
    Magic {
        /// As read.
        magic: i8,
    },
    /// The checksum does not fit the bytes.
    #[error("CRC {computed:#010x} computed, {stored:#010x} stored")]
    Crc {
        /// In the batch.
        stored: u32,
        /// Of the batch.
        computed: u32,
    },
    /// A codec that does not exist.
    #[error("compression codec {bits} does not exist")]
    Codec {
        /// As read.
        bits: u8,
    },
    /// The payload could not be unpacked.
    #[error(transparent)]
    Compress(#[from] CompressError),
    /// A record that breaks the format.
    #[error("record {index} at byte {position} of the payload: {what}")]
    Record {
        /// Number in the batch.
        index: i32,
        /// Byte of the payload.
        position: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// More than a batch can carry.
    #[error("a batch of {bytes} bytes is beyond what a length can say")]
    TooLarge {
        /// Bytes in all.
        bytes: usize,
    },
}
