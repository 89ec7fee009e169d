//! One `.log` file with its two indexes.
//!
//! Invariants: `size` is the end of the last whole batch; index entries point at batches below it; `max_timestamp` covers every batch.
//! Offset entries name the *last* offset of a batch and the position where that batch begins, as Apache Kafka's do.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mainstem_protocol::batch::BatchHeader;

use crate::LogConfig;
use crate::disk::{Disk, DiskFile};
use crate::limits::{RECENT_BATCHES, SEGMENT_BYTES_MAX};
use crate::offset_index::{self, OffsetIndex};
use crate::scan::{Found, HeaderScan, to_u64};
use crate::time_index::{self, TimeIndex};

/// The name of one of a segment's files.
pub(crate) fn file_name(base_offset: i64, extension: &str) -> String {
    format!("{base_offset:020}.{extension}")
}

/// A segment.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) base_offset: i64,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) size: u64,
    pub(crate) offsets: OffsetIndex,
    pub(crate) times: TimeIndex,
    /// Highest timestamp and the last offset of its batch; -1 when empty.
    pub(crate) max_timestamp: i64,
    pub(crate) max_timestamp_offset: i64,
    /// Max timestamp of the first batch, from which rolling by time counts.
    pub(crate) first_timestamp: Option<i64>,
    pub(crate) created_ms: i64,
    /// When it was written to last: its age when no batch has a timestamp.
    pub(crate) modified_ms: i64,
    bytes_since_entry: u64,
    /// Base offset and position of the latest batches.
    recent: VecDeque<(i64, u64)>,
}

impl Segment {
    /// A new, empty segment. Its name is not stable before the directory was synced.
    pub(crate) fn create(
        disk: &dyn Disk,
        dir: &Path,
        base_offset: i64,
        now_ms: i64,
    ) -> io::Result<Self> {
        let file = disk.open(&dir.join(file_name(base_offset, "log")), true)?;
        file.set_length(0)?;
        Ok(Self {
            base_offset,
            file,
            size: 0,
            offsets: OffsetIndex::create(disk, &dir.join(file_name(base_offset, "index")))?,
            times: TimeIndex::create(disk, &dir.join(file_name(base_offset, "timeindex")))?,
            max_timestamp: -1,
            max_timestamp_offset: -1,
            first_timestamp: None,
            created_ms: now_ms,
            modified_ms: now_ms,
            bytes_since_entry: 0,
            recent: VecDeque::new(),
        })
    }

    /// A segment that was closed cleanly; `None` when its indexes do not fit it and must be made anew.
    pub(crate) fn open(
        disk: &dyn Disk,
        dir: &Path,
        base_offset: i64,
        now_ms: i64,
    ) -> io::Result<Option<Self>> {
        let file = disk.open(&dir.join(file_name(base_offset, "log")), false)?;
        let (size, modified_ms) = (file.length()?, file.modified_ms()?);
        let index_path = dir.join(file_name(base_offset, "index"));
        let Some(offsets) = OffsetIndex::load(disk, &index_path, size)? else {
            return Ok(None);
        };
        let time_path = dir.join(file_name(base_offset, "timeindex"));
        let Some(times) = TimeIndex::load(disk, &time_path)? else {
            return Ok(None);
        };
        let first_timestamp = match HeaderScan::new(&*file, 0, size).next()? {
            Found::Batch(_, header) => Some(header.max_timestamp),
            _ => None,
        };
        let (max_timestamp, relative) = match (times.last(), first_timestamp) {
            (Some(last), _) => last,
            // It has no entries when no batch has a timestamp; else it was lost.
            (None, None | Some(-1)) => (-1, 0),
            (None, Some(_)) => return Ok(None),
        };
        Ok(Some(Self {
            base_offset,
            file,
            size,
            offsets,
            times,
            max_timestamp,
            max_timestamp_offset: base_offset + i64::from(relative),
            first_timestamp,
            created_ms: now_ms,
            modified_ms,
            bytes_since_entry: 0,
            recent: VecDeque::new(),
        }))
    }

    /// Opens a `.log` file with empty indexes, which the caller fills by [`Self::note`].
    pub(crate) fn open_bare(
        disk: &dyn Disk,
        dir: &Path,
        base_offset: i64,
        now_ms: i64,
    ) -> io::Result<(Self, u64)> {
        let file = disk.open(&dir.join(file_name(base_offset, "log")), false)?;
        let (length, modified_ms) = (file.length()?, file.modified_ms()?);
        let mut segment = Self {
            base_offset,
            file,
            size: 0,
            offsets: OffsetIndex::create(disk, &dir.join(file_name(base_offset, "index")))?,
            times: TimeIndex::create(disk, &dir.join(file_name(base_offset, "timeindex")))?,
            max_timestamp: -1,
            max_timestamp_offset: -1,
            first_timestamp: None,
            created_ms: now_ms,
            modified_ms,
            bytes_since_entry: 0,
            recent: VecDeque::new(),
        };
        segment.recent.reserve(RECENT_BATCHES);
        Ok((segment, length))
    }

