//! Cutting a run of bytes into batches.

use bytes::Bytes;

use super::{BatchError, BatchHeader, LOG_OVERHEAD_BYTES};

/// No batch of any format is shorter, its base offset and its length not counted.
const SMALLEST_LENGTH: usize = 14;

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

/// Leaves out what follows the first batch when it is no whole batch, as Apache Kafka does with what clients send. A length or a magic
/// that no batch has is told nevertheless, and a whole batch is left where it is, for [`super::check_produced`] to count.
pub fn without_tail(bytes: Bytes) -> Result<Bytes, BatchError> {
    let size = claimed_size(&bytes)?;
    let Some((size, tail)) = size.and_then(|size| Some((size, bytes.get(size..)?))) else {
        return Ok(bytes);
    };
    if tail.is_empty() {
        return Ok(bytes);
    }
    match claimed_size(tail)? {
        Some(next) if next <= tail.len() => Ok(bytes),
        _ => Ok(bytes.slice(..size)),
    }
}

/// How long the batch that begins here says it is; `None` when too little of it is there.
fn claimed_size(bytes: &[u8]) -> Result<Option<usize>, BatchError> {
    let Some(length) = bytes.get(8..).and_then(<[u8]>::first_chunk) else {
        return Ok(None);
    };
    let length = i32::from_be_bytes(*length);
    let possible = usize::try_from(length).ok();
    let Some(possible) = possible.filter(|length| *length >= SMALLEST_LENGTH) else {
        return Err(BatchError::Length { length });
    };
    let magic = bytes.get(16..).and_then(<[u8]>::first_chunk);
    match magic.map(|magic| i8::from_be_bytes(*magic)) {
        Some(0..=2) => Ok(Some(possible.saturating_add(LOG_OVERHEAD_BYTES))),
        Some(magic) => Err(BatchError::Magic { magic }),
        None => Ok(None),
    }
}
