//! The log of one partition: its segments, and what is known about them.
//!
//! Invariants, checked where they could break:
//! - segments are in ascending order of base offset, there is at least one, and the last is the one that is appended to;
//! - `log_start <= durable_end <= log_end`, and `log_end` is the next offset to be written;
//! - after a failed write or sync the log is poisoned: every later call fails, nothing is retried (a page cache that lost a write says
//!   so only once).

use std::io;
use std::path::Path;
use std::sync::Arc;

use mainstem_protocol::ErrorCode;

use crate::LogConfig;
use crate::disk::{Disk, DiskFile, is_no_descriptor, write_small};
use crate::leader_epochs::{self, LeaderEpochs};
use crate::producers::{ProducerEntry, Producers};
use crate::segment::{Segment, file_name};
use crate::transactions::Transactions;

/// The log of one partition.
#[derive(Debug)]
pub struct Log {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: Arc<Path>,
    pub(crate) config: LogConfig,
    pub(crate) segments: Vec<Segment>,
    pub(crate) log_start: i64,
    pub(crate) log_end: i64,
    pub(crate) durable_end: i64,
    pub(crate) producers: Producers,
    pub(crate) transactions: Transactions,
    pub(crate) epochs: LeaderEpochs,
    pub(crate) poison: Option<String>,
    /// Files that closed since the last sync.
    pub(crate) unsynced: Vec<Arc<dyn DiskFile>>,
    /// True when names in the directory changed since the last sync.
    pub(crate) names_unsynced: bool,
    /// True until the directory itself is stable in its parent.
    pub(crate) dir_unsynced: bool,
    /// Files of a segment at the log end may be there already: one was begun, and there was no descriptor for all of them.
    pub(crate) roll_begun: bool,
    /// Decides, with a segment's base offset, its share of `segment.jitter.ms`.
    pub(crate) jitter_seed: u32,
    pub(crate) undurable_bytes: u64,
}

/// Why a log could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// A write or sync failed earlier.
    #[error("the log in {dir} is offline since {cause}")]
    Offline {
        /// Its directory.
        dir: String,
        /// What failed.
        cause: String,
    },
    /// A read or write failed now.
    #[error("{dir}: {cause}")]
    Disk {
        /// Its directory.
        dir: String,
        /// What the disk said.
        cause: String,
    },
    /// A file could not be opened for want of a descriptor: nothing was written, and it can be tried again.
    #[error("{dir}: {cause}")]
    NoDescriptor {
        /// Its directory.
        dir: String,
        /// What the system said.
        cause: String,
    },
    /// An offset outside the log.
    #[error("offset {offset} is not between {log_start} and {log_end}")]
    Range {
        /// As asked.
        offset: i64,
        /// First kept.
        log_start: i64,
        /// Next to be written.
        log_end: i64,
    },
}

impl LogError {
    /// Apache Kafka's code for it.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Offline { .. } | Self::Disk { .. } | Self::NoDescriptor { .. } => {
                ErrorCode::KafkaStorageError
            }
            Self::Range { .. } => ErrorCode::OffsetOutOfRange,
        }
    }
}

impl Log {
    /// First offset that is kept.
    pub fn log_start(&self) -> i64 {
        self.log_start
    }

    /// Next offset to be written.
    pub fn log_end(&self) -> i64 {
        self.log_end
    }

