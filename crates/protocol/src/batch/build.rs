//! Building a batch: records go into one buffer, the header in front is filled in at the end.

use bytes::Bytes;

use super::header::CRC_FROM;
use super::{
    Attributes, BatchError, HEADER_BYTES, LOG_OVERHEAD_BYTES, NO_SEQUENCE, TimestampType, varint,
};
use crate::compress::{Codec, compress};

/// What a batch says of itself, beside its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchOptions {
    /// Offset of the first record; 0 from a producer.
    pub base_offset: i64,
    /// Leader epoch; -1 from a producer.
    pub leader_epoch: i32,
    /// How the records are compressed.
    pub codec: Codec,
    /// The codec's level; `None` is its usual one.
    pub level: Option<i32>,
    /// Who set the timestamps.
    pub timestamp_type: TimestampType,
    /// Producer id; -1 without idempotence.
    pub producer_id: i64,
    /// Producer epoch; -1 without idempotence.
    pub producer_epoch: i16,
    /// Sequence of the first record; -1 without idempotence.
    pub base_sequence: i32,
    /// A batch of a transaction.
    pub transactional: bool,
    /// A batch of control records.
    pub control: bool,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            base_offset: 0,
            leader_epoch: -1,
            codec: Codec::None,
            level: None,
            timestamp_type: TimestampType::CreateTime,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: NO_SEQUENCE,
            transactional: false,
            control: false,
        }
    }
}

/// Gathers records.
#[derive(Debug, Clone)]
pub struct BatchBuilder {
    options: BatchOptions,
    payload: Vec<u8>,
    base_timestamp: i64,
    max_timestamp: i64,
    count: i32,
    last_offset_delta: i32,
}

/// Keys and values of a record's headers.
pub type HeaderSlices<'a> = &'a [(&'a [u8], Option<&'a [u8]>)];

fn sized(slice: Option<&[u8]>) -> i64 {
    slice.map_or(-1, |slice| i64::try_from(slice.len()).unwrap_or(i64::MAX))
}

fn put_slice(out: &mut Vec<u8>, slice: Option<&[u8]>) {
    varint::put(out, sized(slice));
    out.extend_from_slice(slice.unwrap_or_default());
}

fn slice_size(slice: Option<&[u8]>) -> usize {
    varint::size(sized(slice)) + slice.map_or(0, <[u8]>::len)
}

impl BatchBuilder {
    /// An empty batch.
    pub fn new(options: BatchOptions) -> Self {
        Self {
            options,
            payload: Vec::new(),
            base_timestamp: -1,
            max_timestamp: -1,
            count: 0,
            last_offset_delta: -1,
        }
    }

    /// Count of records so far.
    pub fn count(&self) -> i32 {
        self.count
    }

    /// True when there is no record.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of the batch if it were built now without compression.
    pub fn size_estimate(&self) -> usize {
        HEADER_BYTES + self.payload.len()
    }

    /// The options.
    pub fn options_mut(&mut self) -> &mut BatchOptions {
        &mut self.options
    }

    /// Adds a record at the next offset.
    pub fn append(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: HeaderSlices<'_>,
    ) {
        self.append_at(self.last_offset_delta + 1, timestamp, key, value, headers);
    }

    /// Adds a record at an offset delta, which must be above the last.
    pub fn append_at(
        &mut self,
        offset_delta: i32,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: HeaderSlices<'_>,
    ) {
        assert!(
            offset_delta > self.last_offset_delta,
            "offsets of a batch ascend"
        );
        if self.count == 0 {
            self.base_timestamp = timestamp;
        }
        let timestamp_delta = timestamp.wrapping_sub(self.base_timestamp);
        let header_count = i64::try_from(headers.len()).unwrap_or(i64::MAX);
        let headers_size: usize = headers
            .iter()
            .map(|(key, value)| slice_size(Some(key)) + slice_size(*value))
            .sum();
        let length = 1
            + varint::size(timestamp_delta)
            + varint::size(i64::from(offset_delta))
            + slice_size(key)
            + slice_size(value)
            + varint::size(header_count)
            + headers_size;
        let out = &mut self.payload;
        varint::put(out, i64::try_from(length).unwrap_or(i64::MAX));
        out.push(0);
        varint::put(out, timestamp_delta);
        varint::put(out, i64::from(offset_delta));
        put_slice(out, key);
        put_slice(out, value);
        varint::put(out, header_count);
        for (key, value) in headers {
            put_slice(out, Some(key));
            put_slice(out, *value);
        }
        self.max_timestamp = self.max_timestamp.max(timestamp);
        self.count += 1;
        self.last_offset_delta = offset_delta;
    }

    /// The batch.
    pub fn build(&self) -> Result<Bytes, BatchError> {
        let payload = Payload {
            bytes: &self.payload,
            base_timestamp: self.base_timestamp,
            max_timestamp: self.max_timestamp,
            last_offset_delta: self.last_offset_delta,
            count: self.count,
        };
        assemble(&self.options, &payload)
    }
}

/// Records that are already encoded, and what the header says of them.
pub(super) struct Payload<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) base_timestamp: i64,
    pub(super) max_timestamp: i64,
    pub(super) last_offset_delta: i32,
    pub(super) count: i32,
}

/// Compresses the payload and puts the header before it.
pub(super) fn assemble(options: &BatchOptions, payload: &Payload<'_>) -> Result<Bytes, BatchError> {
    let attributes = Attributes::new(
        options.codec,
        options.timestamp_type,
        options.transactional,
        options.control,
    );
    let mut out = Vec::with_capacity(HEADER_BYTES + payload.bytes.len());
    out.extend_from_slice(&options.base_offset.to_be_bytes());
    out.extend_from_slice(&[0; 4]); // the length, when it is known
    out.extend_from_slice(&options.leader_epoch.to_be_bytes());
    out.push(2);
    out.extend_from_slice(&[0; 4]); // the CRC, when it is known
    out.extend_from_slice(&attributes.0.to_be_bytes());
    out.extend_from_slice(&payload.last_offset_delta.to_be_bytes());
    out.extend_from_slice(&payload.base_timestamp.to_be_bytes());
    out.extend_from_slice(&payload.max_timestamp.to_be_bytes());
    out.extend_from_slice(&options.producer_id.to_be_bytes());
    out.extend_from_slice(&options.producer_epoch.to_be_bytes());
    out.extend_from_slice(&options.base_sequence.to_be_bytes());
    out.extend_from_slice(&payload.count.to_be_bytes());
    assert!(out.len() == HEADER_BYTES, "the header has its size");
    compress(options.codec, options.level, payload.bytes, &mut out)?;
    let too_large = BatchError::TooLarge { bytes: out.len() };
    let length = i32::try_from(out.len() - LOG_OVERHEAD_BYTES).map_err(|_| too_large)?;
    put(&mut out, 8, &length.to_be_bytes());
    let crc = crc32c::crc32c(out.get(CRC_FROM..).unwrap_or_default());
    put(&mut out, 17, &crc.to_be_bytes());
    Ok(Bytes::from(out))
}

/// Overwrites bytes at `at`, which are there.
pub(super) fn put(out: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(target) = out.get_mut(at..at + bytes.len()) {
        target.copy_from_slice(bytes);
    }
}
