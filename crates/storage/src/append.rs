//! Appending a batch.

use mainstem_protocol::ErrorCode;
use mainstem_protocol::batch::{HEADER_BYTES, patch_base_offset, patch_leader_epoch};

use crate::log::{Log, LogError};
use crate::producers::{ProducerError, Standing};
use crate::scan::to_u64;
use crate::validate::ValidBatch;

/// Where a batch went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Offset of its first record.
    pub first: i64,
    /// Offset of its last record.
    pub last: i64,
    /// The timestamp the node gave, when the topic wants that.
    pub append_time_ms: Option<i64>,
    /// True when the batch was there already, and nothing was written.
    pub duplicate: bool,
}

/// Why a batch was not appended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// It does not follow from what its producer sent before.
    #[error(transparent)]
    Producer(#[from] ProducerError),
    /// The log is offline or became so.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl AppendError {
    /// Apache Kafka's code for it.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Producer(error) => error.code(),
            Self::Log(error) => error.code(),
        }
    }
}

impl Log {
    /// Appends a batch as the partition's leader: checks the producer's sequence, assigns offsets, writes to the page cache.
    pub fn append_as_leader(
        &mut self,
        batch: &ValidBatch,
        leader_epoch: i32,
        now_ms: i64,
    ) -> Result<Appended, AppendError> {
        self.check_online()?;
        let mut header = batch.header;
        if batch.from_client
            && header.has_producer()
            && let Standing::Duplicate(sent) = self.producers.check(&header)?
        {
            return Ok(Appended {
                first: sent.first_offset(),
                last: sent.last_offset,
                // Apache Kafka tells the time of the batch that is there, whoever gave it.
                append_time_ms: Some(sent.timestamp),
                duplicate: true,
            });
        }
        header.base_offset = self.log_end;
        header.leader_epoch = leader_epoch;
        let mut head = [0u8; HEADER_BYTES];
        let (old_head, tail) = batch.bytes.split_at(HEADER_BYTES.min(batch.bytes.len()));
        head.copy_from_slice(old_head);
        patch_base_offset(&mut head, header.base_offset);
        patch_leader_epoch(&mut head, leader_epoch);
        let interval = self.config.index_interval_bytes;
        let write = |log: &mut Self| {
            let full = log.roll_begun
                || log.segments.last().is_none_or(|active| {
                    active.is_full_for(&header, &log.config, now_ms, log.jitter_seed)
                });
            if full {
                log.roll(now_ms)?;
            }
            match log.active() {
                Some(active) => active.append(&header, &head, tail, interval, now_ms),
                None => Err(std::io::Error::other("a log has a segment")),
            }
        };
        write(self).map_err(|error| self.refuse(&error))?;
        self.epochs.assign(leader_epoch, header.base_offset);
        self.producers.note(&header);
        self.log_end = header.next_offset();
        self.undurable_bytes += to_u64(batch.bytes.len());
        Ok(Appended {
            first: header.base_offset,
            last: header.last_offset(),
            append_time_ms: batch.append_time_ms,
            duplicate: false,
        })
    }
}
