//! `.timeindex`: from timestamps to offsets.
//!
//! | bytes | entry |
//! |---|---|
//! | 8 | highest timestamp so far |
//! | 4 | offset of the batch that has it, counted from the segment's base |
//!
//! Invariant: timestamps ascend. An entry (t, o) says: every record before o has a timestamp of at most t. The last entry, written when
//! the segment closes, holds the highest timestamp of the segment.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};

/// Bytes of an entry.
pub(crate) const ENTRY_BYTES: usize = 12;

/// Entries of `.timeindex`.
#[derive(Debug)]
pub(crate) struct TimeIndex {
    pub(crate) file: Arc<dyn DiskFile>,
    entries: Vec<(i64, u32)>,
}

impl TimeIndex {
    pub(crate) fn create(disk: &dyn Disk, path: &Path) -> io::Result<Self> {
        let file = disk.open(path, true)?;
        file.set_length(0)?;
        Ok(Self {
            file,
            entries: Vec::new(),
        })
    }

    /// Loads what is there; `None` when it cannot be a time index.
    pub(crate) fn load(disk: &dyn Disk, path: &Path) -> io::Result<Option<Self>> {
        let file = match disk.open(path, false) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = vec![0; usize::try_from(file.length()?).map_err(io::Error::other)?];
        let read = file.read_at(0, &mut bytes)?;
        bytes.truncate(read);
        if !bytes.len().is_multiple_of(ENTRY_BYTES) {
            return Ok(None);
        }
        let mut entries: Vec<(i64, u32)> = Vec::with_capacity(bytes.len() / ENTRY_BYTES);
        for entry in bytes.chunks_exact(ENTRY_BYTES) {
            let (timestamp, offset) = entry.split_at(8);
            let timestamp = timestamp
                .first_chunk::<8>()
                .map_or(0, |bytes| i64::from_be_bytes(*bytes));
            let offset = offset
                .first_chunk::<4>()
                .map_or(0, |bytes| u32::from_be_bytes(*bytes));
            if entries
                .last()
                .is_some_and(|last| last.0 >= timestamp || last.1 > offset)
            {
                return Ok(None);
            }
            entries.push((timestamp, offset));
        }
        Ok(Some(Self { file, entries }))
    }

    pub(crate) fn push(&mut self, timestamp: i64, relative_offset: u32) {
        if timestamp >= 0 && self.entries.last().is_none_or(|last| last.0 < timestamp) {
            self.entries.push((timestamp, relative_offset));
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.entries.len() * ENTRY_BYTES
    }

    pub(crate) fn last(&self) -> Option<(i64, u32)> {
        self.entries.last().copied()
    }

    /// The last entry whose batch lies below a relative offset.
    pub(crate) fn last_below(&self, relative_offset: u32) -> Option<(i64, u32)> {
        let behind = self
            .entries
            .partition_point(|entry| entry.1 < relative_offset);
        behind
            .checked_sub(1)
            .and_then(|at| self.entries.get(at))
            .copied()
    }

    /// A relative offset before which no record has `timestamp` or more.
    pub(crate) fn offset_before(&self, timestamp: i64) -> u32 {
        let behind = self.entries.partition_point(|entry| entry.0 < timestamp);
        behind
            .checked_sub(1)
            .and_then(|at| self.entries.get(at))
            .map_or(0, |entry| entry.1)
    }

    /// Drops entries at or behind a relative offset.
    pub(crate) fn truncate(&mut self, relative_offset: u32) {
        let keep = self
            .entries
            .partition_point(|entry| entry.1 < relative_offset);
        self.entries.truncate(keep);
    }

    /// Writes all entries; the file then has exactly their length.
    pub(crate) fn store(&self) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(self.bytes());
        for (timestamp, offset) in &self.entries {
            bytes.extend_from_slice(&timestamp.to_be_bytes());
            bytes.extend_from_slice(&offset.to_be_bytes());
        }
        self.file.write_at(0, &bytes, &[])?;
        self.file
            .set_length(u64::try_from(bytes.len()).map_err(io::Error::other)?)
    }
}
