//! Batches that are sent from their file: the system moves them from its page cache to the socket, and they are never in our memory.

use std::io;
use std::os::fd::AsFd;

use mainstem_protocol::batch::{BatchHeader, HEADER_BYTES};

use crate::disk::SystemFile;
use crate::limits::{SEND_BATCH_BYTES_MIN, SEND_BYTES_MIN};
use crate::read::{LogSlice, ReadError};
use crate::scan::{to_u64, to_usize};
use crate::span::Span;

/// Whole batches in a file. The file stays open as long as this value lives, whatever retention does.
#[derive(Debug, Clone)]
pub struct StoredBatches {
    file: SystemFile,
    position: u64,
    length: usize,
    next_offset: i64,
}

/// Batches that were found.
#[derive(Debug, Clone)]
pub enum FoundBatches {
    /// In memory.
    Read(LogSlice),
    /// In their file.
    Stored(StoredBatches),
}

impl StoredBatches {
    /// Bytes in all.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Offset behind the last of them.
    pub fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// True when there is no byte.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Sends what comes behind the first `sent` bytes, as much as the socket takes now; says how much that was.
    pub fn send(&self, sent: usize, socket: impl AsFd) -> io::Result<usize> {
        let mut position = self.position + to_u64(sent);
        let left = self.length.saturating_sub(sent);
        let moved = rustix::fs::sendfile(socket, &self.file, Some(&mut position), left)?;
        match moved {
            // Bytes below a high watermark do not go away: somebody else has cut the file.
            0 if left > 0 => Err(io::ErrorKind::UnexpectedEof.into()),
            moved => Ok(moved),
        }
    }
}

impl Span {
    /// Finds the batches without reading them where that pays, reads them otherwise. `None` as with [`Self::read`].
    ///
    /// Large batches are counted by their headers, a small read each. With small ones that costs more than reading all at once.
    pub fn find_or_read(&self) -> Result<Option<FoundBatches>, ReadError> {
        if let Some(stored) = self.find_stored()? {
            return Ok(Some(FoundBatches::Stored(stored)));
        }
        Ok(self.read()?.map(FoundBatches::Read))
    }

    /// The batches where they are; `None` when they are few or small, or the system cannot send from the file.
    fn find_stored(&self) -> Result<Option<StoredBatches>, ReadError> {
        let left = to_usize(self.view.size.saturating_sub(self.start));
        if left.min(self.max_bytes) < SEND_BYTES_MIN {
            return Ok(None);
        }
        let file = self.view.file.system_file();
        let Some(file) = file.map_err(|error| self.view.disk_error(&error))? else {
            return Ok(None);
        };
        let mut position = self.start;
        let mut header = self.header_at(position)?;
        while header.is_some_and(|header| header.last_offset() < self.from) {
            position += header.map_or(0, |header| to_u64(header.size_in_bytes()));
            header = self.header_at(position)?;
        }
        let (first, mut length, mut next_offset) = (position, 0, i64::MIN);
        while let Some(found) = header {
            let size = found.size_in_bytes();
            let is_within = length + size <= self.max_bytes && found.next_offset() <= self.limit;
            let ascends =
                found.base_offset >= next_offset && found.last_offset() >= found.base_offset;
            if !is_within || !ascends {
                break;
            }
            length += size;
            next_offset = found.next_offset();
            position += to_u64(size);
            header = self.header_at(position)?;
        }
        Ok((length >= SEND_BYTES_MIN).then_some(StoredBatches {
            file,
            position: first,
            length,
            next_offset,
        }))
    }

    /// The header of a batch that is whole and large; `None` for any other, and at the end. What is wrong with it, reading tells.
    fn header_at(&self, position: u64) -> Result<Option<BatchHeader>, ReadError> {
        let mut bytes = [0; HEADER_BYTES];
        let read = self.view.file.read_at(position, &mut bytes);
        read.map_err(|error| self.view.disk_error(&error))?;
        let Ok(header) = BatchHeader::parse(&bytes) else {
            return Ok(None);
        };
        let size = header.size_in_bytes();
        let is_whole = position.saturating_add(to_u64(size)) <= self.view.size;
        Ok((is_whole && size >= SEND_BATCH_BYTES_MIN).then_some(header))
    }
}
