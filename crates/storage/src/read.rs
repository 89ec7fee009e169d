//! Reading by offset and by time.

use bytes::Bytes;
use mainstem_protocol::ErrorCode;
use mainstem_protocol::batch::{BatchError, BatchHeader, HEADER_BYTES, records};

use crate::limits::{UNPACK_BYTES_MAX, UNPACK_BYTES_MIN, UNPACK_FACTOR};
use crate::log::{Log, LogError};
use crate::scan::{Found, HeaderScan, read_exact, to_u64};
use crate::segment::Segment;

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
}

impl ReadError {
    /// Apache Kafka's code for it.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Log(error) => error.code(),
            Self::Corrupt { .. } => ErrorCode::CorruptMessage,
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
    /// A log that is offline for writing is still read: what lies below the limit was there before, and a read that fails says so itself.
    ///
    /// Reads whole batches from the one that holds `from`, all of them below `limit`, about `max_bytes` of them. With `min_one_batch`
    /// the first batch comes whatever its size.
    pub fn read(
        &self,
        from: i64,
        limit: i64,
        max_bytes: usize,
        min_one_batch: bool,
    ) -> Result<LogSlice, ReadError> {
        if from < self.log_start || from > self.log_end {
            let (log_start, log_end) = (self.log_start, self.log_end);
            return Err(LogError::Range {
                offset: from,
                log_start,
                log_end,
            }
            .into());
        }
        let nothing = LogSlice {
            bytes: Bytes::new(),
            next_offset: from,
        };
        // Nothing may come of it: a request that names a partition a million times must not read a million times.
        if from >= limit || (max_bytes == 0 && !min_one_batch) {
            return Ok(nothing);
        }
        for segment in self.segments.iter().skip(self.segment_of(from)) {
            if let Some(slice) =
                self.read_segment(segment, from, limit, max_bytes, min_one_batch)?
            {
                return Ok(slice);
            }
        }
        Ok(nothing)
    }

    /// Reads from one segment; `None` when everything in it is before `from`.
    fn read_segment(
        &self,
        segment: &Segment,
        from: i64,
        limit: i64,
        max_bytes: usize,
        min_one_batch: bool,
    ) -> Result<Option<LogSlice>, ReadError> {
        let start = segment.position_before(from);
        let left = segment.size.saturating_sub(start);
        if left == 0 {
            return Ok(None);
        }
        // The index may point up to an interval and a batch before the one that is wanted.
        let slack = to_usize(self.config.index_interval_bytes).max(HEADER_BYTES) + 1;
        let window = to_usize(left).min(max_bytes.saturating_add(slack));
        let mut buffer = self.read_at(segment, start, window)?;
        let mut position = start;
        // Skip to the batch that holds `from`.
        let first = loop {
            let Some(header) = self.header(segment, &buffer, position)? else {
                if position >= segment.size {
                    return Ok(None);
                }
                let left = to_usize(segment.size - position);
                if buffer.len() >= left {
                    let what = BatchError::Truncated {
                        needed: HEADER_BYTES,
                        found: left,
                    };
                    return Err(self.corrupt(segment, position, what));
                }
                let rest = left.min(window.max(slack));
                buffer = self.read_at(segment, position, rest)?;
                continue;
            };
            if header.last_offset() >= from {
                break header;
            }
            let size = header.size_in_bytes();
            position += to_u64(size);
            buffer = if size <= buffer.len() {
                buffer.split_off(size)
            } else {
                Bytes::new()
            };
        };
        if first.next_offset() > limit {
            return Ok(Some(LogSlice {
                bytes: Bytes::new(),
                next_offset: from,
            }));
        }
        if first.size_in_bytes() > max_bytes && !min_one_batch {
            return Ok(Some(LogSlice {
                bytes: Bytes::new(),
                next_offset: from,
            }));
        }
        if first.size_in_bytes() > buffer.len() {
            buffer = self.read_at(segment, position, first.size_in_bytes())?;
        }
        Ok(Some(whole_batches(buffer, &first, limit, max_bytes)))
    }

    fn read_at(&self, segment: &Segment, position: u64, length: usize) -> Result<Bytes, ReadError> {
        read_exact(&*segment.file, position, length).map_err(|error| self.disk_error(&error).into())
    }

