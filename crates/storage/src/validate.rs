//! What is checked before a batch may be appended. Only this file makes a [`ValidBatch`].

use bytes::Bytes;
use mainstem_protocol::ErrorCode;
use mainstem_protocol::batch::{
    BatchError, BatchHeader, BatchRejection, TimestampType, check_keys, check_produced,
    patch_append_time, recompress, without_tail,
};

use crate::limits::{UNPACK_BYTES_MAX, UNPACK_BYTES_MIN, UNPACK_FACTOR};
use crate::{CompressionPolicy, LogConfig};

/// A batch that may be appended: whole, sound, and as the topic's settings want it.
#[derive(Debug, Clone)]
pub struct ValidBatch {
    pub(crate) header: BatchHeader,
    pub(crate) bytes: Bytes,
    /// Set when the node's clock became the timestamp of every record.
    pub(crate) append_time_ms: Option<i64>,
    pub(crate) from_client: bool,
}

/// Why a batch may not be appended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The batch itself is refused.
    #[error(transparent)]
    Batch(#[from] BatchRejection),
    /// More bytes than `max.message.bytes`.
    #[error("a batch of {bytes} bytes is above max.message.bytes = {limit}")]
    TooLarge {
        /// As sent.
        bytes: usize,
        /// As configured.
        limit: usize,
    },
    /// More bytes than a segment.
    #[error("a batch of {bytes} bytes is above segment.bytes = {limit}")]
    LargerThanSegment {
        /// As sent.
        bytes: usize,
        /// As configured.
        limit: u64,
    },
    /// A timestamp too far from now.
    #[error("timestamp {timestamp} is not between {earliest} and {latest}")]
    Timestamp {
        /// As sent.
        timestamp: i64,
        /// Bound.
        earliest: i64,
        /// Bound.
        latest: i64,
    },
}

impl Invalid {
    /// Apache Kafka's code for it.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Batch(rejection) => rejection.code(),
            Self::TooLarge { .. } => ErrorCode::MessageTooLarge,
            Self::LargerThanSegment { .. } => ErrorCode::RecordListTooLarge,
            Self::Timestamp { .. } => ErrorCode::InvalidTimestamp,
        }
    }
}

fn unpack_limit(bytes: usize) -> usize {
    bytes
        .saturating_mul(UNPACK_FACTOR)
        .clamp(UNPACK_BYTES_MIN, UNPACK_BYTES_MAX)
}

/// Checks the batch that a client sent for a partition, and rewrites what the topic's settings want rewritten.
pub fn validate_produced(
    bytes: Bytes,
    config: &LogConfig,
    now_ms: i64,
) -> Result<ValidBatch, Invalid> {
    let bytes = without_tail(bytes).map_err(BatchRejection::from)?;
    // As Apache Kafka does: the size first, so that no checksum is computed of what is refused anyway, and again once rewritten.
    check_size(bytes.len(), config)?;
    let header = check_produced(&bytes)?;
    let limit = unpack_limit(bytes.len());
    if config.compact {
        check_keys(&header, &bytes, limit)?;
    }
    let mut valid = ValidBatch {
        header,
        bytes,
        append_time_ms: None,
        from_client: true,
    };
    if config.timestamp_type == TimestampType::CreateTime {
        check_timestamp(&header, config, now_ms)?;
    }
    if let CompressionPolicy::Codec(codec) = config.compression
        && header.attributes.codec().map_err(BatchRejection::from)? != codec
    {
        let bytes = recompress(
            &header,
            &valid.bytes,
            codec,
            config.compression_level,
            limit,
        )
        .map_err(BatchRejection::from)?;
        valid.header = BatchHeader::parse(&bytes).map_err(BatchRejection::from)?;
        valid.bytes = bytes;
    }
    if config.timestamp_type == TimestampType::LogAppendTime {
        let mut changed = valid.bytes.to_vec();
        patch_append_time(&mut changed, &valid.header, now_ms);
        valid.bytes = Bytes::from(changed);
        valid.header = BatchHeader::parse(&valid.bytes).map_err(BatchRejection::from)?;
        valid.append_time_ms = Some(now_ms);
    }
    check_size(valid.bytes.len(), config)?;
    Ok(valid)
}

fn check_size(bytes: usize, config: &LogConfig) -> Result<(), Invalid> {
    if bytes > config.max_message_bytes {
        return Err(Invalid::TooLarge {
            bytes,
            limit: config.max_message_bytes,
        });
    }
    if u64::try_from(bytes).unwrap_or(u64::MAX) > config.segment_bytes {
        return Err(Invalid::LargerThanSegment {
            bytes,
            limit: config.segment_bytes,
        });
    }
    Ok(())
}

/// The highest timestamp is checked, which the header has; Apache Kafka checks each record's.
fn check_timestamp(header: &BatchHeader, config: &LogConfig, now_ms: i64) -> Result<(), Invalid> {
    let timestamp = header.max_timestamp;
    if timestamp == -1 {
        return Ok(());
    }
    let earliest = now_ms.saturating_sub(config.timestamp_before_max_ms);
    let latest = now_ms.saturating_add(config.timestamp_after_max_ms);
    if timestamp < earliest || timestamp > latest {
        return Err(Invalid::Timestamp {
            timestamp,
            earliest,
            latest,
        });
    }
    Ok(())
}

/// Takes a batch that the node itself built, control batches included.
pub fn validate_internal(bytes: Bytes) -> Result<ValidBatch, Invalid> {
    let header = BatchHeader::parse(&bytes).map_err(BatchRejection::from)?;
    if bytes.len() != header.size_in_bytes() {
        let error = BatchError::Truncated {
            needed: header.size_in_bytes(),
            found: bytes.len(),
        };
        return Err(BatchRejection::from(error).into());
    }
    header.check_crc(&bytes).map_err(BatchRejection::from)?;
    Ok(ValidBatch {
        header,
        bytes,
        append_time_ms: None,
        from_client: false,
    })
}

impl ValidBatch {
    /// Count of records.
    pub fn record_count(&self) -> i32 {
        self.header.record_count
    }

    /// Bytes of the batch.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Never true: a batch has a header.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}
