//! `__cluster_metadata-0`: Apache Kafka's records of the cluster, and the files beside them.
//!
//! | file | what it says |
//! |---|---|
//! | `00…0.log` | batches of metadata records, each led in by a LeaderChange at a start |
//! | `quorum-state` | who leads, in which epoch (JSON; data_version 0: a static quorum, 1: voters are in the log) |
//! | `00000000000000000000-0000000000.checkpoint` | the features of a new cluster, as `kafka-storage format` leaves them |
//!
//! The log may be one that Apache Kafka wrote: see `replay`. Nothing of it is ever rewritten or cut, so records that this build does
//! not serve are there for whoever does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use mainstem_metadata::control::{METADATA_VERSION, written_version};
use mainstem_metadata::{ApplyError, MetadataImage, OffsetAndEpoch};
use mainstem_protocol::batch::{
    BatchBuilder, BatchError, BatchOptions, ControlKind, control_batch,
};
use mainstem_protocol::messages::{
    AbortTransactionRecord, FeatureLevelRecord, LeaderChangeMessage, MetadataRecord,
    SnapshotFooterRecord, SnapshotHeaderRecord, leader_change_message,
};
use mainstem_protocol::{DecodeError, EncodeError, Str, Uuid};
use mainstem_storage::disk::{Disk, read_small, write_small};
use mainstem_storage::{AppendError, Invalid, Log, LogError, ReadError, validate_internal};

use super::replay::{FIRST_SNAPSHOT, Quorum, Replayed, replay};
use crate::clock::now_ms;

pub(crate) const QUORUM_STATE: &str = "quorum-state";
/// Records of one batch where many are written: Apache Kafka's controller keeps to about as many.
const RECORDS_PER_BATCH: usize = 1_000;

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
    log: Log,
    epoch: i32,
    /// Topics whose deletion is in the log as it was found.
    removed_topics: BTreeSet<Uuid>,
    /// With what the cluster is to begin, as it was formatted.
    first_records: Vec<MetadataRecord>,
}

impl MetadataLog {
    /// Replays the log, begins a new epoch, and gives the image.
    pub(crate) fn begin(
        log: Log,
        disk: &dyn Disk,
        node_id: i32,
    ) -> Result<(Self, MetadataImage), MetadataLogError> {
        let dir = log.dir().to_owned();
        let mut replayed = replay(&log, disk)?;
        let within_transaction = replayed.roll_back();
        let Replayed {
            mut image,
            changed,
            last_epoch,
            quorum,
            first_records,
            ..
        } = replayed;
        let stored = stored_state(disk, &dir)?;
        let mut voters = stored.voters.iter().copied();
        let mut logged = quorum.voters.iter().map(|voter| voter.voter_id);
        let is_other = |id: &i32| *id != node_id;
        if let Some(id) = voters.find(is_other).or_else(|| logged.find(is_other)) {
            return Err(MetadataLogError::OtherVoter { id });
        }
        let epoch = last_epoch.max(stored.epoch) + 1;
        if log.log_end() == 0 && disk.open(&dir.join(FIRST_SNAPSHOT), false).is_err() {
            write_first_snapshot(disk, &dir)?;
        }
        let state = quorum_state(&quorum, node_id, epoch);
        write_small(disk, &dir.join(QUORUM_STATE), state.as_bytes())?;
        let mut this = Self {
            log,
            epoch,
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
    pub(crate) fn append(
        &mut self,
        records: &[MetadataRecord],
    ) -> Result<OffsetAndEpoch, MetadataLogError> {
        let mut builder = BatchBuilder::new(BatchOptions {
            leader_epoch: self.epoch,
            ..BatchOptions::default()
        });
        let now_ms = now_ms();
        for record in records {
            let value = record.encode_value(written_version(record))?;
            builder.append(now_ms, None, Some(&value), &[]);
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
        let appended = self.log.append_as_leader(&valid, self.epoch, now_ms())?;
        Ok(OffsetAndEpoch {
            offset: appended.last,
            epoch: self.epoch,
        })
    }

    /// Makes everything appended durable.
    pub(crate) fn sync(&mut self) -> Result<(), MetadataLogError> {
        let ticket = self.log.sync_ticket();
        if let Err(error) = ticket.sync() {
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
    let now_ms = now_ms();
    let header = SnapshotHeaderRecord {
        version: 0,
        last_contained_log_timestamp: 0,
    };
    let header = mainstem_protocol::records::encode_plain(&header, 0)?;
    let options = |base_offset| BatchOptions {
        base_offset,
        leader_epoch: 0,
        ..BatchOptions::default()
    };
    let first = control_batch(options(0), ControlKind::SnapshotHeader, now_ms, &header)?;
    let mut features = BatchBuilder::new(options(1));
    let record = FeatureLevelRecord {
        name: Str::from_static("metadata.version"),
        feature_level: METADATA_VERSION,
    };
    let value = MetadataRecord::from(record).encode_value(0)?;
    features.append(now_ms, None, Some(&value), &[]);
    let footer = mainstem_protocol::records::encode_plain(&SnapshotFooterRecord { version: 0 }, 0)?;
    let last = control_batch(options(2), ControlKind::SnapshotFooter, now_ms, &footer)?;
    let bytes = [first, features.build()?, last].concat();
    write_small(disk, &dir.join(FIRST_SNAPSHOT), &bytes)?;
    Ok(())
}