    /// Everything below is on stable storage.
    pub fn durable_end(&self) -> i64 {
        self.durable_end
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The settings.
    pub fn config(&self) -> &LogConfig {
        &self.config
    }

    /// Takes new settings.
    pub fn set_config(&mut self, config: LogConfig) {
        self.config = config;
    }

    /// Bytes of all segments.
    pub fn size_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.size).sum()
    }

    /// Leader epochs.
    pub fn epochs(&self) -> &LeaderEpochs {
        &self.epochs
    }

    /// Begins to lead in `epoch`: what is asked of it is answered before it has a batch.
    pub fn begin_epoch(&mut self, epoch: i32) {
        self.epochs.begin(epoch, self.log_end);
    }

    /// Producers and what they sent last.
    pub fn producers(&self) -> impl Iterator<Item = (i64, &ProducerEntry)> {
        self.producers.iter()
    }

    /// Count of segments.
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    pub(crate) fn check_online(&self) -> Result<(), LogError> {
        match &self.poison {
            None => Ok(()),
            Some(cause) => Err(LogError::Offline {
                dir: self.dir.display().to_string(),
                cause: cause.clone(),
            }),
        }
    }

    /// Takes the log offline for good: a write or a sync of it failed.
    pub fn poison(&mut self, cause: &dyn std::fmt::Display) -> LogError {
        let cause = cause.to_string();
        self.poison = Some(cause.clone());
        LogError::Disk {
            dir: self.dir.display().to_string(),
            cause,
        }
    }

    /// What becomes of an error: the log goes offline, unless nothing was begun for want of a descriptor.
    pub(crate) fn refuse(&mut self, error: &io::Error) -> LogError {
        if !is_no_descriptor(error) {
            return self.poison(error);
        }
        LogError::NoDescriptor {
            dir: self.dir.display().to_string(),
            cause: error.to_string(),
        }
    }

    pub(crate) fn active(&mut self) -> Option<&mut Segment> {
        self.segments.last_mut()
    }

    /// Index of the segment that holds `offset`, or the first one.
    pub(crate) fn segment_of(&self, offset: i64) -> usize {
        self.segments
            .partition_point(|segment| segment.base_offset <= offset)
            .saturating_sub(1)
    }

    /// Closes the active segment and begins another at `log_end`.
    ///
    /// Each step may be taken twice: without a descriptor it is given up half-way, and nothing is appended before it is done.
    pub(crate) fn roll(&mut self, now_ms: i64) -> io::Result<()> {
        self.roll_begun = true;
        let snapshot = self.producers.snapshot();
        if let Some(active) = self.segments.last_mut() {
            active.store_indexes()?;
        }
        let path = self.dir.join(file_name(self.log_end, "snapshot"));
        let file = self.disk.open(&path, true)?;
        file.set_length(0)?;
        file.write_at(0, &snapshot, &[])?;
        let segment = Segment::create(&*self.disk, &self.dir, self.log_end, now_ms)?;
        if let Some(active) = self.segments.last() {
            self.unsynced.push(active.file.clone());
            self.unsynced.push(active.offsets.file.clone());
            self.unsynced.push(active.times.file.clone());
        }
        self.unsynced.push(file);
        self.segments.push(segment);
        self.names_unsynced = true;
        self.roll_begun = false;
        Ok(())
    }

    /// Takes away what [`Self::roll`] left at the log end when it was given up.
    fn undo_roll(&mut self) -> io::Result<()> {
        if self.roll_begun {
            self.remove_segment(self.log_end)?;
            self.names_unsynced = true;
            self.roll_begun = false;
        }
        Ok(())
    }

    /// Forgets producers that were silent for `producer.id.expiration.ms`.
    pub fn expire_producers(&mut self, now_ms: i64) {
        self.producers
            .expire(now_ms.saturating_sub(self.config.producer_id_expiration_ms));
    }

    /// Cuts the log at `offset`: it becomes the log end. A batch that holds it goes as a whole, since batches are never split.
    pub fn truncate_to(&mut self, offset: i64) -> Result<(), LogError> {
        self.check_online()?;
        if offset >= self.log_end {
            return Ok(());
        }
        self.truncate_inner(offset.max(self.log_start))
            .map_err(|error| self.poison(&error))
    }

    fn truncate_inner(&mut self, offset: i64) -> io::Result<()> {
        self.undo_roll()?;
        while self.segments.len() > 1
            && self
                .segments
                .last()
                .is_some_and(|segment| segment.base_offset >= offset)
        {
            if let Some(segment) = self.segments.pop() {
                self.remove_segment(segment.base_offset)?;
            }
        }
        let mut end = self.log_start;
        if let Some(segment) = self.segments.last_mut() {
            end = segment.base_offset;
            let mut scan = crate::scan::HeaderScan::new(&*segment.file, 0, segment.size);
            let mut cut = None;
            let (mut max_timestamp, mut max_timestamp_offset) = (-1, -1);
            while let crate::scan::Found::Batch(position, header) = scan.next()? {
                if header.last_offset() >= offset {
                    cut = Some((position, header.base_offset));
                    break;
                }
                end = header.next_offset();
                if header.max_timestamp > max_timestamp {
                    (max_timestamp, max_timestamp_offset) =
                        (header.max_timestamp, header.last_offset());
                }
            }
            if let Some((position, first_gone)) = cut {
                segment.cut(position, first_gone)?;
                (segment.max_timestamp, segment.max_timestamp_offset) =
                    (max_timestamp, max_timestamp_offset);
            }
        }
        self.log_end = end.max(self.log_start);
        self.durable_end = self.durable_end.min(self.log_end);
        self.epochs.cut_end(self.log_end);
        self.transactions.cut_end(self.log_end);
        self.names_unsynced = true;
        self.rebuild_producers()
    }

    /// Writes indexes, a snapshot of the producers, and syncs all: what a clean stop leaves.
    pub fn close(&mut self) -> Result<(), LogError> {
        self.check_online()?;
        self.close_inner().map_err(|error| self.poison(&error))
    }

    fn close_inner(&mut self) -> io::Result<()> {
        self.undo_roll()?;
        let snapshot = self.producers.snapshot();
        if let Some(active) = self.segments.last_mut() {
            active.store_indexes()?;
            active.file.sync()?;
            active.offsets.file.sync()?;
            active.times.file.sync()?;
        }
        for file in self.unsynced.drain(..) {
            file.sync()?;
        }
        if let Some(lines) = self.epochs.take_unsaved() {
            leader_epochs::store(&*self.disk, &self.dir, &lines)?;
        }
        write_small(
            &*self.disk,
            &self.dir.join(file_name(self.log_end, "snapshot")),
            &snapshot,
        )?;
        self.disk.sync_dir(&self.dir)?;
        self.durable_end = self.log_end;
        Ok(())
    }
}
