//! Deleting what is old, what is too much, and what lies before the log start.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::log::{Log, LogError};
use crate::segment::{Segment, file_name, paths};

/// Files that left the log and wait to be removed without its lock. A start before that finds them again, and retention takes them again.
#[must_use = "files that left the log must be removed"]
pub struct Doomed {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    paths: Vec<PathBuf>,
    /// What took their place, if they were all of the log: without it on stable storage nobody would know where the log ended.
    successors: Vec<Arc<dyn DiskFile>>,
}

impl Doomed {
    /// Removes the files, the oldest first: what a crash leaves of them is a log without a hole.
    pub fn remove(self) -> io::Result<()> {
        for file in &self.successors {
            file.sync()?;
        }
        if !self.successors.is_empty() {
            self.disk.sync_dir(&self.dir)?;
        }
        for path in &self.paths {
            match self.disk.remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// True when there is nothing to remove.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }
}

impl Log {
    /// True when [`Self::apply_retention`] would drop something.
    pub fn has_retired(&self, now_ms: i64, upto: i64) -> bool {
        self.retired(now_ms, upto) > 0
    }

    /// Drops whole segments from the front by age, size and log start; none at or above `upto` (the high watermark).
    ///
    /// A recovery point of at least `upto` must be on stable storage before, see [`crate::OpenMode`].
    pub fn apply_retention(&mut self, now_ms: i64, upto: i64) -> Result<Doomed, LogError> {
        self.check_online()?;
        self.retain(now_ms, upto)
            .map_err(|error| self.refuse(&error))
    }

    /// How many segments at the front are to go.
    fn retired(&self, now_ms: i64, upto: i64) -> usize {
        let mut excess = match u64::try_from(self.config.retention_bytes) {
            Ok(limit) if self.config.delete => self.size_bytes().saturating_sub(limit),
            _ => 0,
        };
        let mut count = 0;
        for (at, segment) in self.segments.iter().enumerate() {
            let end = self
                .segments
                .get(at + 1)
                .map_or(self.log_end, |next| next.base_offset);
            if end > upto || segment.size == 0 {
                break;
            }
            let too_much = excess >= segment.size && excess > 0;
            if !(end <= self.log_start || self.is_expired(segment, now_ms) || too_much) {
                break;
            }
            excess = excess.saturating_sub(segment.size);
            count += 1;
        }
        count
    }

    fn retain(&mut self, now_ms: i64, upto: i64) -> io::Result<Doomed> {
        let mut doomed = Doomed {
            disk: self.disk.clone(),
            dir: self.dir.to_path_buf(),
            paths: Vec::new(),
            successors: Vec::new(),
        };
        let count = self.retired(now_ms, upto);
        if count == 0 {
            return Ok(doomed);
        }
        if count == self.segments.len() {
            self.roll(now_ms)?;
            doomed.successors.extend(self.unsynced.last().cloned());
            doomed
                .successors
                .extend(self.segments.last().map(|segment| segment.file.clone()));
        }
        for segment in self.segments.drain(..count) {
            let mut files = paths(&self.dir, segment.base_offset).to_vec();
            files.push(self.dir.join(file_name(segment.base_offset, "snapshot")));
            doomed.paths.extend(files);
        }
        self.names_unsynced = true;
        let first = self
            .segments
            .first()
            .map_or(self.log_end, |segment| segment.base_offset);
        self.move_start(first);
        Ok(doomed)
    }

    fn is_expired(&self, segment: &Segment, now_ms: i64) -> bool {
        // Timestamps beyond now would keep a segment for ever; Apache Kafka counts from them all the same, and so do we.
        self.config.delete
            && self.config.retention_ms >= 0
            && now_ms.saturating_sub(segment.newest_ms()) > self.config.retention_ms
    }

    /// Moves the log start up, as DeleteRecords asks. It holds after a crash once the log-start checkpoint was written.
    pub fn move_log_start(&mut self, offset: i64, upto: i64) -> Result<(), LogError> {
        self.check_online()?;
        if offset > upto || offset < 0 {
            return Err(LogError::Range {
                offset,
                log_start: self.log_start,
                log_end: upto,
            });
        }
        self.move_start(offset);
        Ok(())
    }

    fn move_start(&mut self, offset: i64) {
        if offset > self.log_start {
            self.log_start = offset;
            self.durable_end = self.durable_end.max(offset);
            self.epochs.cut_start(offset);
        }
    }
}
