//! What the log knows of each producer: which batches it sent last, so that a repeated one is known and a missing one noticed.
//!
//! `.snapshot`, named by the offset up to which it speaks:
//!
//! | bytes | field |
//! |---|---|
//! | 2 | version, 1 |
//! | 4 | CRC-32C of what follows |
//! | 4 | count of entries |
//! | 46 each | producer id 8, epoch 2, last sequence 4, last offset 8, offset delta 4, timestamp 8, coordinator epoch 4, first offset of the open transaction 8 |
//!
//! Rules: `ProducerAppendInfo` of Apache Kafka (KIP-98, KIP-360).

mod load;

use std::collections::{BTreeMap, VecDeque};

use mainstem_protocol::ErrorCode;
use mainstem_protocol::batch::{BatchHeader, add_sequence};

use crate::limits::PRODUCER_BATCHES;

const SNAPSHOT_VERSION: i16 = 1;
const SNAPSHOT_HEAD_BYTES: usize = 10;
const SNAPSHOT_ENTRY_BYTES: usize = 46;

const _: () = assert!(SNAPSHOT_ENTRY_BYTES == 8 + 2 + 4 + 8 + 4 + 8 + 4 + 8);

/// A batch that a producer sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentBatch {
    /// Sequence of its last record.
    pub last_sequence: i32,
    /// Offset of its last record.
    pub last_offset: i64,
    /// Last offset minus first.
    pub offset_delta: i32,
    /// Its highest timestamp.
    pub timestamp: i64,
}

impl SentBatch {
    fn first_sequence(&self) -> i32 {
        add_sequence(self.last_sequence, self.offset_delta.saturating_neg())
    }

    /// Offset of its first record.
    pub fn first_offset(&self) -> i64 {
        self.last_offset - i64::from(self.offset_delta)
    }
}

/// A producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerEntry {
    /// Its epoch.
    pub epoch: i16,
    /// Its latest batches, oldest first.
    pub batches: VecDeque<SentBatch>,
    /// Epoch of the transaction coordinator that wrote its last marker; -1 for none.
    pub coordinator_epoch: i32,
    /// Where its open transaction began.
    pub open_transaction: Option<i64>,
    /// Highest timestamp it sent last.
    pub last_timestamp: i64,
}

/// Why a batch does not follow from what its producer sent before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProducerError {
    /// An older epoch than known.
    #[error("producer {producer_id} has epoch {current}, this batch has {found}")]
    Epoch {
        /// The producer.
        producer_id: i64,
        /// As known.
        current: i16,
        /// As sent.
        found: i16,
    },
    /// A gap or a step back.
    #[error("producer {producer_id} sent sequence {found}, {expected} is next")]
    Sequence {
        /// The producer.
        producer_id: i64,
        /// What would follow.
        expected: i32,
        /// As sent.
        found: i32,
    },
}

impl ProducerError {
    /// Apache Kafka's code for it.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Epoch { .. } => ErrorCode::InvalidProducerEpoch,
            Self::Sequence { .. } => ErrorCode::OutOfOrderSequenceNumber,
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The batch is new.
    New,
    /// The batch was appended before.
    Duplicate(SentBatch),
}

/// All producers of a log.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Producers {
    entries: BTreeMap<i64, ProducerEntry>,
}

impl Producers {
    /// Checks a batch of a client against what its producer sent before.
    pub(crate) fn check(&self, header: &BatchHeader) -> Result<Standing, ProducerError> {
        let producer_id = header.producer_id;
        let Some(entry) = self.entries.get(&producer_id) else {
            return Ok(Standing::New);
        };
        let found = header.base_sequence;
        if header.producer_epoch < entry.epoch {
            return Err(ProducerError::Epoch {
                producer_id,
                current: entry.epoch,
                found: header.producer_epoch,
            });
        }
        if header.producer_epoch > entry.epoch {
            let expected = 0;
            return if found == expected {
                Ok(Standing::New)
            } else {
                Err(ProducerError::Sequence {
                    producer_id,
                    expected,
                    found,
                })
            };
        }
        let repeated = entry.batches.iter().find(|batch| {
            batch.first_sequence() == found && batch.last_sequence == header.last_sequence()
        });
        if let Some(batch) = repeated {
            return Ok(Standing::Duplicate(*batch));
        }
        let expected = entry
            .batches
            .back()
            .map_or(0, |batch| add_sequence(batch.last_sequence, 1));
        if found == expected {
            Ok(Standing::New)
        } else {
            Err(ProducerError::Sequence {
                producer_id,
                expected,
                found,
            })
        }
    }

