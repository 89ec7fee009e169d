//! Reading a partition. The lock is held to find where, never while the disk is read.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use mainstem_protocol::batch::BatchHeader;
use mainstem_protocol::{ErrorCode, RecordBatches, Stored};
use mainstem_storage::{
    AbortedTransaction, FoundBatches, GoesOn, LogSlice, ReadError, Span, TimestampedOffset,
};

use super::{Offsets, Partition, Refusal, State, offsets_of};

/// Whether a client wants to see records of transactions before they are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// Every record.
    Uncommitted,
    /// Those before the first transaction that has not ended; the client leaves out what was aborted.
    Committed,
}

impl Isolation {
    /// From the number on the wire.
    pub(crate) fn from_level(level: i8) -> Self {
        match level {
            1 => Self::Committed,
            _ => Self::Uncommitted,
        }
    }

    /// Where what it lets be seen ends.
    pub(crate) fn end(self, offsets: &Offsets) -> i64 {
        match self {
            Self::Uncommitted => offsets.high_watermark,
            Self::Committed => offsets.last_stable,
        }
    }
}

/// What a fetch is answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) records: RecordBatches,
    /// The aborted transactions among them; `None` for who did not ask.
    pub(crate) aborted: Option<Vec<AbortedTransaction>>,
    pub(crate) offsets: Offsets,
}

impl Partition {
    /// Reads committed batches from `from` on.
    pub(crate) fn read(
        &self,
        from: i64,
        max_bytes: usize,
        min_one_batch: bool,
    ) -> Result<(LogSlice, Offsets), Refusal> {
        let wanted = (Isolation::Uncommitted, from, max_bytes, min_one_batch);
        let (slice, offsets) = self.search(wanted, Span::read)?;
        let nothing = LogSlice {
            bytes: Bytes::new(),
            next_offset: from,
        };
        Ok((slice.unwrap_or(nothing), offsets))
    }

    /// The header of the batch that holds `from`; nothing else of it is read. `None` when there is none below the high watermark.
    pub(crate) fn header(&self, from: i64) -> Result<Option<BatchHeader>, Refusal> {
        let wanted = (Isolation::Uncommitted, from, 0, true);
        Ok(self.search(wanted, Span::header)?.0)
    }

    /// The same for an answer, as far as the isolation lets batches be seen: large ones stay in their file, for the socket to be sent
    /// from there. To be left out of them by the client: what was aborted.
    pub(crate) fn batches(
        &self,
        isolation: Isolation,
        from: i64,
        max_bytes: usize,
        min_one_batch: bool,
    ) -> Result<Answer, Refusal> {
        let wanted = (isolation, from, max_bytes, min_one_batch);
        let (found, offsets) = self.search(wanted, Span::find_or_read)?;
        let (records, next_offset) = match found {
            None => (RecordBatches::default(), from),
            Some(FoundBatches::Read(slice)) => (slice.bytes.into(), slice.next_offset),
            Some(FoundBatches::Stored(batches)) => {
                let next_offset = batches.next_offset();
                let stored = Stored::new(batches.len(), Arc::new(batches));
                (RecordBatches::Stored(stored), next_offset)
            }
        };
        let bytes = u64::try_from(records.len()).unwrap_or(0);
        self.fetched_bytes.fetch_add(bytes, Ordering::Relaxed);
        let aborted = match isolation {
            Isolation::Uncommitted => None,
            Isolation::Committed => {
                Some(self.with(|state| Ok(state.log.aborted_between(from, next_offset)))?)
            }
        };
        Ok(Answer {
            records,
            aborted,
            offsets,
        })
    }

