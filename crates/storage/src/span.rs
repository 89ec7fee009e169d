//! Reading without the log's lock.
//!
//! Under the lock a reader only learns *where* to read: [`Log::find`] looks at memory alone. The bytes are read when the lock is free
//! again, so a slow disk holds up nobody who needs the lock; what else the reader's core serves does wait for it (see
//! `docs/adr/0006-reading-without-the-lock.md`). That is sound because what a reader may see never changes: bytes below
//! the high watermark are neither overwritten nor cut off, and a file that retention removes stays readable while it is open. If it is
//! not open any more, the read fails, and whoever looks again finds that the log starts later now.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use mainstem_protocol::batch::{BatchError, BatchHeader, HEADER_BYTES};

use crate::disk::DiskFile;
use crate::limits::SCAN_BYTES;
use crate::log::{Log, LogError};
use crate::read::{LogSlice, ReadError};
use crate::scan::{read_exact, to_u64, to_usize};
use crate::segment::Segment;

/// A segment as it was when somebody looked: what is needed to read it.
#[derive(Debug, Clone)]
pub(crate) struct SegmentView {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) dir: Arc<Path>,
    pub(crate) base_offset: i64,
    /// End of the last whole batch.
    pub(crate) size: u64,
}

impl SegmentView {
    pub(crate) fn corrupt(&self, position: u64, what: BatchError) -> ReadError {
        ReadError::Corrupt {
            dir: self.dir.display().to_string(),
            segment: self.base_offset,
            position,
            what,
        }
    }

    pub(crate) fn disk_error(&self, error: &std::io::Error) -> ReadError {
        LogError::Disk {
            dir: self.dir.display().to_string(),
            cause: error.to_string(),
        }
        .into()
    }

    fn read_at(&self, position: u64, length: usize) -> Result<Bytes, ReadError> {
        read_exact(&*self.file, position, length).map_err(|error| self.disk_error(&error))
    }
}

/// Where a reader finds what it wants.
#[derive(Debug, Clone)]
pub struct Span {
    pub(crate) view: SegmentView,
    /// At or before the batch that holds `from`: the index may point up to an interval and a batch before it.
    pub(crate) start: u64,
    slack: usize,
    pub(crate) from: i64,
    pub(crate) limit: i64,
    pub(crate) max_bytes: usize,
    min_one_batch: bool,
    next_segment: Option<i64>,
}

impl Log {
    /// Where the batch that holds `from` is to be read, and whole batches behind it: all of them below `limit`, about `max_bytes` of them.
    /// With `min_one_batch` the first batch comes whatever its size. `None` when nothing can come of it.
    ///
    /// A log that is offline for writing is still read: what lies below the limit was there before.
    pub fn find(
        &self,
        from: i64,
        limit: i64,
        max_bytes: usize,
        min_one_batch: bool,
    ) -> Result<Option<Span>, LogError> {
        if from < self.log_start || from > self.log_end {
            let (log_start, log_end) = (self.log_start, self.log_end);
            return Err(LogError::Range {
                offset: from,
                log_start,
                log_end,
            });
        }
        // Nothing may come of it: a request that names a partition a million times must not read a million times.
        if from >= limit || (max_bytes == 0 && !min_one_batch) {
            return Ok(None);
        }
        let at = self.segment_of(from);
        let Some(segment) = self.segments.get(at) else {
            return Ok(None);
        };
        let interval = usize::try_from(self.config.index_interval_bytes).unwrap_or(usize::MAX);
        Ok(Some(Span {
            view: self.view(segment),
            start: segment.position_before(from),
            slack: interval.max(HEADER_BYTES).saturating_add(1),
            from,
            limit,
            max_bytes,
            min_one_batch,
            next_segment: self.segments.get(at + 1).map(|next| next.base_offset),
        }))
    }

    pub(crate) fn view(&self, segment: &Segment) -> SegmentView {
        SegmentView {
            file: segment.file.clone(),
            dir: self.dir.clone(),
            base_offset: segment.base_offset,
            size: segment.size,
        }
    }

    /// About how many bytes lie between two offsets, from memory alone: off by an index interval and a batch at each end, exact for the
    /// latest batches and the log end.
    pub fn bytes_between(&self, from: i64, limit: i64) -> u64 {
        if from >= limit {
            return 0;
        }
        let (first, last) = (self.segment_of(from), self.segment_of(limit));
        let mut bytes = 0;
        for (at, segment) in self.segments.iter().enumerate().take(last + 1).skip(first) {
            let start = match at == first {
                true => segment.position_before(from),
                false => 0,
            };
            let end = match at == last && limit < self.log_end {
                true => segment.position_before(limit),
                false => segment.size,
            };
            bytes += end.saturating_sub(start);
        }
        bytes
    }
}

