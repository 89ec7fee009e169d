//! What reading gives, and reading by whoever has the log to himself. See [`crate::span`] for those who share it.

use bytes::Bytes;
use mainstem_protocol::ErrorCode;
use mainstem_protocol::batch::BatchError;

use crate::log::{Log, LogError};

/// Whole batches, one behind the other. The first may begin before the offset that was asked for.
#[derive(Debug, Clone, Default)]
pub struct LogSlice {
    /// The batches.
    pub bytes: Bytes,
    /// Offset behind the last of them; the asked offset when there is none.
    pub next_offset: i64,
}

/// Why nothing was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The log is offline, cannot be read, or does not hold the offset.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A batch on disk is damaged.
    #[error("{dir}, segment {segment}, byte {position}: {what}")]
    Corrupt {
        /// Directory of the log.
        dir: String,
        /// Base offset of the segment.
        segment: i64,
        /// Position in the `.log` file.
        position: u64,
        /// What is wrong.
        what: BatchError,
    },
    /// The search took too long, or nobody waits for it any more.
    #[error("the search was given up")]
    Abandoned,
}

impl ReadError {
    /// Apache Kafka's code for it.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Log(error) => error.code(),
            Self::Corrupt { .. } => ErrorCode::CorruptMessage,
            Self::Abandoned => ErrorCode::RequestTimedOut,
        }
    }
}

/// An offset found by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimestampedOffset {
    /// The record's timestamp.
    pub timestamp: i64,
    /// Its offset.
    pub offset: i64,
    /// Leader epoch of its batch.
    pub leader_epoch: i32,
}

impl Log {
    /// Reads whole batches, see [`Self::find`].
    pub fn read(
        &self,
        from: i64,
        limit: i64,
        max_bytes: usize,
        min_one_batch: bool,
    ) -> Result<LogSlice, ReadError> {
        let mut wanted = from;
        while let Some(span) = self.find(wanted, limit, max_bytes, min_one_batch)? {
            if let Some(slice) = span.read()? {
                return Ok(slice);
            }
            match span.next_segment() {
                Some(next) => wanted = next,
                None => break,
            }
        }
        Ok(LogSlice {
            bytes: Bytes::new(),
            next_offset: from,
        })
    }

    /// The first record below `limit` whose timestamp is `timestamp` or later.
    pub fn offset_by_time(
        &self,
        timestamp: i64,
        limit: i64,
    ) -> Result<Option<TimestampedOffset>, ReadError> {
        let mut behind = self.log_start;
        while let Some(span) = self.find_time(timestamp, behind, limit) {
            if let Some(found) = span.search(&|| true)? {
                return Ok((found.offset < limit).then_some(found));
            }
            match span.next_segment() {
                Some(next) => behind = next,
                None => break,
            }
        }
        Ok(None)
    }

    /// The first record with the highest timestamp below `limit` (KIP-734).
    pub fn offset_of_max_timestamp(
        &self,
        limit: i64,
    ) -> Result<Option<TimestampedOffset>, ReadError> {
        self.find_max_timestamp(limit).search(&|| true)
    }
}