    /// Finds where `from` is under the lock, and reads without it.
    fn search<T>(
        &self,
        (isolation, from, max_bytes, min_one_batch): (Isolation, i64, usize, bool),
        read: impl Fn(&Span) -> Result<Option<T>, ReadError>,
    ) -> Result<(Option<T>, Offsets), Refusal> {
        let mut wanted = from;
        loop {
            let (span, offsets) = self.with(|state| {
                let offsets = in_range(state, from)?;
                let limit = isolation.end(&offsets);
                let span = state.log.find(wanted, limit, max_bytes, min_one_batch);
                Ok((span.map_err(ReadError::from).map_err(refusal)?, offsets))
            })?;
            let Some(span) = span else {
                return Ok((None, offsets));
            };
            let found = read(&span).map_err(|error| self.explain(from, error))?;
            match (found, span.next_segment()) {
                (None, Some(next)) => wanted = next,
                (found, _) => return Ok((found, offsets)),
            }
        }
    }

    /// About how many bytes there are to be seen from `from` on, without reading them: `fetch.min.bytes` is judged by it.
    pub(crate) fn available(&self, isolation: Isolation, from: i64) -> Result<u64, Refusal> {
        self.with(|state| {
            let end = isolation.end(&in_range(state, from)?);
            Ok(state.log.bytes_between(from, end.max(from)))
        })
    }

    /// Log start, high watermark and log end.
    pub(crate) fn offsets(&self) -> Result<Offsets, Refusal> {
        self.with(|state| Ok(offsets_of(state)))
    }

    /// The first record at or after a timestamp.
    pub(crate) fn offset_by_time(
        &self,
        timestamp: i64,
        goes_on: GoesOn<'_>,
    ) -> Result<Option<TimestampedOffset>, Refusal> {
        let mut behind = -1;
        loop {
            let (span, limit) = self.with(|state| {
                let limit = state.high_watermark;
                let behind = state.log.log_start().max(behind);
                Ok((state.log.find_time(timestamp, behind, limit), limit))
            })?;
            let Some(span) = span else { return Ok(None) };
            let found = span.search(goes_on);
            let found = found.map_err(|error| self.explain(behind, error))?;
            match (found, span.next_segment()) {
                (Some(found), _) => return Ok((found.offset < limit).then_some(found)),
                (None, Some(next)) => behind = next,
                (None, None) => return Ok(None),
            }
        }
    }

    /// The record with the highest timestamp.
    pub(crate) fn offset_of_max_timestamp(
        &self,
        goes_on: GoesOn<'_>,
    ) -> Result<Option<TimestampedOffset>, Refusal> {
        let span = self.with(|state| Ok(state.log.find_max_timestamp(state.high_watermark)))?;
        span.search(goes_on).map_err(refusal)
    }

    /// The end of a leader epoch (OffsetForLeaderEpoch).
    pub(crate) fn end_of_epoch(&self, epoch: i32) -> Result<Option<(i32, i64)>, Refusal> {
        if epoch < 0 {
            return Ok(None); // an epoch that nobody had
        }
        self.with(|state| Ok(state.log.epochs().end_of(epoch, state.high_watermark)))
    }

    /// The leader epoch of an offset.
    pub(crate) fn epoch_of(&self, offset: i64) -> Option<i32> {
        self.with(|state| Ok(state.log.epochs().epoch_of(offset)))
            .ok()
            .flatten()
    }

    /// Why a read failed: retention may have taken the file since it was found.
    fn explain(&self, from: i64, error: ReadError) -> Refusal {
        match self.offsets() {
            Ok(offsets) if from < offsets.log_start => out_of_range(from, offsets),
            _ => refusal(error),
        }
    }
}

fn refusal(error: ReadError) -> Refusal {
    Refusal::new(error.code(), error)
}

fn out_of_range(from: i64, offsets: Offsets) -> Refusal {
    let (start, end) = (offsets.log_start, offsets.log_end);
    let what = format!("offset {from} is not between {start} and {end}");
    Refusal::new(ErrorCode::OffsetOutOfRange, what)
}

/// Between the high watermark and the end there is nothing yet, but it is no mistake: a client whose records were acknowledged with
/// acks = 1 may well ask for what comes behind them.
fn in_range(state: &State, from: i64) -> Result<Offsets, Refusal> {
    let offsets = offsets_of(state);
    match from > offsets.log_end || from < offsets.log_start {
        true => Err(out_of_range(from, offsets)),
        false => Ok(offsets),
    }
}
