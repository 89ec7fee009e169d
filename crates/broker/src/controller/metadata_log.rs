//! `__cluster_metadata-0`: Apache Kafka's records of the cluster, and the files beside them.
//!
//! | file | what it says |
//! |---|---|
//! | `00…0.log` | batches of metadata records, each led in by a LeaderChange at a start |
//! | `quorum-state` | who leads, in which epoch (JSON; data_version 0: a static quorum, 1: voters are in the log) |
//! | `<end>-<epoch>.checkpoint` | snapshots: see `snapshots` |
//!
//! Invariant: every batch is on stable storage before the next is written. So only the last can be torn, and damage before it is damage.
//!
//! The log may be one that Apache Kafka wrote: see `replay`. Records that this build does not serve are kept for whoever does, in the log
//! and in snapshots.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use mainstem_metadata::control::{METADATA_VERSION, written_version};
use mainstem_metadata::{ApplyError, MetadataImage, OffsetAndEpoch};
use mainstem_protocol::batch::{
    BatchBuilder, BatchError, BatchOptions, ControlKind, control_batch,
};
use mainstem_protocol::messages::{
    AbortTransactionRecord, FeatureLevelRecord, LeaderChangeMessage, MetadataRecord,
    leader_change_message,
};
use mainstem_protocol::{DecodeError, EncodeError, Str, Uuid};
use mainstem_storage::disk::{Disk, is_no_descriptor, read_small, write_small};
use mainstem_storage::{AppendError, Invalid, Log, LogError, ReadError, validate_internal};

use super::replay::{Quorum, Replayed, replay};
use super::snapshots::{self, SnapshotId};
use super::upkeep::{SnapshotLimits, Snapshots};
use crate::clock::now_ms;
use crate::descriptors::patiently;

pub(crate) const QUORUM_STATE: &str = "quorum-state";
/// Records of one batch where many are written: Apache Kafka's controller keeps to about as many.
pub(super) const RECORDS_PER_BATCH: usize = 1_000;

