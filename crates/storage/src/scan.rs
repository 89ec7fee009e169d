//! Walking the batch headers of a file.

use std::io;

use bytes::Bytes;
use mainstem_protocol::batch::{BatchError, BatchHeader, HEADER_BYTES};

use crate::disk::DiskFile;
use crate::limits::SCAN_BYTES;

/// A walk over the headers of a `.log` file, from one position to another.
#[derive(Debug)]
pub(crate) struct HeaderScan<'a> {
    file: &'a dyn DiskFile,
    position: u64,
    end: u64,
    buffer: Vec<u8>,
    buffer_start: u64,
}

/// What a scan found.
#[derive(Debug)]
pub(crate) enum Found {
    /// A batch that begins at a position.
    Batch(u64, BatchHeader),
    /// The end.
    End,
    /// Bytes that are not a whole batch, from a position on.
    Bad(u64, BatchError),
}

impl<'a> HeaderScan<'a> {
    pub(crate) fn new(file: &'a dyn DiskFile, position: u64, end: u64) -> Self {
        Self {
            file,
            position,
            end,
            buffer: Vec::new(),
            buffer_start: 0,
        }
    }

    pub(crate) fn next(&mut self) -> io::Result<Found> {
        let left = self.end.saturating_sub(self.position);
        if left == 0 {
            return Ok(Found::End);
        }
        let bytes = self.window(HEADER_BYTES)?;
        let header = match BatchHeader::parse(bytes) {
            Ok(header) => header,
            Err(error) => return Ok(Found::Bad(self.position, error)),
        };
        let size = to_u64(header.size_in_bytes());
        if size > left {
            let found = usize::try_from(left).unwrap_or(usize::MAX);
            let error = BatchError::Truncated {
                needed: header.size_in_bytes(),
                found,
            };
            return Ok(Found::Bad(self.position, error));
        }
        let at = self.position;
        self.position += size;
        Ok(Found::Batch(at, header))
    }

    /// The whole batch at `position`, which this scan has just found.
    pub(crate) fn batch(&self, position: u64, header: &BatchHeader) -> io::Result<Bytes> {
        read_exact(self.file, position, header.size_in_bytes())
    }

    /// `length` bytes at the current position, fewer at the end.
    fn window(&mut self, length: usize) -> io::Result<&[u8]> {
        let offset = self
            .position
            .checked_sub(self.buffer_start)
            .and_then(|offset| usize::try_from(offset).ok());
        let inside = offset.filter(|offset| offset + length <= self.buffer.len());
        let start = if let Some(offset) = inside {
            offset
        } else {
            let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
            self.buffer.resize(left.min(SCAN_BYTES), 0);
            let read = self.file.read_at(self.position, &mut self.buffer)?;
            self.buffer.truncate(read);
            self.buffer_start = self.position;
            0
        };
        let end = self.buffer.len().min(start + length);
        Ok(self.buffer.get(start..end).unwrap_or_default())
    }
}

/// Reads exactly `length` bytes.
pub(crate) fn read_exact(file: &dyn DiskFile, position: u64, length: usize) -> io::Result<Bytes> {
    let mut bytes = Vec::new();
    file.read_to(position, length, &mut bytes)?;
    if bytes.len() < length {
        let what = format!("{length} bytes wanted at {position}, {} there", bytes.len());
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
    }
    Ok(Bytes::from(bytes))
}

/// A length in memory as a length on disk.
pub(crate) fn to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A length on disk as a length in memory.
pub(crate) fn to_usize(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
