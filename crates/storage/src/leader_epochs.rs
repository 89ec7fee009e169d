//! Which leader epoch began at which offset: `leader-epoch-checkpoint`.
//!
//! The file is written together with the next sync of the log ([`crate::SyncTicket`]), not under the log's lock. What a crash takes is
//! in the batches all the same: recovery notes the epoch of each batch that it scans. An epoch that has no batch yet begins at the log end,
//! and gives no reason to write the file: the next leader begins another one there.
//!
//! Invariant: epochs and start offsets both ascend. Example: epochs `[(0, 0), (3, 120)]` mean that offsets 0 to 119 were
//! appended under epoch 0 and everything from 120 on under epoch 3.

use std::io;
use std::path::Path;

use crate::checkpoint::{read_lines, write_lines};
use crate::disk::Disk;

const FILE: &str = "leader-epoch-checkpoint";

/// The epochs of a log.
#[derive(Debug)]
pub struct LeaderEpochs {
    entries: Vec<(i32, i64)>,
    unsaved: bool,
    /// True when the newest epoch may have no batch yet.
    begun: bool,
}

impl LeaderEpochs {
    pub(crate) fn load(disk: &dyn Disk, dir: &Path) -> io::Result<Self> {
        let path = dir.join(FILE);
        let mut entries: Vec<(i32, i64)> = Vec::new();
        for line in read_lines(disk, &path)? {
            let parsed = line
                .split_once(' ')
                .and_then(|(epoch, start)| Some((epoch.parse().ok()?, start.parse().ok()?)));
            let (epoch, start) = parsed.ok_or_else(|| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("{}: {line:?}", path.display()),
                )
            })?;
            if entries
                .last()
                .is_none_or(|last| last.0 < epoch && last.1 <= start)
            {
                entries.push((epoch, start));
            }
        }
        Ok(Self {
            entries,
            unsaved: false,
            begun: false,
        })
    }

    /// The newest epoch.
    pub fn latest(&self) -> Option<i32> {
        self.entries.last().map(|entry| entry.0)
    }

    /// Notes that a batch of `epoch` begins at `offset`.
    pub(crate) fn assign(&mut self, epoch: i32, offset: i64) {
        let newer = self.push(epoch, offset);
        if newer || (self.begun && self.latest() == Some(epoch)) {
            self.unsaved = true;
            self.begun = false;
        }
    }

    /// Notes that somebody leads in `epoch` from `log_end` on.
    pub(crate) fn begin(&mut self, epoch: i32, log_end: i64) {
        self.begun |= self.push(epoch, log_end);
    }

    /// False when the epoch is none, or not newer than the newest.
    fn push(&mut self, epoch: i32, offset: i64) -> bool {
        if epoch < 0 || self.latest().is_some_and(|latest| latest >= epoch) {
            return false;
        }
        self.entries.retain(|entry| entry.1 < offset);
        self.entries.push((epoch, offset));
        true
    }

    /// The epoch under which `offset` was appended.
    pub fn epoch_of(&self, offset: i64) -> Option<i32> {
        self.entries
            .iter()
            .rev()
            .find(|entry| entry.1 <= offset)
            .map(|entry| entry.0)
    }

    /// The answer to OffsetForLeaderEpoch (KIP-101, KIP-320): the largest epoch not above the asked one, and where it ended.
    /// Example with the entries of the module and a log end of 200: 0 → (0, 120), 2 → (0, 120), 3 → (3, 200), 4 → none.
    pub fn end_of(&self, epoch: i32, log_end: i64) -> Option<(i32, i64)> {
        if epoch == self.latest()? {
            return Some((epoch, log_end));
        }
        let next = self.entries.iter().position(|entry| entry.0 > epoch)?;
        let end = self.entries.get(next)?.1;
        let known = next
            .checked_sub(1)
            .and_then(|at| self.entries.get(at))
            .map_or(epoch, |entry| entry.0);
        Some((known, end))
    }

    /// Forgets what began at or behind `log_end`.
    pub(crate) fn cut_end(&mut self, log_end: i64) {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.1 < log_end);
        self.unsaved |= self.entries.len() != before;
    }

    /// Forgets what ended before `log_start`; the epoch of `log_start` begins there now.
    pub(crate) fn cut_start(&mut self, log_start: i64) {
        let Some(current) = self.entries.iter().rposition(|entry| entry.1 <= log_start) else {
            return;
        };
        self.unsaved |= current > 0;
        self.entries.drain(..current);
        if let Some(first) = self.entries.first_mut()
            && first.1 < log_start
        {
            first.1 = log_start;
            self.unsaved = true;
        }
    }

    /// True when the file does not say what is here.
    pub(crate) fn is_unsaved(&self) -> bool {
        self.unsaved
    }

    /// The lines of the file, when it must be written; who takes them writes them.
    pub(crate) fn take_unsaved(&mut self) -> Option<Vec<String>> {
        let entries = self.entries.iter();
        std::mem::take(&mut self.unsaved).then(|| {
            entries
                .map(|(epoch, start)| format!("{epoch} {start}"))
                .collect()
        })
    }
}

/// Replaces the file of the log in `dir`.
pub(crate) fn store(disk: &dyn Disk, dir: &Path, lines: &[String]) -> io::Result<()> {
    write_lines(disk, &dir.join(FILE), lines)
}
