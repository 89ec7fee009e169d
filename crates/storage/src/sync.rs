//! Making what was appended durable, without holding the log's lock while the disk works.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::leader_epochs;
use crate::log::Log;

/// What must be synced so that everything below [`Self::covers`] is on stable storage.
#[derive(Debug)]
#[must_use = "a ticket that is not synced makes nothing durable"]
pub struct SyncTicket {
    covers: i64,
    bytes: u64,
    files: Vec<Arc<dyn DiskFile>>,
    disk: Arc<dyn Disk>,
    /// Directories whose names changed: the log's own, and its parent while the log is new.
    dirs: Vec<PathBuf>,
    /// The leader epochs, when they are news, and the log's directory.
    epochs: Option<(Arc<Path>, Vec<String>)>,
}

impl SyncTicket {
    /// The log end when the ticket was taken.
    pub fn covers(&self) -> i64 {
        self.covers
    }

    /// Bytes that become durable.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Syncs. Files first, then the names: a name that is stable before its bytes would show an empty file.
    pub fn sync(&self) -> io::Result<()> {
        for file in &self.files {
            file.sync()?;
        }
        if let Some((dir, lines)) = &self.epochs {
            leader_epochs::store(&*self.disk, dir, lines)?;
        }
        for dir in &self.dirs {
            self.disk.sync_dir(dir)?;
        }
        Ok(())
    }
}

impl Log {
    /// True when more than bytes of the active segment waits for a sync: names, segments that closed, leader epochs.
    pub fn has_unsynced_files(&self) -> bool {
        self.names_unsynced
            || self.dir_unsynced
            || !self.unsynced.is_empty()
            || self.epochs.is_unsaved()
    }

    /// Takes a ticket for everything appended so far.
    pub fn sync_ticket(&mut self) -> SyncTicket {
        let mut files = std::mem::take(&mut self.unsynced);
        files.extend(self.segments.last().map(|active| active.file.clone()));
        let mut dirs = Vec::new();
        if std::mem::take(&mut self.names_unsynced) {
            dirs.push(self.dir.to_path_buf());
        }
        if std::mem::take(&mut self.dir_unsynced)
            && let Some(parent) = self.dir.parent()
        {
            dirs.push(parent.to_owned());
        }
        SyncTicket {
            covers: self.log_end,
            bytes: std::mem::take(&mut self.undurable_bytes),
            files,
            disk: self.disk.clone(),
            dirs,
            epochs: self
                .epochs
                .take_unsaved()
                .map(|lines| (self.dir.clone(), lines)),
        }
    }

    /// Notes that a ticket was synced; returns the durable end.
    pub fn on_synced(&mut self, ticket: &SyncTicket) -> i64 {
        // A truncation after the ticket was taken may have moved the end below what it covers.
        self.durable_end = self.durable_end.max(ticket.covers.min(self.log_end));
        self.durable_end
    }
}
