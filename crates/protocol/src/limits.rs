//! The limits of this crate. Each is a promise that hostile bytes cannot make us break.

/// Memory that decoding one message may take for its collections, beside the frame itself.
///
/// A frame of 100 MiB full of two-byte elements would otherwise become gigabytes of structs.
pub const DECODE_BUDGET_BYTES: usize = 256 * 1024 * 1024;

/// Longest string on the wire, in both encodings.
pub const STRING_BYTES_MAX: usize = 32_767;

/// Most elements of one array that are read; Apache Kafka 4.4 refuses more, too.
pub const ARRAY_ELEMENTS_MAX: usize = 1_000_000;

/// Most tagged fields of one struct that are read; Apache Kafka 4.4 refuses more, too.
pub const TAGGED_FIELDS_MAX: usize = 10_000;

/// From this size on, bytes become a chunk of their own instead of being copied by the encoder.
pub const CHUNK_BYTES_MIN: usize = 4 * 1024;

const _: () = assert!(CHUNK_BYTES_MIN < DECODE_BUDGET_BYTES);
