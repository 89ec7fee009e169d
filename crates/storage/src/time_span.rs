//! Searching by time without the log's lock, as [`crate::span`] reads without it.

use std::io;

use mainstem_protocol::batch::{BatchHeader, RecordRef, records};

use crate::limits::{UNPACK_BYTES_MAX, UNPACK_BYTES_MIN, UNPACK_FACTOR};
use crate::log::Log;
use crate::read::{ReadError, TimestampedOffset};
use crate::scan::{Found, HeaderScan};
use crate::segment::Segment;
use crate::span::SegmentView;

/// Asked before each batch: a search that nobody waits for any more ends. Headers may claim what no record has, and then all there is would
/// be unpacked.
pub type GoesOn<'a> = &'a dyn Fn() -> bool;

fn check(goes_on: GoesOn<'_>) -> Result<(), ReadError> {
    match goes_on() {
        true => Ok(()),
        false => Err(ReadError::Abandoned),
    }
}

/// The segment in which the first record of a time may be.
#[derive(Debug)]
pub struct TimeSpan {
    view: SegmentView,
    start: u64,
    timestamp: i64,
    log_start: i64,
    next_segment: Option<i64>,
}

/// Where the highest timestamp below a limit may be: at most one of the segments that are whole, and the one that holds the limit.
#[derive(Debug)]
pub struct MaxTimestampSpan {
    parts: Vec<Part>,
    limit: i64,
    log_start: i64,
}

/// A segment, and what memory knows of its timestamps.
#[derive(Debug)]
struct Part {
    view: SegmentView,
    /// Highest timestamp that is known, -1 for none; no record before `known_start` has it.
    known: i64,
    known_start: u64,
    /// From here to the limit the headers may have a higher one.
    scan_from: Option<u64>,
    /// Position at or before the log start, when that is inside this segment: what comes before does not count.
    log_start_at: Option<u64>,
}

impl Log {
    /// The first segment at or behind the one of `behind` that may hold a record of `timestamp` or later.
    pub fn find_time(&self, timestamp: i64, behind: i64, limit: i64) -> Option<TimeSpan> {
        let first = self.segment_of(behind);
        let (at, segment) = self
            .segments
            .iter()
            .enumerate()
            .skip(first)
            .find(|(_, segment)| segment.max_timestamp >= timestamp)?;
        (segment.base_offset < limit).then(|| TimeSpan {
            view: self.view(segment),
            start: segment.position_before_time(timestamp),
            timestamp,
            log_start: self.log_start,
            next_segment: self.segments.get(at + 1).map(|next| next.base_offset),
        })
    }

    /// Where the highest timestamp below `limit` is to be looked for.
    ///
    /// Of a segment below the limit the highest timestamp is in memory. Of the one that holds the limit it is not: what was appended
    /// behind the limit must not count. Its index tells the highest up to its last entry below the limit; the headers from there
    /// on, an interval at most, tell the rest.
    pub fn find_max_timestamp(&self, limit: i64) -> MaxTimestampSpan {
        let mut best: Option<&Segment> = None;
        let mut parts = Vec::new();
        for (at, segment) in self.segments.iter().enumerate() {
            if segment.base_offset >= limit || segment.size == 0 {
                continue;
            }
            let end = self
                .segments
                .get(at + 1)
                .map_or(self.log_end, |next| next.base_offset);
            let holds_log_start = segment.base_offset < self.log_start;
            if end > limit || holds_log_start {
                parts.push(self.part(segment, (end > limit).then_some(limit)));
            } else if best.is_none_or(|best| segment.max_timestamp > best.max_timestamp) {
                best = Some(segment);
            }
        }
        parts.extend(best.map(|segment| self.part(segment, None)));
        parts.sort_by_key(|part| part.view.base_offset);
        MaxTimestampSpan {
            parts,
            limit,
            log_start: self.log_start,
        }
    }

    fn part(&self, segment: &Segment, limit: Option<i64>) -> Part {
        let (known, scan_from) = match limit {
            None => (segment.max_timestamp, None),
            Some(limit) => (
                segment.max_timestamp_indexed_below(limit),
                Some(segment.indexed_position_below(limit)),
            ),
        };
        Part {
            view: self.view(segment),
            known,
            known_start: segment.position_before_time(known),
            scan_from,
            log_start_at: (segment.base_offset < self.log_start)
                .then(|| segment.position_before(self.log_start)),
        }
    }
}

