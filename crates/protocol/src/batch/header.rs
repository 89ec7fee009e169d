//! The 61 bytes before the records of a batch.

use crate::compress::Codec;

use super::BatchError;

/// Bytes of a batch's header.
pub const HEADER_BYTES: usize = 61;
/// Bytes before and with the length field: what a batch's length does not count.
pub const LOG_OVERHEAD_BYTES: usize = 12;
/// The sequence of a batch without one.
pub const NO_SEQUENCE: i32 = -1;
/// Where the CRC begins to count.
pub(super) const CRC_FROM: usize = 21;

const _: () = assert!(HEADER_BYTES == 57 + 4 && CRC_FROM == 17 + 4);

/// Who sets the timestamps of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// The producer.
    #[default]
    CreateTime,
    /// The node that appends.
    LogAppendTime,
}

/// The attribute bits of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes(pub i16);

impl Attributes {
    const TIMESTAMP_TYPE: i16 = 1 << 3;
    const TRANSACTIONAL: i16 = 1 << 4;
    const CONTROL: i16 = 1 << 5;

    /// Puts the parts together.
    pub fn new(
        codec: Codec,
        timestamp_type: TimestampType,
        transactional: bool,
        control: bool,
    ) -> Self {
        let mut bits = i16::from(codec.bits());
        if timestamp_type == TimestampType::LogAppendTime {
            bits |= Self::TIMESTAMP_TYPE;
        }
        if transactional {
            bits |= Self::TRANSACTIONAL;
        }
        if control {
            bits |= Self::CONTROL;
        }
        Self(bits)
    }

    /// The codec.
    pub fn codec(self) -> Result<Codec, BatchError> {
        let bits = (self.0 & 7).to_be_bytes()[1];
        Codec::from_bits(bits).ok_or(BatchError::Codec { bits })
    }

    /// Who set the timestamps.
    pub fn timestamp_type(self) -> TimestampType {
        if self.0 & Self::TIMESTAMP_TYPE == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// The same with the append time's bit set.
    pub fn with_append_time(self) -> Self {
        Self(self.0 | Self::TIMESTAMP_TYPE)
    }

    /// True for a batch of a transaction.
    pub fn is_transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }

    /// True for a batch of control records.
    pub fn is_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }
}

/// The header of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record.
    pub base_offset: i64,
    /// Bytes behind the length field.
    pub length: i32,
    /// Epoch of the leader that appended it.
    pub leader_epoch: i32,
    /// Format.
    pub magic: i8,
    /// Checksum.
    pub crc: u32,
    /// Attribute bits.
    pub attributes: Attributes,
    /// Offset of the last record, counted from the first.
    pub last_offset_delta: i32,
    /// Timestamp that records count from, in milliseconds.
    pub base_timestamp: i64,
    /// Highest timestamp.
    pub max_timestamp: i64,
    /// Producer id; -1 without idempotence.
    pub producer_id: i64,
    /// Producer epoch.
    pub producer_epoch: i16,
    /// Sequence of the first record.
    pub base_sequence: i32,
    /// Count of records.
    pub record_count: i32,
}

/// `N` bytes at `at`, which the caller has checked to be there; zeros otherwise.
fn at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk::<N>())
        .copied()
        .unwrap_or([0; N])
}

/// Whether a batch says that it belongs to a transaction, without looking at anything else of it.
pub fn says_transactional(batch: &[u8]) -> bool {
    let bits = batch.get(CRC_FROM..).and_then(<[u8]>::first_chunk);
    let has_magic = batch.get(16) == Some(&2);
    has_magic && bits.is_some_and(|bits| Attributes(i16::from_be_bytes(*bits)).is_transactional())
}

impl BatchHeader {
    /// Reads the header of a batch. The length is checked to be possible and the magic to be 2; whether all the bytes are there is
    /// the caller's question ([`Self::size_in_bytes`]).
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        // A length that no batch can have is told as such even when the header is cut.
        let length = i32::from_be_bytes(at(bytes, 8));
        let possible =
            usize::try_from(length).is_ok_and(|length| length >= HEADER_BYTES - LOG_OVERHEAD_BYTES);
        if bytes.len() >= LOG_OVERHEAD_BYTES && !possible {
            return Err(BatchError::Length { length });
        }
        if bytes.len() < HEADER_BYTES {
            return Err(BatchError::Truncated {
                needed: HEADER_BYTES,
                found: bytes.len(),
            });
        }
        let header = Self {
            base_offset: i64::from_be_bytes(at(bytes, 0)),
            length,
            leader_epoch: i32::from_be_bytes(at(bytes, 12)),
            magic: i8::from_be_bytes(at(bytes, 16)),
            crc: u32::from_be_bytes(at(bytes, 17)),
            attributes: Attributes(i16::from_be_bytes(at(bytes, 21))),
            last_offset_delta: i32::from_be_bytes(at(bytes, 23)),
            base_timestamp: i64::from_be_bytes(at(bytes, 27)),
            max_timestamp: i64::from_be_bytes(at(bytes, 35)),
            producer_id: i64::from_be_bytes(at(bytes, 43)),
            producer_epoch: i16::from_be_bytes(at(bytes, 51)),
            base_sequence: i32::from_be_bytes(at(bytes, 53)),
            record_count: i32::from_be_bytes(at(bytes, 57)),
        };
        if header.magic != 2 {
            return Err(BatchError::Magic {
                magic: header.magic,
            });
        }
        Ok(header)
    }

    /// Bytes of the whole batch.
    pub fn size_in_bytes(&self) -> usize {
        usize::try_from(self.length).unwrap_or(0) + LOG_OVERHEAD_BYTES
    }

    /// Offset of the last record.
    pub fn last_offset(&self) -> i64 {
        self.base_offset
            .saturating_add(i64::from(self.last_offset_delta))
    }

    /// Offset behind the last record.
    pub fn next_offset(&self) -> i64 {
        self.last_offset().saturating_add(1)
    }

    /// Sequence of the last record; sequences wrap from 2^31 - 1 to 0.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence == NO_SEQUENCE {
            return NO_SEQUENCE;
        }
        add_sequence(self.base_sequence, self.last_offset_delta)
    }

    /// True when an idempotent producer sent it.
    pub fn has_producer(&self) -> bool {
        self.producer_id >= 0
    }

    /// Compares the checksum with the bytes of the whole batch.
    pub fn check_crc(&self, batch: &[u8]) -> Result<(), BatchError> {
        let computed = crc32c::crc32c(
            batch
                .get(CRC_FROM..self.size_in_bytes())
                .unwrap_or_default(),
        );
        if computed == self.crc {
            Ok(())
        } else {
            Err(BatchError::Crc {
                stored: self.crc,
                computed,
            })
        }
    }
}

/// `sequence + count` on the circle 0 ..= 2^31 - 1. Example: 2^31 - 1 plus 1 is 0.
pub fn add_sequence(sequence: i32, count: i32) -> i32 {
    i32::try_from((i64::from(sequence) + i64::from(count)).rem_euclid(1 << 31)).unwrap_or(0)
}