/// Why the metadata log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MetadataLogError {
    /// A batch is damaged.
    #[error("metadata log in __cluster_metadata-0: {0}")]
    Batch(#[from] BatchError),
    /// A record cannot be read.
    #[error("metadata log in __cluster_metadata-0, offset {offset}: {cause}")]
    Record {
        /// Its offset.
        offset: i64,
        /// What is wrong.
        cause: DecodeError,
    },
    /// A record does not fit what came before.
    #[error("metadata log in __cluster_metadata-0, offset {offset}: {cause}")]
    Apply {
        /// Its offset.
        offset: i64,
        /// What is wrong.
        cause: ApplyError,
    },
    /// A snapshot.
    #[error("snapshot of the metadata log {}: {what}", path.display())]
    Snapshot {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The log was cut at its start, and what was cut is in no snapshot.
    #[error(
        "metadata log in __cluster_metadata-0 starts at offset {log_start}, and there is no snapshot of what came before"
    )]
    NoSnapshot {
        /// Its first offset.
        log_start: i64,
    },
    /// A hole, or an offset that is not what it was.
    #[error("metadata log in __cluster_metadata-0: the batch of offset {offset} is not there")]
    Missing {
        /// The first offset that is missed.
        offset: i64,
    },
    /// Other nodes vote on this log.
    #[error(
        "metadata log in __cluster_metadata-0: node {id} is a voter too, but this node serves alone"
    )]
    OtherVoter {
        /// One of them.
        id: i32,
    },
    /// A record cannot be written.
    #[error("metadata record: {0}")]
    Encode(#[from] EncodeError),
    /// The log refused.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log refused.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The batch that was built is refused.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The log is offline.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A file beside the log.
    #[error("metadata log in __cluster_metadata-0: {0}")]
    Disk(#[from] std::io::Error),
}

impl MetadataLogError {
    /// The same for those who know only of disks.
    pub(crate) fn into_io(self) -> std::io::Error {
        match self {
            Self::Disk(cause) => cause,
            other => std::io::Error::other(other),
        }
    }
}

/// The metadata log, of which this node is the only voter.
#[derive(Debug)]
pub(crate) struct MetadataLog {
    pub(super) log: Log,
    pub(super) disk: Arc<dyn Disk>,
    epoch: i32,
    pub(super) quorum: Quorum,
    pub(super) snapshots: Snapshots,
    /// When the last record was appended.
    pub(super) last_ms: i64,
    /// Topics whose deletion is in the log as it was found.
    removed_topics: BTreeSet<Uuid>,
    /// With what the cluster is to begin, as it was formatted.
    first_records: Vec<MetadataRecord>,
}

impl MetadataLog {
    /// Replays the log, begins a new epoch, and gives the image.
    pub(crate) fn begin(
        log: Log,
        disk: Arc<dyn Disk>,
        node_id: i32,
        limits: SnapshotLimits,
    ) -> Result<(Self, MetadataImage), MetadataLogError> {
        let dir = log.dir().to_owned();
        let mut replayed = replay(&log, &*disk)?;
        let within_transaction = replayed.roll_back();
        let Replayed {
            mut image,
            changed,
            last_epoch,
            quorum,
            first_records,
            bytes_behind,
            last_ms,
            ..
        } = replayed;
        let stored = stored_state(&*disk, &dir)?;
        let mut voters = stored.voters.iter().copied();
        let mut logged = quorum.voters.iter().map(|voter| voter.voter_id);
        let is_other = |id: &i32| *id != node_id;
        if let Some(id) = voters.find(is_other).or_else(|| logged.find(is_other)) {
            return Err(MetadataLogError::OtherVoter { id });
        }
        let epoch = last_epoch.max(stored.epoch) + 1;
        if log.log_end() == 0 && snapshots::list(&*disk, &dir)?.is_empty() {
            write_first_snapshot(&*disk, &dir)?;
        }
        let found = snapshots::find(&*disk, &dir, log.log_start())?;
        let state = quorum_state(&quorum, node_id, epoch);
        write_small(&*disk, &dir.join(QUORUM_STATE), state.as_bytes())?;
        let mut this = Self {
            log,
            disk,
            epoch,
            quorum,
            snapshots: Snapshots::new(limits, found, bytes_behind),
            last_ms,
            removed_topics: changed.removed_topics,
            first_records,
        };
        this.append_batch(leader_change(node_id, epoch)?)?;
        if within_transaction {
            // Else what comes next would be taken for a part of it.
            let reason = Some(Str::from_static("Its controller stopped"));
            image.at = this.append(&[AbortTransactionRecord { reason }.into()])?;
        }
        Ok((this, image))
    }

    /// The topics that were deleted before this start; asked for once.
    pub(crate) fn take_removed_topics(&mut self) -> BTreeSet<Uuid> {
        std::mem::take(&mut self.removed_topics)
    }

    /// With what the cluster is to begin, as it was formatted; asked for once.
    pub(crate) fn take_first_records(&mut self) -> Vec<MetadataRecord> {
        std::mem::take(&mut self.first_records)
    }

    /// The offset that the next record gets.
    pub(crate) fn next_offset(&self) -> i64 {
        self.log.log_end()
    }

    /// Appends records as one batch; returns the place of the last.
    fn append(&mut self, records: &[MetadataRecord]) -> Result<OffsetAndEpoch, MetadataLogError> {
        self.append_values(&encode(records)?)
    }

    /// Appends encoded records as one batch; returns the place of the last.
    pub(crate) fn append_values(
        &mut self,
        values: &[Bytes],
    ) -> Result<OffsetAndEpoch, MetadataLogError> {
        let mut builder = BatchBuilder::new(BatchOptions {
            leader_epoch: self.epoch,
            ..BatchOptions::default()
        });
        let now_ms = now_ms();
        for value in values {
            builder.append(now_ms, None, Some(value), &[]);
        }
        self.append_batch(builder.build()?)
    }

    /// Appends any number of records that need not be applied together; returns the place of the last.
    pub(crate) fn append_many(
        &mut self,
        records: &[MetadataRecord],
    ) -> Result<Option<OffsetAndEpoch>, MetadataLogError> {
        let mut last = None;
        for some in records.chunks(RECORDS_PER_BATCH) {
            last = Some(self.append(some)?);
        }
        Ok(last)
    }

    fn append_batch(&mut self, batch: Bytes) -> Result<OffsetAndEpoch, MetadataLogError> {
        let valid = validate_internal(batch)?;
        self.last_ms = now_ms();
        self.snapshots.note_appended(valid.len());
        let appended = patiently(
            |error| matches!(error, AppendError::Log(LogError::NoDescriptor { .. })),
            || self.log.append_as_leader(&valid, self.epoch, self.last_ms),
        )?;
        self.sync()?;
        Ok(OffsetAndEpoch {
            offset: appended.last,
            epoch: self.epoch,
        })
    }

    fn sync(&mut self) -> Result<(), MetadataLogError> {
        let ticket = self.log.sync_ticket();
        if let Err(error) = patiently(is_no_descriptor, || ticket.sync()) {
            self.log.poison(&error);
            return Err(error.into());
        }
        self.log.on_synced(&ticket);
        Ok(())
    }

    /// Closes the log as a clean stop does.
    pub(crate) fn close(&mut self) -> Result<(), MetadataLogError> {
        Ok(self.log.close()?)
    }
}

/// The records' values as they stand in the log. Nothing is written when one of them cannot be.
pub(crate) fn encode(records: &[MetadataRecord]) -> Result<Vec<Bytes>, EncodeError> {
    let values = records.iter();
    let values = values.map(|record| record.encode_value(written_version(record)));
    values.collect()
}

/// The batch that begins an epoch: version 0, whatever the quorum's version, as Apache Kafka writes and reads it.
fn leader_change(node_id: i32, epoch: i32) -> Result<Bytes, MetadataLogError> {
    let voter = leader_change_message::Voter {
        voter_id: node_id,
        ..Default::default()
    };
    let message = LeaderChangeMessage {
        version: 0,
        leader_id: node_id,
        voters: vec![voter.clone()],
        granting_voters: vec![voter],
    };
    let value = mainstem_protocol::records::encode_plain(&message, 0)?;
    let options = BatchOptions {
        leader_epoch: epoch,
        ..BatchOptions::default()
    };
    Ok(control_batch(
        options,
        ControlKind::LeaderChange,
        now_ms(),
        &value,
    )?)
}

fn quorum_state(quorum: &Quorum, node_id: i32, epoch: i32) -> String {
    if quorum.kraft_version > 0 {
        let nobody = Uuid::ZERO;
        return format!(
            "{{\"leaderId\":{node_id},\"leaderEpoch\":{epoch},\"votedId\":-1,\"votedDirectoryId\":\"{nobody}\",\"data_version\":1}}"
        );
    }
    format!(
        "{{\"clusterId\":\"\",\"leaderId\":{node_id},\"leaderEpoch\":{epoch},\"votedId\":-1,\"appliedOffset\":0,\
         \"currentVoters\":[{{\"voterId\":{node_id}}}],\"data_version\":0}}"
    )
}

/// What `quorum-state` says; nothing when there is none.
#[derive(Debug, Default)]
struct StoredState {
    epoch: i32,
    voters: Vec<i32>,
}

fn stored_state(disk: &dyn Disk, dir: &Path) -> Result<StoredState, MetadataLogError> {
    let Some(bytes) = read_small(disk, &dir.join(QUORUM_STATE))? else {
        return Ok(StoredState::default());
    };
    let state: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| {
        std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            format!("{QUORUM_STATE}: {error}"),
        )
    })?;
    let number = |value: &serde_json::Value| value.as_i64().and_then(|id| i32::try_from(id).ok());
    let voters = state.get("currentVoters").and_then(|all| all.as_array());
    let voters = voters.into_iter().flatten();
    Ok(StoredState {
        epoch: state.get("leaderEpoch").and_then(number).unwrap_or(0),
        voters: voters
            .filter_map(|voter| voter.get("voterId").and_then(number))
            .collect(),
    })
}

/// What `kafka-storage format` leaves: a snapshot with the features of the new cluster (KIP-1170).
pub(crate) fn write_first_snapshot(disk: &dyn Disk, dir: &Path) -> Result<(), MetadataLogError> {
    let version = FeatureLevelRecord {
        name: Str::from_static("metadata.version"),
        feature_level: METADATA_VERSION,
    };
    let nobody = Quorum::default();
    snapshots::write(disk, dir, SnapshotId::FIRST, 0, &nobody, &[version.into()])?;
    Ok(())
}
