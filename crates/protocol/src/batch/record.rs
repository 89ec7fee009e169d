//! Walking the records of a batch, without allocating for any of them.
//!
//! | field | |
//! |---|---|
//! | length | varint, bytes that follow |
//! | attributes | int8, 0 |
//! | timestamp delta | varlong |
//! | offset delta | varint |
//! | key, value | varint length (-1 is null), bytes |
//! | headers | varint count; each: varint length and bytes of key, varint length (-1 is null) and bytes of value |

use bytes::Bytes;

use super::{BatchError, BatchHeader, HEADER_BYTES, TimestampType, varint};
use crate::compress::{Codec, decompress};

/// A record inside a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecordRef<'a> {
    /// Its offset.
    pub offset: i64,
    /// Its timestamp in milliseconds; the append time where the batch says so.
    pub timestamp: i64,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Its headers.
    pub headers: Headers<'a>,
}

/// A header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderRef<'a> {
    /// Its key.
    pub key: &'a [u8],
    /// Its value.
    pub value: Option<&'a [u8]>,
}

/// The headers of a record, checked when the record was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    count: usize,
}

impl<'a> Headers<'a> {
    /// How many.
    pub fn len(&self) -> usize {
        self.count
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Each in order.
    pub fn iter(&self) -> impl Iterator<Item = HeaderRef<'a>> {
        let bytes = self.bytes;
        let mut position = 0;
        (0..self.count).map_while(move |_| read_header(bytes, &mut position))
    }
}

fn read_slice<'a>(bytes: &'a [u8], position: &mut usize) -> Option<Option<&'a [u8]>> {
    let length = varint::read::<32>(bytes, position)?;
    if length < 0 {
        return Some(None);
    }
    let end = position.checked_add(usize::try_from(length).ok()?)?;
    let slice = bytes.get(*position..end)?;
    *position = end;
    Some(Some(slice))
}

fn read_header<'a>(bytes: &'a [u8], position: &mut usize) -> Option<HeaderRef<'a>> {
    let key = read_slice(bytes, position)??;
    let value = read_slice(bytes, position)?;
    Some(HeaderRef { key, value })
}

/// The records of a batch, unpacked.
#[derive(Debug, Clone)]
pub struct Records {
    header: BatchHeader,
    payload: Bytes,
}

/// Unpacks the records of a whole batch; the payload may unpack to `limit_bytes`.
pub fn records(
    header: &BatchHeader,
    batch: &Bytes,
    limit_bytes: usize,
) -> Result<Records, BatchError> {
    let size = header.size_in_bytes();
    if batch.len() < size {
        return Err(BatchError::Truncated {
            needed: size,
            found: batch.len(),
        });
    }
    let packed = batch.slice(HEADER_BYTES..size);
    let payload = match header.attributes.codec()? {
        Codec::None => packed,
        codec => Bytes::from(decompress(codec, &packed, limit_bytes)?),
    };
    Ok(Records {
        header: *header,
        payload,
    })
}

impl Records {
    /// Each record in order; an error ends the walk. Bytes behind the last record are an error too.
    pub fn iter(&self) -> Walk<'_> {
        Walk {
            header: &self.header,
            payload: &self.payload,
            position: 0,
            index: 0,
            failed: false,
        }
    }

    /// The unpacked payload.
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }
}

/// The walk over the records of a batch.
#[derive(Debug)]
pub struct Walk<'a> {
    header: &'a BatchHeader,
    payload: &'a [u8],
    position: usize,
    index: i32,
    failed: bool,
}

impl<'a> Walk<'a> {
    fn wrong(&self, what: &'static str) -> BatchError {
        BatchError::Record {
            index: self.index,
            position: self.position,
            what,
        }
    }

    fn read(&mut self) -> Result<RecordRef<'a>, BatchError> {
        let length = varint::read::<32>(self.payload, &mut self.position);
        let length = length.and_then(|length| usize::try_from(length).ok());
        let length = length.ok_or_else(|| self.wrong("its length is cut or negative"))?;
        let end = self.position.checked_add(length);
        let body = end.and_then(|end| self.payload.get(self.position..end));
        let body = body.ok_or_else(|| self.wrong("it is longer than the batch"))?;
        let record = self
            .read_body(body)
            .ok_or_else(|| self.wrong("its fields do not fit its length"))?;
        self.position += length;
        self.index += 1;
        Ok(record)
    }

    fn read_body(&self, body: &'a [u8]) -> Option<RecordRef<'a>> {
        let mut position = 1; // the attributes, which carry nothing
        let timestamp_delta = varint::read::<64>(body, &mut position)?;
        let offset_delta = varint::read::<32>(body, &mut position)?;
        let key = read_slice(body, &mut position)?;
        let value = read_slice(body, &mut position)?;
        let count = usize::try_from(varint::read::<32>(body, &mut position)?).ok()?;
        let bytes = body.get(position..)?;
        let mut end = 0;
        for _ in 0..count {
            read_header(bytes, &mut end)?;
        }
        if end != bytes.len() {
            return None;
        }
        let timestamp = match self.header.attributes.timestamp_type() {
            TimestampType::CreateTime => self.header.base_timestamp.checked_add(timestamp_delta)?,
            TimestampType::LogAppendTime => self.header.max_timestamp,
        };
        let offset = self.header.base_offset.checked_add(offset_delta)?;
        Some(RecordRef {
            offset,
            timestamp,
            key,
            value,
            headers: Headers { bytes, count },
        })
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<RecordRef<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        if self.index >= self.header.record_count {
            if self.position == self.payload.len() {
                return None;
            }
            self.failed = true;
            return Some(Err(self.wrong("bytes follow the last record")));
        }
        let record = self.read();
        self.failed = record.is_err();
        Some(record)
    }
}
