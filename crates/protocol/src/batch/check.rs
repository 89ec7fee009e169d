//! What a batch from a client must satisfy, by its header alone.
//!
//! Apache Kafka (`LogValidator`) also walks every record; why we do not, and where that can be seen, is said in
//! `docs/adr/0002-batches-are-opaque.md`.

use bytes::Bytes;

use super::{BatchError, BatchHeader, records};
use crate::ErrorCode;

/// Why a batch of a client is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchRejection {
    /// Not a batch, or a damaged one.
    #[error(transparent)]
    Malformed(#[from] BatchError),
    /// Not exactly one batch for the partition.
    #[error("a produce request carries exactly one batch for a partition, this has {found}")]
    BatchCount {
        /// How many were found.
        found: usize,
    },
    /// No records, or a count that does not fit the offsets.
    #[error("{count} records with a last offset delta of {last_offset_delta}")]
    Count {
        /// As the header says.
        count: i32,
        /// As the header says.
        last_offset_delta: i32,
    },
    /// Control batches are written by brokers only.
    #[error("clients must not write control batches")]
    Control,
    /// Offsets are given by the leader: a client's batch begins at 0.
    #[error("the base offset of a client's batch is 0, this one is {base_offset}")]
    BaseOffset {
        /// As the header says.
        base_offset: i64,
    },
    /// Producer id, epoch and sequence do not fit each other.
    #[error(
        "producer id {producer_id}, epoch {producer_epoch}, sequence {base_sequence} do not fit together"
    )]
    Producer {
        /// As the header says.
        producer_id: i64,
        /// As the header says.
        producer_epoch: i16,
        /// As the header says.
        base_sequence: i32,
    },
    /// A compacted topic needs keys.
    #[error("record {index} has no key, which a compacted topic needs")]
    NoKey {
        /// Number in the batch.
        index: i32,
    },
}

impl BatchRejection {
    /// Apache Kafka's code for it, as measured of 4.4.0 (the table of `docs/adr/0002-batches-are-opaque.md`).
    ///
    /// CORRUPT_MESSAGE makes clients send again, so it is kept for bytes that were changed on the way. What a client built wrongly
    /// is as wrong the next time: INVALID_RECORD, which it does not repeat.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Malformed(BatchError::Codec { .. }) => ErrorCode::UnsupportedCompressionType,
            Self::Malformed(BatchError::Magic { magic: 0 | 1 }) => ErrorCode::InvalidRecord,
            Self::Malformed(
                BatchError::Length { .. } | BatchError::Magic { .. } | BatchError::Crc { .. },
            ) => ErrorCode::CorruptMessage,
            Self::Malformed(BatchError::TooLarge { .. }) => ErrorCode::MessageTooLarge,
            Self::Malformed(
                BatchError::Truncated { .. } | BatchError::Compress(_) | BatchError::Record { .. },
            )
            | Self::BatchCount { .. }
            | Self::Count { .. }
            | Self::Control
            | Self::BaseOffset { .. }
            | Self::Producer { .. }
            | Self::NoKey { .. } => ErrorCode::InvalidRecord,
        }
    }
}

/// Checks the one batch that a client may send for a partition, all but its records.
pub fn check_produced(bytes: &[u8]) -> Result<BatchHeader, BatchRejection> {
    let header = BatchHeader::parse(bytes)?;
    let size = header.size_in_bytes();
    if bytes.len() < size {
        return Err(BatchError::Truncated {
            needed: size,
            found: bytes.len(),
        }
        .into());
    }
    if bytes.len() > size {
        return Err(BatchRejection::BatchCount { found: 2 });
    }
    if header.base_offset != 0 {
        return Err(BatchRejection::BaseOffset {
            base_offset: header.base_offset,
        });
    }
    header.check_crc(bytes)?;
    header.attributes.codec()?;
    if header.attributes.is_control() {
        return Err(BatchRejection::Control);
    }
    if header.record_count <= 0 || header.last_offset_delta != header.record_count - 1 {
        return Err(BatchRejection::Count {
            count: header.record_count,
            last_offset_delta: header.last_offset_delta,
        });
    }
    check_producer(&header)?;
    Ok(header)
}

/// An idempotent producer numbers its batches; a transaction needs one. Without a producer id, epoch and sequence say nothing and
/// are not looked at: kafkajs sends 0 and 0 there, others 0 and -1, and Apache Kafka takes both.
fn check_producer(header: &BatchHeader) -> Result<(), BatchRejection> {
    let fits = if header.has_producer() {
        header.producer_epoch >= 0 && header.base_sequence >= 0
    } else {
        !header.attributes.is_transactional()
    };
    if fits {
        return Ok(());
    }
    Err(BatchRejection::Producer {
        producer_id: header.producer_id,
        producer_epoch: header.producer_epoch,
        base_sequence: header.base_sequence,
    })
}

/// Walks the records of a batch for a compacted topic: each needs a key, and offsets must be dense.
pub fn check_keys(
    header: &BatchHeader,
    batch: &Bytes,
    limit_bytes: usize,
) -> Result<(), BatchRejection> {
    let unpacked = records(header, batch, limit_bytes)?;
    for (index, record) in (0i32..).zip(unpacked.iter()) {
        let record = record?;
        if record.offset != header.base_offset.saturating_add(i64::from(index)) {
            let what = "its offset is not the next";
            return Err(BatchError::Record {
                index,
                position: 0,
                what,
            }
            .into());
        }
        if record.key.is_none() {
            return Err(BatchRejection::NoKey { index });
        }
    }
    Ok(())
}