impl Span {
    /// Reads. `None` when everything in this segment is before the wanted offset: then look again from [`Self::next_segment`].
    pub fn read(&self) -> Result<Option<LogSlice>, ReadError> {
        let left = self.view.size.saturating_sub(self.start);
        if left == 0 {
            return Ok(None);
        }
        let window = to_usize(left).min(self.max_bytes.saturating_add(self.slack));
        let buffer = self.view.read_at(self.start, window)?;
        let Some((first, position, mut buffer)) = self.skip_to_wanted(buffer, window)? else {
            return Ok(None);
        };
        let is_too_large = first.size_in_bytes() > self.max_bytes && !self.min_one_batch;
        if first.next_offset() > self.limit || is_too_large {
            return Ok(Some(LogSlice {
                bytes: Bytes::new(),
                next_offset: self.from,
            }));
        }
        let needed = first.size_in_bytes();
        let found = to_usize(self.view.size.saturating_sub(position));
        // A damaged length must not make us reserve for more than there is.
        if needed > found {
            let what = BatchError::Truncated { needed, found };
            return Err(self.view.corrupt(position, what));
        }
        if needed > buffer.len() {
            buffer = self.view.read_at(position, needed)?;
        }
        Ok(Some(self.whole_batches(buffer, &first)))
    }

    /// The header of the batch that holds the wanted offset, without the batch. `None` as with [`Self::read`].
    pub fn header(&self) -> Result<Option<BatchHeader>, ReadError> {
        let left = to_usize(self.view.size.saturating_sub(self.start));
        if left == 0 {
            return Ok(None);
        }
        // However far apart the entries of the index are: then it takes more than one read.
        let slack = self.slack.min(SCAN_BYTES);
        let span = Self {
            slack,
            ..self.clone()
        };
        let window = left.min(slack);
        let buffer = self.view.read_at(self.start, window)?;
        let found = span.skip_to_wanted(buffer, window)?;
        Ok(found.map(|(header, ..)| header))
    }

    /// Base offset of the segment behind this one.
    pub fn next_segment(&self) -> Option<i64> {
        self.next_segment
    }

    /// The batch that holds the wanted offset: its header, its position, and what was read from there on.
    fn skip_to_wanted(
        &self,
        mut buffer: Bytes,
        window: usize,
    ) -> Result<Option<(BatchHeader, u64, Bytes)>, ReadError> {
        let mut position = self.start;
        loop {
            let header = match BatchHeader::parse(&buffer) {
                Ok(header) => header,
                Err(BatchError::Truncated { .. }) => {
                    let left = to_usize(self.view.size.saturating_sub(position));
                    if left == 0 {
                        return Ok(None);
                    }
                    if buffer.len() >= left {
                        let what = BatchError::Truncated {
                            needed: HEADER_BYTES,
                            found: left,
                        };
                        return Err(self.view.corrupt(position, what));
                    }
                    let rest = left.min(window.max(self.slack));
                    buffer = self.view.read_at(position, rest)?;
                    continue;
                }
                Err(what) => return Err(self.view.corrupt(position, what)),
            };
            if header.last_offset() >= self.from {
                return Ok(Some((header, position, buffer)));
            }
            let size = header.size_in_bytes();
            position += to_u64(size);
            buffer = if size <= buffer.len() {
                buffer.split_off(size)
            } else {
                Bytes::new()
            };
        }
    }

    /// The batches at the front of `buffer` that are whole, below the limit and within the bytes; the first in any case.
    fn whole_batches(&self, buffer: Bytes, first: &BatchHeader) -> LogSlice {
        let mut end = first.size_in_bytes();
        let mut next_offset = first.next_offset();
        while let Some(rest) = buffer.get(end..)
            && let Ok(header) = BatchHeader::parse(rest)
        {
            let size = header.size_in_bytes();
            let ascends =
                header.base_offset >= next_offset && header.last_offset() >= header.base_offset;
            let is_within = size <= rest.len()
                && end + size <= self.max_bytes
                && header.next_offset() <= self.limit;
            if !ascends || !is_within {
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
}