    /// Takes a batch that is in the log into account.
    pub(crate) fn note(&mut self, header: &BatchHeader) {
        if !header.has_producer() {
            return;
        }
        let fresh = || ProducerEntry {
            epoch: header.producer_epoch,
            batches: VecDeque::new(),
            coordinator_epoch: -1,
            open_transaction: None,
            last_timestamp: header.max_timestamp,
        };
        let entry = self.entries.entry(header.producer_id).or_insert_with(fresh);
        entry.last_timestamp = header.max_timestamp;
        if header.producer_epoch != entry.epoch {
            entry.epoch = header.producer_epoch;
            entry.batches.clear();
        }
        if header.attributes.is_control() {
            entry.open_transaction = None;
            return;
        }
        if header.attributes.is_transactional() && entry.open_transaction.is_none() {
            entry.open_transaction = Some(header.base_offset);
        }
        if entry.batches.len() == PRODUCER_BATCHES {
            entry.batches.pop_front();
        }
        entry.batches.push_back(SentBatch {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        });
    }

    /// Forgets producers that sent nothing since `before_ms`, but for those with an open transaction.
    pub(crate) fn expire(&mut self, before_ms: i64) {
        self.entries.retain(|_, entry| {
            entry.open_transaction.is_some() || entry.last_timestamp > before_ms
        });
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Gives producers of which only the last batch is known those before it, where `before` ends with the same.
    fn refill(&mut self, before: &Self) {
        for (id, entry) in &mut self.entries {
            if let Some(found) = before.entries.get(id)
                && found.epoch == entry.epoch
                && found.batches.back() == entry.batches.back()
            {
                entry.batches.clone_from(&found.batches);
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (i64, &ProducerEntry)> {
        self.entries.iter().map(|(id, entry)| (*id, entry))
    }

    /// The bytes of a snapshot. Like Apache Kafka's it keeps only the last batch of each producer.
    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let count = i32::try_from(self.entries.len()).unwrap_or(i32::MAX);
        let mut body = count.to_be_bytes().to_vec();
        for (id, entry) in &self.entries {
            let last = entry.batches.back().copied().unwrap_or(SentBatch {
                last_sequence: -1,
                last_offset: -1,
                offset_delta: 0,
                timestamp: entry.last_timestamp,
            });
            body.extend_from_slice(&id.to_be_bytes());
            body.extend_from_slice(&entry.epoch.to_be_bytes());
            body.extend_from_slice(&last.last_sequence.to_be_bytes());
            body.extend_from_slice(&last.last_offset.to_be_bytes());
            body.extend_from_slice(&last.offset_delta.to_be_bytes());
            body.extend_from_slice(&entry.last_timestamp.to_be_bytes());
            body.extend_from_slice(&entry.coordinator_epoch.to_be_bytes());
            body.extend_from_slice(&entry.open_transaction.unwrap_or(-1).to_be_bytes());
        }
        let mut bytes = SNAPSHOT_VERSION.to_be_bytes().to_vec();
        bytes.extend_from_slice(&crc32c::crc32c(&body).to_be_bytes());
        bytes.extend_from_slice(&body);
        bytes
    }

    /// Reads a snapshot; `None` when the bytes are not one.
    pub(crate) fn from_snapshot(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first_chunk::<2>()?;
        let (crc, body) = rest.split_first_chunk::<4>()?;
        if i16::from_be_bytes(*version) != SNAPSHOT_VERSION
            || u32::from_be_bytes(*crc) != crc32c::crc32c(body)
        {
            return None;
        }
        let (count, mut entries) = body.split_first_chunk::<4>()?;
        let count = usize::try_from(i32::from_be_bytes(*count)).ok()?;
        if bytes.len() != SNAPSHOT_HEAD_BYTES + count.checked_mul(SNAPSHOT_ENTRY_BYTES)? {
            return None;
        }
        let mut producers = Self::default();
        while let Some((entry, rest)) = entries.split_first_chunk::<SNAPSHOT_ENTRY_BYTES>() {
            let (id, entry) = read_entry(entry)?;
            producers.entries.insert(id, entry);
            entries = rest;
        }
        Some(producers)
    }
}

fn read_entry(mut bytes: &[u8]) -> Option<(i64, ProducerEntry)> {
    fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
        let (head, rest) = bytes.split_first_chunk::<N>()?;
        *bytes = rest;
        Some(*head)
    }
    let id = i64::from_be_bytes(take(&mut bytes)?);
    let epoch = i16::from_be_bytes(take(&mut bytes)?);
    let last_sequence = i32::from_be_bytes(take(&mut bytes)?);
    let last_offset = i64::from_be_bytes(take(&mut bytes)?);
    let offset_delta = i32::from_be_bytes(take(&mut bytes)?);
    let last_timestamp = i64::from_be_bytes(take(&mut bytes)?);
    let coordinator_epoch = i32::from_be_bytes(take(&mut bytes)?);
    let open = i64::from_be_bytes(take(&mut bytes)?);
    let mut batches = VecDeque::new();
    if last_offset >= 0 {
        batches.push_back(SentBatch {
            last_sequence,
            last_offset,
            offset_delta,
            timestamp: last_timestamp,
        });
    }
    let open_transaction = (open >= 0).then_some(open);
    Some((
        id,
        ProducerEntry {
            epoch,
            batches,
            coordinator_epoch,
            open_transaction,
            last_timestamp,
        },
    ))
}

#[cfg(test)]
mod tests;
