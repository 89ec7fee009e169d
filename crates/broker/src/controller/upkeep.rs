//! Keeping the metadata log short: when a snapshot is due, and what of the log and of older snapshots goes then.
//!
//! Invariant: of the log nothing goes that is not in the snapshot which is then the oldest, so whoever reads it can begin at any that is left.

use std::time::{Duration, Instant};

use mainstem_metadata::MetadataImage;

use super::metadata_log::{MetadataLog, MetadataLogError};
use super::snapshots::{self, SnapshotId, Stored};
use crate::clock::now_ms;
use crate::config::Properties;
use crate::limits::CHECKPOINT;

/// When there are snapshots, and for how long they and the log are kept. Limits below zero mean "no limit", as in Apache Kafka.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SnapshotLimits {
    /// `metadata.log.max.record.bytes.between.snapshots`.
    between_bytes: u64,
    /// `metadata.log.max.snapshot.interval.ms`; `None` never for age.
    interval: Option<Duration>,
    /// `metadata.max.retention.bytes`.
    retention_bytes: i64,
    /// `metadata.max.retention.ms`.
    retention_ms: i64,
}

impl SnapshotLimits {
    pub(crate) fn of(properties: &Properties) -> Self {
        let between = properties.number("metadata.log.max.record.bytes.between.snapshots");
        let interval = properties.number("metadata.log.max.snapshot.interval.ms");
        Self {
            between_bytes: u64::try_from(between).unwrap_or(u64::MAX),
            interval: u64::try_from(interval)
                .ok()
                .filter(|interval| *interval > 0)
                .map(Duration::from_millis),
            retention_bytes: properties.number("metadata.max.retention.bytes"),
            retention_ms: properties.number("metadata.max.retention.ms"),
        }
    }
}

/// What is there, and since when nothing was added to it.
#[derive(Debug)]
pub(super) struct Snapshots {
    limits: SnapshotLimits,
    /// The oldest first.
    stored: Vec<Stored>,
    /// Bytes of the log behind the latest.
    bytes_behind: u64,
    /// When the latest was written, or tried; the node's start at first.
    tried: Instant,
    /// When old ones could not be dropped last.
    failed_to_drop: Option<Instant>,
}

impl Snapshots {
    pub(super) fn new(limits: SnapshotLimits, stored: Vec<Stored>, bytes_behind: u64) -> Self {
        Self {
            limits,
            stored,
            bytes_behind,
            tried: Instant::now(),
            failed_to_drop: None,
        }
    }

    pub(super) fn note_appended(&mut self, bytes: usize) {
        self.bytes_behind = self
            .bytes_behind
            .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    fn is_due(&self, id: SnapshotId) -> bool {
        let latest = self.stored.last().map_or(0, |latest| latest.id.end);
        let is_old = |interval| self.tried.elapsed() >= interval;
        id.end > latest
            && (self.bytes_behind >= self.limits.between_bytes
                || self.limits.interval.is_some_and(is_old))
    }

    /// The snapshot at which the log may begin, when the oldest one is too old, or the log and all of them are too much.
    fn new_start(&self, log_bytes: u64, now_ms: i64) -> Option<SnapshotId> {
        let [oldest, next, ..] = self.stored.as_slice() else {
            return None;
        };
        let held = self.stored.iter().map(|stored| stored.bytes).sum::<u64>() + log_bytes;
        let too_much = u64::try_from(self.limits.retention_bytes).is_ok_and(|limit| held > limit);
        let too_old = self.limits.retention_ms >= 0
            && now_ms.saturating_sub(oldest.last_ms) > self.limits.retention_ms;
        (too_much || too_old).then_some(next.id)
    }
}

impl MetadataLog {
    /// Writes a snapshot of `image`, which is in effect and synced, when one is due. One that cannot be written is tried again when the
    /// next is due: nothing is lost without it.
    pub(super) fn snapshot_when_due(&mut self, image: &MetadataImage) {
        let id = SnapshotId::of(image.at);
        if !self.snapshots.is_due(id) {
            return;
        }
        self.snapshots.tried = Instant::now();
        self.snapshots.bytes_behind = 0;
        let written = snapshots::write(
            &*self.disk,
            self.log.dir(),
            id,
            self.last_ms,
            &self.quorum,
            &image.records(),
        );
        match written {
            Ok(stored) => {
                tracing::info!(
                    end = id.end,
                    bytes = stored.bytes,
                    "snapshot of the metadata"
                );
                self.snapshots.stored.push(stored);
            }
            Err(error) => {
                tracing::warn!(%error, "no snapshot of the metadata could be written; the log keeps all of it");
            }
        }
    }

    /// True when [`Self::drop_old`] would drop something, and did not fail just before.
    pub(super) fn has_old(&self) -> bool {
        let is_due = self
            .snapshots
            .new_start(self.log.size_bytes(), now_ms())
            .is_some();
        let failed = self.snapshots.failed_to_drop;
        is_due && failed.is_none_or(|failed| failed.elapsed() >= CHECKPOINT)
    }

    /// Notes that what is old could not be dropped: a full disk is not asked again at every command.
    pub(super) fn note_not_dropped(&mut self) {
        self.snapshots.failed_to_drop = Some(Instant::now());
    }

    /// Drops the oldest snapshots, and the segments that lie before the first that stays. A recovery point at its end or behind it must be
    /// on stable storage before.
    pub(super) fn drop_old(&mut self) -> Result<(), MetadataLogError> {
        let now_ms = now_ms();
        while let Some(start) = self.snapshots.new_start(self.log.size_bytes(), now_ms) {
            self.log.move_log_start(start.end, start.end)?;
            self.log.apply_retention(now_ms, start.end)?.remove()?;
            let gone = self.snapshots.stored.remove(0);
            snapshots::remove(&*self.disk, self.log.dir(), gone.id)?;
        }
        Ok(())
    }
}