impl TimeSpan {
    /// The record; `None` when this segment has none. Then look again from [`Self::next_segment`].
    pub fn search(&self, goes_on: GoesOn<'_>) -> Result<Option<TimestampedOffset>, ReadError> {
        self.view.find_record(
            (self.start, goes_on),
            |header| {
                header.max_timestamp >= self.timestamp && header.last_offset() >= self.log_start
            },
            |record| record.timestamp >= self.timestamp && record.offset >= self.log_start,
        )
    }

    /// Base offset of the segment behind this one.
    pub fn next_segment(&self) -> Option<i64> {
        self.next_segment
    }
}

impl MaxTimestampSpan {
    /// The first record that has it.
    pub fn search(&self, goes_on: GoesOn<'_>) -> Result<Option<TimestampedOffset>, ReadError> {
        let mut best: Option<TimestampedOffset> = None;
        for part in &self.parts {
            let found = match self.peak(
                part,
                (part.known, part.known_start),
                part.scan_from,
                goes_on,
            )? {
                // What memory knows lies before the log start: the headers behind that tell.
                None if part.log_start_at.is_some() => {
                    self.peak(part, (-1, 0), part.log_start_at, goes_on)?
                }
                found => found,
            };
            if let Some(found) = found
                && best.is_none_or(|best| found.timestamp > best.timestamp)
            {
                best = Some(found);
            }
        }
        Ok(best)
    }

    /// The first record with the highest timestamp of a part: `known` from `start` on, or a higher one from `scan_from` on.
    fn peak(
        &self,
        part: &Part,
        (known, start): (i64, u64),
        scan_from: Option<u64>,
        goes_on: GoesOn<'_>,
    ) -> Result<Option<TimestampedOffset>, ReadError> {
        let (mut highest, mut start) = (known, start);
        if let Some(from) = scan_from {
            let view = &part.view;
            let mut scan = HeaderScan::new(&*view.file, from, view.size);
            while let Some((position, header)) = view.next(&mut scan)? {
                check(goes_on)?;
                if header.last_offset() >= self.limit {
                    break;
                }
                if header.max_timestamp > highest && header.last_offset() >= self.log_start {
                    (highest, start) = (header.max_timestamp, position);
                }
            }
        }
        if highest < 0 {
            return Ok(None);
        }
        part.view.find_record(
            (start, goes_on),
            |header| header.max_timestamp >= highest && header.last_offset() < self.limit,
            |record| record.timestamp >= highest && record.offset >= self.log_start,
        )
    }
}

impl SegmentView {
    /// The next header of a scan; `None` at the end.
    fn next(&self, scan: &mut HeaderScan<'_>) -> Result<Option<(u64, BatchHeader)>, ReadError> {
        match scan.next().map_err(|error| self.disk_error(&error))? {
            Found::Batch(position, header) => Ok(Some((position, header))),
            Found::End => Ok(None),
            Found::Bad(position, what) => Err(self.corrupt(position, what)),
        }
    }

    /// The first record from `start` on that satisfies `wanted`, in a batch whose header satisfies `candidate`.
    fn find_record(
        &self,
        (start, goes_on): (u64, GoesOn<'_>),
        candidate: impl Fn(&BatchHeader) -> bool,
        wanted: impl Fn(&RecordRef<'_>) -> bool,
    ) -> Result<Option<TimestampedOffset>, ReadError> {
        let mut scan = HeaderScan::new(&*self.file, start, self.size);
        while let Some((position, header)) = self.next(&mut scan)? {
            check(goes_on)?;
            if !candidate(&header) {
                continue;
            }
            let disk_error = |error: io::Error| self.disk_error(&error);
            let batch = scan.batch(position, &header).map_err(disk_error)?;
            let limit = batch
                .len()
                .saturating_mul(UNPACK_FACTOR)
                .clamp(UNPACK_BYTES_MIN, UNPACK_BYTES_MAX);
            let corrupt = |what| self.corrupt(position, what);
            let unpacked = records(&header, &batch, limit).map_err(corrupt)?;
            for record in unpacked.iter() {
                let record = record.map_err(corrupt)?;
                if wanted(&record) {
                    return Ok(Some(TimestampedOffset {
                        timestamp: record.timestamp,
                        offset: record.offset,
                        leader_epoch: header.leader_epoch,
                    }));
                }
            }
        }
        Ok(None)
    }
}
