//! Cutting a run of bytes into batches.

use bytes::Bytes;

use super::{BatchError, BatchHeader};

/// The batches in a run of bytes.
#[derive(Debug, Clone)]
pub struct Batches {
    rest: Bytes,
}

/// Cuts `bytes` into batches; a batch that is cut off at the end is an error, and ends the walk.
pub fn batches(bytes: &Bytes) -> Batches {
    Batches {
        rest: bytes.clone(),
    }
}

impl Iterator for Batches {
    type Item = Result<(BatchHeader, Bytes), BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let header = match BatchHeader::parse(&self.rest) {
            Ok(header) => header,
            Err(error) => {
                self.rest.clear();
                return Some(Err(error));
            }
        };
        let size = header.size_in_bytes();
        if size > self.rest.len() {
            let found = self.rest.len();
            self.rest.clear();
            return Some(Err(BatchError::Truncated {
                needed: size,
                found,
            }));
        }
        Some(Ok((header, self.rest.split_to(size))))
    }
}
