//! Reading a partition. The lock is held to find where, never while the disk is read.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use mainstem_protocol::{ErrorCode, Records, Stored};
use mainstem_storage::{Batches, LogSlice, ReadError, Span, TimestampedOffset};

use super::{Offsets, Partition, Refusal, State, offsets_of};

impl Partition {
    /// Reads committed batches from `from` on.
    pub(crate) fn read(
        &self,
        from: i64,
        max_bytes: usize,
        min_one_batch: bool,
    ) -> Result<(LogSlice, Offsets), Refusal> {
        let (slice, offsets) = self.search(from, (max_bytes, min_one_batch), Span::read)?;
        let nothing = LogSlice {
            bytes: Bytes::new(),
            next_offset: from,
        };
        Ok((slice.unwrap_or(nothing), offsets))
    }

    /// The same for an answer: large batches stay in their file, for the socket to be sent from there.
    pub(crate) fn batches(
        &self,
        from: i64,
        max_bytes: usize,
        min_one_batch: bool,
    ) -> Result<(Records, Offsets), Refusal> {
        let (found, offsets) = self.search(from, (max_bytes, min_one_batch), Span::find_or_read)?;
        let records = match found {
            None => Records::default(),
            Some(Batches::Read(slice)) => slice.bytes.into(),
            Some(Batches::Stored(batches)) => {
                Records::Stored(Stored::new(batches.len(), Arc::new(batches)))
            }
        };
        let bytes = u64::try_from(records.len()).unwrap_or(0);
        self.fetched_bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok((records, offsets))
    }

    /// Finds where `from` is under the lock, and reads without it.
    fn search<T>(
        &self,
        from: i64,
        (max_bytes, min_one_batch): (usize, bool),
        read: impl Fn(&Span) -> Result<Option<T>, ReadError>,
    ) -> Result<(Option<T>, Offsets), Refusal> {
        let mut wanted = from;
        loop {
            let (span, offsets) = self.with(|state| {
                let offsets = in_range(state, from)?;
                let limit = state.high_watermark;
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

    /// About how many committed bytes there are from `from` on, without reading them: `fetch.min.bytes` is judged by it.
    pub(crate) fn available(&self, from: i64) -> Result<u64, Refusal> {
        self.with(|state| {
            in_range(state, from)?;
            Ok(state.log.bytes_between(from, state.high_watermark))
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
    ) -> Result<Option<TimestampedOffset>, Refusal> {
        let mut behind = -1;
        loop {
            let (span, limit) = self.with(|state| {
                let limit = state.high_watermark;
                let behind = state.log.log_start().max(behind);
                Ok((state.log.find_time(timestamp, behind, limit), limit))
            })?;
            let Some(span) = span else { return Ok(None) };
            let found = span.search().map_err(|error| self.explain(behind, error))?;
            match (found, span.next_segment()) {
                (Some(found), _) => return Ok((found.offset < limit).then_some(found)),
                (None, Some(next)) => behind = next,
                (None, None) => return Ok(None),
            }
        }
    }

    /// The record with the highest timestamp.
    pub(crate) fn offset_of_max_timestamp(&self) -> Result<Option<TimestampedOffset>, Refusal> {
        let span = self.with(|state| Ok(state.log.find_max_timestamp(state.high_watermark)))?;
        span.search().map_err(refusal)
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
