//! What `__cluster_metadata-0` says, whoever wrote it: the latest snapshot, and the log behind it, folded into an image.
//!
//! | file | what it says |
//! |---|---|
//! | `<offset>-<epoch>.checkpoint` | a snapshot: the image before that offset, between a header and a footer |
//! | `00000000000000000000-0000000000.checkpoint` | no image, but with what a new cluster begins; the log repeats it |
//! | `bootstrap.checkpoint`, beside the partitions | the same, as older formatting tools left it |
//!
//! Invariant: what a transaction of the log has begun and not ended is not in the image.

use std::path::Path;

use bytes::Bytes;
use mainstem_metadata::{Changed, MetadataImage, OffsetAndEpoch};
use mainstem_protocol::batch::{BatchHeader, ControlKind, batches, control_kind, records};
use mainstem_protocol::codec::{Decoder, Message};
use mainstem_protocol::messages::{
    KRaftVersionRecord, MetadataRecord, VotersRecord, voters_record,
};
use mainstem_storage::Log;
use mainstem_storage::disk::Disk;

use super::metadata_log::MetadataLogError;
use super::snapshots::{self, SnapshotId};

const OLD_FIRST_SNAPSHOT: &str = "bootstrap.checkpoint";
/// Bytes read at a time while replaying.
const REPLAY_BYTES: usize = 1 << 20;
/// A batch of metadata may unpack to this.
const BATCH_BYTES_MAX: usize = 64 << 20;

/// Who votes, where the log says it (kraft.version 1); nothing of a static quorum.
#[derive(Debug, Default)]
pub(super) struct Quorum {
    pub(super) kraft_version: i16,
    pub(super) voters: Vec<voters_record::Voter>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    pub(super) image: MetadataImage,
    pub(super) changed: Changed,
    pub(super) last_epoch: i32,
    pub(super) quorum: Quorum,
    /// Bytes of the log behind the latest snapshot.
    pub(super) bytes_behind: u64,
    /// When the last of it was appended.
    pub(super) last_ms: i64,
    /// With what the cluster began or is to begin, as it was formatted.
    pub(super) first_records: Vec<MetadataRecord>,
    /// The image before the transaction that has not ended.
    begun: Option<(MetadataImage, Changed)>,
}

impl Replayed {
    /// True when the log ends within a transaction; the image is that of before.
    pub(super) fn roll_back(&mut self) -> bool {
        let at = self.image.at;
        let Some((image, changed)) = self.begun.take() else {
            return false;
        };
        (self.image, self.changed) = (image, changed);
        self.image.at = at;
        true
    }

    /// Applies one batch of the log or of a snapshot; records before `from` are known.
    fn batch(
        &mut self,
        header: &BatchHeader,
        batch: &Bytes,
        from: i64,
    ) -> Result<(), MetadataLogError> {
        header.check_crc(batch)?;
        for record in records(header, batch, BATCH_BYTES_MAX)?.iter() {
            let record = record?;
            let offset = record.offset;
            let value = Bytes::copy_from_slice(record.value.unwrap_or_default());
            let bad = |cause| MetadataLogError::Record { offset, cause };
            if header.attributes.is_control() {
                match control_kind(&record) {
                    Some(ControlKind::KraftVersion) => {
                        let read = KRaftVersionRecord::decode(&mut Decoder::new(value), 0);
                        self.quorum.kraft_version = read.map_err(bad)?.k_raft_version;
                    }
                    Some(ControlKind::KraftVoters) => {
                        let read = VotersRecord::decode(&mut Decoder::new(value), 0);
                        self.quorum.voters = read.map_err(bad)?.voters;
                    }
                    _ => {}
                }
            } else if offset >= from {
                let decoded = MetadataRecord::decode_value(value).map_err(bad)?;
                self.record(&decoded)
                    .map_err(|cause| MetadataLogError::Apply { offset, cause })?;
            }
        }
        Ok(())
    }

    fn record(&mut self, record: &MetadataRecord) -> Result<(), mainstem_metadata::ApplyError> {
        match record {
            MetadataRecord::BeginTransaction(_) => {
                self.begun = Some((self.image.clone(), self.changed.clone()));
            }
            MetadataRecord::EndTransaction(_) => self.begun = None,
            MetadataRecord::AbortTransaction(_) => {
                self.roll_back();
            }
            other => self.image.apply(other, &mut self.changed)?,
        }
        Ok(())
    }