    /// True when `header` must go into a new segment.
    pub(crate) fn is_full_for(
        &self,
        header: &BatchHeader,
        config: &LogConfig,
        now_ms: i64,
        jitter_seed: u32,
    ) -> bool {
        if self.size == 0 {
            return false;
        }
        let limit = config.segment_bytes.min(SEGMENT_BYTES_MAX);
        if self.size + to_u64(header.size_in_bytes()) > limit {
            return true;
        }
        if header.last_offset() - self.base_offset > i64::from(i32::MAX) {
            return true;
        }
        let waited = match self.first_timestamp {
            Some(first) if first >= 0 && header.max_timestamp >= 0 => {
                header.max_timestamp.saturating_sub(first)
            }
            _ => now_ms.saturating_sub(self.created_ms),
        };
        if waited
            > config
                .segment_ms
                .saturating_sub(config.segment_jitter_of(jitter_seed, self.base_offset))
        {
            return true;
        }
        self.offsets.bytes() + offset_index::ENTRY_BYTES > config.segment_index_bytes
            || self.times.bytes() + time_index::ENTRY_BYTES > config.segment_index_bytes
    }

    /// Writes a batch behind the last, its first `head.len()` bytes replaced by `head`.
    pub(crate) fn append(
        &mut self,
        header: &BatchHeader,
        head: &[u8],
        tail: &[u8],
        interval: u64,
        now_ms: i64,
    ) -> io::Result<()> {
        self.file.write_at(self.size, head, tail)?;
        self.modified_ms = now_ms;
        self.note(header, interval);
        Ok(())
    }

    /// Takes a batch that stands in the file at `size` into indexes and bounds.
    pub(crate) fn note(&mut self, header: &BatchHeader, index_interval_bytes: u64) {
        if header.max_timestamp > self.max_timestamp {
            self.max_timestamp = header.max_timestamp;
            self.max_timestamp_offset = header.last_offset();
        }
        if self.bytes_since_entry > index_interval_bytes {
            let position = u32::try_from(self.size).unwrap_or(u32::MAX);
            self.offsets
                .push(self.relative(header.last_offset()), position);
            self.times
                .push(self.max_timestamp, self.relative(self.max_timestamp_offset));
            self.bytes_since_entry = 0;
        }
        if self.first_timestamp.is_none() {
            self.first_timestamp = Some(header.max_timestamp);
        }
        if self.recent.len() == RECENT_BATCHES {
            self.recent.pop_front();
        }
        self.recent.push_back((header.base_offset, self.size));
        let size = to_u64(header.size_in_bytes());
        self.bytes_since_entry += size;
        self.size += size;
    }

    /// An offset counted from the base; those outside become the first and the last that there can be.
    fn relative(&self, offset: i64) -> u32 {
        let relative = offset.saturating_sub(self.base_offset);
        u32::try_from(relative.max(0)).unwrap_or(u32::MAX)
    }

    /// What its age counts from: its highest timestamp, or the time of its last write when no batch has one.
    pub(crate) fn newest_ms(&self) -> i64 {
        match self.max_timestamp {
            -1 => self.modified_ms,
            timestamp => timestamp,
        }
    }

    /// A position at or before the batch that holds `offset`.
    pub(crate) fn position_before(&self, offset: i64) -> u64 {
        let behind = self.recent.partition_point(|(base, _)| *base <= offset);
        if let Some((_, position)) = behind.checked_sub(1).and_then(|at| self.recent.get(at)) {
            return *position;
        }
        u64::from(self.offsets.position_before(self.relative(offset)))
    }

    /// The position of a batch at or before `position` that the offset index tells of.
    pub(crate) fn indexed_position_before(&self, position: u64) -> u64 {
        let position = u32::try_from(position).unwrap_or(u32::MAX);
        u64::from(self.offsets.entry_before(position))
    }

    /// A position before which no record has `timestamp` or more.
    pub(crate) fn position_before_time(&self, timestamp: i64) -> u64 {
        u64::from(
            self.offsets
                .position_before(self.times.offset_before(timestamp)),
        )
    }

    /// The highest timestamp that the time index tells of batches below `limit`; -1 for none.
    pub(crate) fn max_timestamp_indexed_below(&self, limit: i64) -> i64 {
        let entry = self.times.last_below(self.relative(limit));
        entry.map_or(-1, |(timestamp, _)| timestamp)
    }

    /// Position of the last batch below `limit` that the offset index tells of. No batch before it has a higher timestamp than
    /// [`Self::max_timestamp_indexed_below`], since both indexes get their entries together.
    pub(crate) fn indexed_position_below(&self, limit: i64) -> u64 {
        match self.relative(limit).checked_sub(1) {
            Some(last) => u64::from(self.offsets.position_before(last)),
            None => 0,
        }
    }

    /// Writes the indexes out; the time index gets the segment's highest timestamp as its last entry.
    pub(crate) fn store_indexes(&mut self) -> io::Result<()> {
        self.times
            .push(self.max_timestamp, self.relative(self.max_timestamp_offset));
        self.offsets.store()?;
        self.times.store()
    }

    /// Cuts everything from the batch at `position` on. The caller notes the batches before it anew when bounds matter.
    pub(crate) fn cut(&mut self, position: u64, first_gone: i64) -> io::Result<()> {
        self.file.set_length(position)?;
        self.size = position;
        let relative = self.relative(first_gone);
        self.offsets.truncate(relative);
        self.times.truncate(relative);
        self.recent.retain(|(base, _)| *base < first_gone);
        Ok(())
    }
}

/// The paths of a segment's files; the last is there only where Apache Kafka made it.
pub(crate) fn paths(dir: &Path, base_offset: i64) -> [PathBuf; 4] {
    ["log", "index", "timeindex", "txnindex"]
        .map(|extension| dir.join(file_name(base_offset, extension)))
}
