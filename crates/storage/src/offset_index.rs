//! `.index`: from offsets to positions, one entry every `index.interval.bytes`.
//!
//! | bytes | entry |
//! |---|---|
//! | 4 | offset, counted from the segment's base |
//! | 4 | position in the `.log` file |
//!
//! The entries are a hint, never trusted blindly: a reader goes on from the position by the batches themselves. Entries of the
//! active segment live in memory and are written when the segment closes; after a crash they are made anew from the log.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};

/// Bytes of an entry.
pub(crate) const ENTRY_BYTES: usize = 8;

/// Entries of `.index`, ascending in both fields.
#[derive(Debug)]
pub(crate) struct OffsetIndex {
    pub(crate) file: Arc<dyn DiskFile>,
    entries: Vec<(u32, u32)>,
}

impl OffsetIndex {
    pub(crate) fn create(disk: &dyn Disk, path: &Path) -> io::Result<Self> {
        let file = disk.open(path, true)?;
        file.set_length(0)?;
        Ok(Self {
            file,
            entries: Vec::new(),
        })
    }

    /// Loads what is there; `None` when it cannot be an index of a log of `log_bytes`.
    pub(crate) fn load(disk: &dyn Disk, path: &Path, log_bytes: u64) -> io::Result<Option<Self>> {
        let file = match disk.open(path, false) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = vec![0; usize::try_from(file.length()?).map_err(io::Error::other)?];
        let read = file.read_at(0, &mut bytes)?;
        bytes.truncate(read);
        let mut entries: Vec<(u32, u32)> = Vec::with_capacity(bytes.len() / ENTRY_BYTES);
        let mut sound = bytes.len().is_multiple_of(ENTRY_BYTES);
        for entry in bytes.chunks_exact(ENTRY_BYTES) {
            let (offset, position) = entry.split_at(4);
            let word = |bytes: &[u8]| {
                bytes
                    .first_chunk::<4>()
                    .map_or(0, |bytes| u32::from_be_bytes(*bytes))
            };
            let (offset, position) = (word(offset), word(position));
            sound &= u64::from(position) < log_bytes
                && entries
                    .last()
                    .is_none_or(|last| last.0 < offset && last.1 < position);
            if !sound {
                return Ok(None);
            }
            entries.push((offset, position));
        }
        Ok(sound.then_some(Self { file, entries }))
    }

    pub(crate) fn push(&mut self, relative_offset: u32, position: u32) {
        if self
            .entries
            .last()
            .is_none_or(|last| last.0 < relative_offset)
        {
            self.entries.push((relative_offset, position));
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.entries.len() * ENTRY_BYTES
    }

    /// Where to begin to look for an offset.
    pub(crate) fn position_before(&self, relative_offset: u32) -> u32 {
        let behind = self
            .entries
            .partition_point(|entry| entry.0 <= relative_offset);
        behind
            .checked_sub(1)
            .and_then(|at| self.entries.get(at))
            .map_or(0, |entry| entry.1)
    }

    /// The position of the last batch at or before `position` that there is an entry of.
    pub(crate) fn entry_before(&self, position: u32) -> u32 {
        let behind = self.entries.partition_point(|entry| entry.1 <= position);
        behind
            .checked_sub(1)
            .and_then(|at| self.entries.get(at))
            .map_or(0, |entry| entry.1)
    }

    /// Drops entries at or behind a relative offset.
    pub(crate) fn truncate(&mut self, relative_offset: u32) {
        let keep = self
            .entries
            .partition_point(|entry| entry.0 < relative_offset);
        self.entries.truncate(keep);
    }

    /// Writes all entries; the file then has exactly their length.
    pub(crate) fn store(&self) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(self.bytes());
        for (offset, position) in &self.entries {
            bytes.extend_from_slice(&offset.to_be_bytes());
            bytes.extend_from_slice(&position.to_be_bytes());
        }
        self.file.write_at(0, &bytes, &[])?;
        self.file
            .set_length(u64::try_from(bytes.len()).map_err(io::Error::other)?)
    }
}
