//! The producers of a log that is opened: from the newest snapshot and the batches behind it.
//!
//! A snapshot keeps one batch of each producer, as Apache Kafka's does. A producer may have had five of them under way when the node was
//! killed, and sends those again whose answers it did not get: so a little of what lies before the snapshot is read too.

use std::io;
use std::path::Path;

use super::Producers;
use crate::disk::Disk;
use crate::limits::{LOOK_BACK_BYTES, PRODUCER_SNAPSHOT_BYTES_MAX};
use crate::log::Log;
use crate::scan::{Found, HeaderScan, read_exact, to_usize};
use crate::segment::file_name;

impl Log {
    /// Reads the newest of the snapshots that fits, and the log behind it. `snapshots` ascend; those that are of no use are removed.
    pub(crate) fn load_producers(&mut self, snapshots: &[i64]) -> io::Result<()> {
        // What lies before the log start is still there for whoever sent it last.
        let mut from = self.first_base();
        let mut is_found = false;
        for base in snapshots.iter().copied().rev() {
            let path = self.dir.join(file_name(base, "snapshot"));
            let is_of_segment = self
                .segments
                .iter()
                .any(|segment| segment.base_offset == base);
            if is_found && is_of_segment {
                continue;
            }
            let read = match is_found || base > self.log_end {
                true => None,
                false => read_snapshot(&*self.disk, &path)?,
            };
            if let Some(producers) = read {
                self.producers = producers;
                (from, is_found) = (base, true);
            } else {
                self.disk.remove_file(&path)?;
            }
        }
        if is_found && !self.producers.is_empty() {
            self.look_back(from)?;
        }
        self.replay_producers(from)
    }

    /// Makes the producers' state anew from the whole log.
    pub(crate) fn rebuild_producers(&mut self) -> io::Result<()> {
        self.producers.clear();
        self.replay_producers(self.first_base())
    }

    fn first_base(&self) -> i64 {
        let first = self.segments.first();
        first.map_or(self.log_start, |segment| segment.base_offset)
    }

    fn replay_producers(&mut self, from: i64) -> io::Result<()> {
        for segment in self.segments.iter().skip(self.segment_of(from)) {
            let mut scan =
                HeaderScan::new(&*segment.file, segment.position_before(from), segment.size);
            while let Found::Batch(_, header) = scan.next()? {
                if header.base_offset >= from {
                    self.producers.note(&header);
                }
            }
        }
        self.note_open_transactions();
        Ok(())
    }

    /// Finds the batches that producers sent before the one that the snapshot of offset `end` has of each.
    fn look_back(&mut self, end: i64) -> io::Result<()> {
        let Some(segment) = self.segments.get(self.segment_of(end - 1)) else {
            return Ok(());
        };
        let tail = match segment.base_offset < end && end < self.log_end {
            true => segment.position_before(end),
            false => segment.size,
        };
        let start = segment.indexed_position_before(tail.saturating_sub(LOOK_BACK_BYTES));
        let mut scan = HeaderScan::new(&*segment.file, start, segment.size);
        let mut before = Producers::default();
        while let Found::Batch(_, header) = scan.next()? {
            if header.base_offset >= end {
                break;
            }
            before.note(&header);
        }
        self.producers.refill(&before);
        Ok(())
    }
}

/// A snapshot; `None` when it is not whole, or larger than any that is written.
fn read_snapshot(disk: &dyn Disk, path: &Path) -> io::Result<Option<Producers>> {
    let file = disk.open(path, false)?;
    let length = file.length()?;
    if length > PRODUCER_SNAPSHOT_BYTES_MAX {
        return Ok(None);
    }
    let bytes = read_exact(&*file, 0, to_usize(length))?;
    Ok(Producers::from_snapshot(&bytes))
}