    /// The header at the front of the buffer; `None` when the buffer is too short for one.
    fn header(
        &self,
        segment: &Segment,
        buffer: &Bytes,
        position: u64,
    ) -> Result<Option<BatchHeader>, ReadError> {
        match BatchHeader::parse(buffer) {
            Ok(header) => Ok(Some(header)),
            Err(BatchError::Truncated { .. }) => Ok(None),
            Err(what) => Err(self.corrupt(segment, position, what)),
        }
    }

    fn corrupt(&self, segment: &Segment, position: u64, what: BatchError) -> ReadError {
        ReadError::Corrupt {
            dir: self.dir.display().to_string(),
            segment: segment.base_offset,
            position,
            what,
        }
    }

    /// The first record below `limit` whose timestamp is `timestamp` or later.
    pub fn offset_by_time(
        &self,
        timestamp: i64,
        limit: i64,
    ) -> Result<Option<TimestampedOffset>, ReadError> {
        for segment in &self.segments {
            if segment.max_timestamp < timestamp {
                continue;
            }
            let start = segment.position_before_time(timestamp);
            let found = self.find_record(
                segment,
                start,
                |header| header.max_timestamp >= timestamp,
                |record| record.timestamp >= timestamp && record.offset >= self.log_start,
            )?;
            if let Some(found) = found {
                return Ok((found.offset < limit).then_some(found));
            }
        }
        Ok(None)
    }

    /// The first record with the highest timestamp below `limit` (KIP-734).
    pub fn offset_of_max_timestamp(
        &self,
        limit: i64,
    ) -> Result<Option<TimestampedOffset>, ReadError> {
        let mut best: Option<&Segment> = None;
        for segment in self
            .segments
            .iter()
            .filter(|segment| segment.size > 0 && segment.base_offset < limit)
        {
            if best.is_none_or(|best| segment.max_timestamp > best.max_timestamp) {
                best = Some(segment);
            }
        }
        let Some(segment) = best else { return Ok(None) };
        let highest = segment.max_timestamp;
        let start = segment.position_before_time(highest);
        let log_start = self.log_start;
        self.find_record(
            segment,
            start,
            |header| header.max_timestamp >= highest && header.last_offset() < limit,
            |record| record.timestamp >= highest && record.offset >= log_start,
        )
    }

    /// The first record that satisfies `wanted`, in a batch whose header satisfies `candidate`.
    fn find_record(
        &self,
        segment: &Segment,
        start: u64,
        candidate: impl Fn(&BatchHeader) -> bool,
        wanted: impl Fn(&mainstem_protocol::batch::RecordRef<'_>) -> bool,
    ) -> Result<Option<TimestampedOffset>, ReadError> {
        let mut scan = HeaderScan::new(&*segment.file, start, segment.size);
        loop {
            let (position, header) = match scan.next().map_err(|error| self.disk_error(&error))? {
                Found::Batch(position, header) => (position, header),
                Found::End => return Ok(None),
                Found::Bad(position, what) => return Err(self.corrupt(segment, position, what)),
            };
            if !candidate(&header) {
                continue;
            }
            let batch = scan
                .batch(position, &header)
                .map_err(|error| self.disk_error(&error))?;
            let limit = batch
                .len()
                .saturating_mul(UNPACK_FACTOR)
                .clamp(UNPACK_BYTES_MIN, UNPACK_BYTES_MAX);
            let unpacked = records(&header, &batch, limit)
                .map_err(|what| self.corrupt(segment, position, what))?;
            for record in unpacked.iter() {
                let record = record.map_err(|what| self.corrupt(segment, position, what))?;
                if wanted(&record) {
                    return Ok(Some(TimestampedOffset {
                        timestamp: record.timestamp,
                        offset: record.offset,
                        leader_epoch: header.leader_epoch,
                    }));
                }
            }
        }
    }
}

/// The batches at the front of `buffer` that are whole, below `limit` and within `max_bytes`; the first in any case.
fn whole_batches(buffer: Bytes, first: &BatchHeader, limit: i64, max_bytes: usize) -> LogSlice {
    let mut end = first.size_in_bytes();
    let mut next_offset = first.next_offset();
    while let Some(rest) = buffer.get(end..)
        && let Ok(header) = BatchHeader::parse(rest)
    {
        let size = header.size_in_bytes();
        let ascends =
            header.base_offset >= next_offset && header.last_offset() >= header.base_offset;
        if !ascends || size > rest.len() || end + size > max_bytes || header.next_offset() > limit {
            break;
        }
        end += size;
        next_offset = header.next_offset();
    }
    LogSlice {
        bytes: buffer.slice(..end.min(buffer.len())),
        next_offset,
    }
}

fn to_usize(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