    fn snapshot(
        &mut self,
        path: &Path,
        id: SnapshotId,
        bytes: &Bytes,
    ) -> Result<(), MetadataLogError> {
        let mut whole = false;
        for one in batches(bytes) {
            let (header, batch) = one?;
            self.batch(&header, &batch, 0)?;
            whole = ends(&header, &batch)?;
        }
        if !whole {
            return Err(MetadataLogError::Snapshot {
                path: path.to_owned(),
                what: "it has no end".to_owned(),
            });
        }
        self.image.at = OffsetAndEpoch {
            offset: id.end - 1,
            epoch: id.epoch,
        };
        self.last_epoch = id.epoch;
        Ok(())
    }
}

/// Whether a batch is the footer of a snapshot.
fn ends(header: &BatchHeader, batch: &Bytes) -> Result<bool, MetadataLogError> {
    if !header.attributes.is_control() {
        return Ok(false);
    }
    let mut last = None;
    for record in records(header, batch, BATCH_BYTES_MAX)?.iter() {
        last = control_kind(&record?);
    }
    Ok(last == Some(ControlKind::SnapshotFooter))
}

/// What the formatting tool left for a new cluster: its first records, and who votes.
fn formatted(disk: &dyn Disk, dir: &Path, into: &mut Replayed) -> Result<(), MetadataLogError> {
    let old = dir.parent().map(|above| above.join(OLD_FIRST_SNAPSHOT));
    let first = dir.join(SnapshotId::FIRST.file_name());
    for path in [Some(first), old].into_iter().flatten() {
        let Some(bytes) = snapshots::read(disk, &path)? else {
            continue;
        };
        for one in batches(&bytes) {
            let (header, batch) = one?;
            // No offset lies behind this one: only what says who votes is applied.
            into.batch(&header, &batch, i64::MAX)?;
            if header.attributes.is_control() {
                continue;
            }
            for record in records(&header, &batch, BATCH_BYTES_MAX)?.iter() {
                let record = record?;
                let offset = record.offset;
                let value = Bytes::copy_from_slice(record.value.unwrap_or_default());
                let decoded = MetadataRecord::decode_value(value)
                    .map_err(|cause| MetadataLogError::Record { offset, cause })?;
                into.first_records.push(decoded);
            }
        }
        return Ok(());
    }
    Ok(())
}

/// Folds the latest snapshot and the log behind it.
pub(super) fn replay(log: &Log, disk: &dyn Disk) -> Result<Replayed, MetadataLogError> {
    let mut replayed = Replayed::default();
    let mut from = log.log_start();
    let latest = snapshots::list(disk, log.dir())?.pop();
    // That of a new cluster holds no image.
    if let Some(found) = latest.filter(|id| id.end > 0) {
        let path = log.dir().join(found.file_name());
        if found.end < log.log_start() || found.end > log.log_end() {
            let what = format!(
                "it ends at offset {}, the log holds {} to {}",
                found.end,
                log.log_start(),
                log.log_end()
            );
            return Err(MetadataLogError::Snapshot { path, what });
        }
        let bytes = snapshots::read(disk, &path)?.unwrap_or_default();
        replayed.snapshot(&path, found, &bytes)?;
        from = found.end;
    } else if log.log_start() > 0 {
        return Err(MetadataLogError::NoSnapshot {
            log_start: log.log_start(),
        });
    } else {
        formatted(disk, log.dir(), &mut replayed)?;
    }
    let first = from;
    while from < log.log_end() {
        let slice = log.read(from, log.log_end(), REPLAY_BYTES, true)?;
        if slice.bytes.is_empty() {
            return Err(MetadataLogError::Missing { offset: from });
        }
        for found in batches(&slice.bytes) {
            let (header, batch) = found?;
            // Offsets lie outside a batch's checksum, and nothing of this log may be passed over.
            if header.base_offset > from || header.next_offset() <= from {
                return Err(MetadataLogError::Missing { offset: from });
            }
            from = header.next_offset();
            replayed.batch(&header, &batch, first)?;
            replayed.bytes_behind += u64::try_from(batch.len()).unwrap_or_default();
            replayed.last_ms = header.max_timestamp;
            replayed.last_epoch = replayed.last_epoch.max(header.leader_epoch);
            replayed.image.at = OffsetAndEpoch {
                offset: header.last_offset(),
                epoch: header.leader_epoch,
            };
        }
    }
    Ok(replayed)
}
