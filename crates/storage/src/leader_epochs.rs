//! Which leader epoch began at which offset: `leader-epoch-checkpoint`.
//!
//! Invariant: epochs and start offsets both ascend. Example: epochs `[(0, 0), (3, 120)]` mean that offsets 0 to 119 were
//! appended under epoch 0 and everything from 120 on under epoch 3.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::checkpoint::{read_lines, write_lines};
use crate::disk::Disk;

const FILE: &str = "leader-epoch-checkpoint";

/// The epochs of a log.
#[derive(Debug)]
pub struct LeaderEpochs {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    entries: Vec<(i32, i64)>,
}

impl LeaderEpochs {
    pub(crate) fn load(disk: Arc<dyn Disk>, dir: &std::path::Path) -> io::Result<Self> {
        let path = dir.join(FILE);
        let mut entries: Vec<(i32, i64)> = Vec::new();
        for line in read_lines(&*disk, &path)? {
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
            disk,
            path,
            entries,
        })
    }

    /// The newest epoch.
    pub fn latest(&self) -> Option<i32> {
        self.entries.last().map(|entry| entry.0)
    }

    /// Notes that a batch of `epoch` begins at `offset`; returns true when that is news.
    pub(crate) fn assign(&mut self, epoch: i32, offset: i64) -> io::Result<bool> {
        if epoch < 0 || self.latest().is_some_and(|latest| latest >= epoch) {
            return Ok(false);
        }
        self.entries.retain(|entry| entry.1 < offset);
        self.entries.push((epoch, offset));
        self.store()?;
        Ok(true)
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
    pub(crate) fn cut_end(&mut self, log_end: i64) -> io::Result<()> {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.1 < log_end);
        if self.entries.len() == before {
            Ok(())
        } else {
            self.store()
        }
    }

    /// Forgets what ended before `log_start`; the epoch of `log_start` begins there now.
    pub(crate) fn cut_start(&mut self, log_start: i64) -> io::Result<()> {
        let Some(current) = self.entries.iter().rposition(|entry| entry.1 <= log_start) else {
            return Ok(());
        };
        if current == 0
            && self
                .entries
                .first()
                .is_some_and(|entry| entry.1 == log_start)
        {
            return Ok(());
        }
        self.entries.drain(..current);
        if let Some(first) = self.entries.first_mut() {
            first.1 = first.1.max(log_start);
        }
        self.store()
    }

    fn store(&self) -> io::Result<()> {
        let lines: Vec<String> = self
            .entries
            .iter()
            .map(|(epoch, start)| format!("{epoch} {start}"))
            .collect();
        write_lines(&*self.disk, &self.path, &lines)
    }
}
