//! `__cluster_metadata-0`: Apache Kafka's records of the cluster, and the files beside them.
//!
//! | file | what it says |
//! |---|---|
//! | `00…0.log` | batches of metadata records, each led in by a LeaderChange at a start |
//! | `quorum-state` | who leads, in which epoch (JSON, data_version 0: a static quorum) |
//! | `00000000000000000000-0000000000.checkpoint` | the features of a new cluster, as `kafka-storage format` leaves them |

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use mainstem_metadata::control::{METADATA_VERSION, written_version};
use mainstem_metadata::{ApplyError, Changed, MetadataImage, OffsetAndEpoch};
use mainstem_protocol::batch::{
    BatchBuilder, BatchError, BatchOptions, ControlKind, batches, control_batch, records,
};
use mainstem_protocol::messages::{
    FeatureLevelRecord, LeaderChangeMessage, MetadataRecord, SnapshotFooterRecord,
    SnapshotHeaderRecord, leader_change_message,
};
use mainstem_protocol::{DecodeError, EncodeError, Str, Uuid};
use mainstem_storage::disk::{Disk, read_small, write_small};
use mainstem_storage::{AppendError, Invalid, Log, LogError, ReadError, validate_internal};

use crate::clock::now_ms;

pub(crate) const QUORUM_STATE: &str = "quorum-state";
const FIRST_SNAPSHOT: &str = "00000000000000000000-0000000000.checkpoint";
/// Bytes read at a time while replaying.
const REPLAY_BYTES: usize = 1 << 20;
/// A batch of metadata may unpack to this.
const BATCH_BYTES_MAX: usize = 64 << 20;

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
}

impl MetadataLog {
    /// Replays the log, begins a new epoch, and gives the image.
    pub(crate) fn begin(
        log: Log,
        disk: &dyn Disk,
        node_id: i32,
    ) -> Result<(Self, MetadataImage), MetadataLogError> {
        let dir = log.dir().to_owned();
        let mut changed = Changed::default();
        let (image, last_epoch) = replay(&log, &mut changed)?;
        let epoch = last_epoch.max(stored_epoch(disk, &dir)?) + 1;
        if log.log_end() == 0 {
            write_first_snapshot(disk, &dir)?;
        }
        let state = format!(
            "{{\"clusterId\":\"\",\"leaderId\":{node_id},\"leaderEpoch\":{epoch},\"votedId\":-1,\"appliedOffset\":0,\
             \"currentVoters\":[{{\"voterId\":{node_id}}}],\"data_version\":0}}"
        );
        write_small(disk, &dir.join(QUORUM_STATE), state.as_bytes())?;
        let mut this = Self {
            log,
            epoch,
            removed_topics: changed.removed_topics,
        };
        let voter = || {
            vec![leader_change_message::Voter {
                voter_id: node_id,
                ..Default::default()
            }]
        };
        let message = LeaderChangeMessage {
            version: 0,
            leader_id: node_id,
            voters: voter(),
            granting_voters: voter(),
        };
        let value = mainstem_protocol::records::encode_plain(&message, 0)?;
        let options = BatchOptions {
            leader_epoch: epoch,
            ..BatchOptions::default()
        };
        let batch = control_batch(options, ControlKind::LeaderChange, now_ms(), &value)?;
        this.append_batch(batch)?;
        Ok((this, image))
    }

    /// The topics that were deleted before this start; asked for once.
    pub(crate) fn take_removed_topics(&mut self) -> BTreeSet<Uuid> {
        std::mem::take(&mut self.removed_topics)
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

fn replay(log: &Log, changed: &mut Changed) -> Result<(MetadataImage, i32), MetadataLogError> {
    let mut image = MetadataImage::default();
    let mut last_epoch = 0;
    let mut from = log.log_start();
    while from < log.log_end() {
        let slice = log.read(from, log.log_end(), REPLAY_BYTES, true)?;
        if slice.bytes.is_empty() {
            break;
        }
        for found in batches(&slice.bytes) {
            let (header, batch) = found?;
            header.check_crc(&batch)?;
            last_epoch = last_epoch.max(header.leader_epoch);
            if !header.attributes.is_control() {
                for record in records(&header, &batch, BATCH_BYTES_MAX)?.iter() {
                    let record = record?;
                    let offset = record.offset;
                    let value = Bytes::copy_from_slice(record.value.unwrap_or_default());
                    let decoded = MetadataRecord::decode_value(value)
                        .map_err(|cause| MetadataLogError::Record { offset, cause })?;
                    image
                        .apply(&decoded, changed)
                        .map_err(|cause| MetadataLogError::Apply { offset, cause })?;
                }
            }
            image.at = OffsetAndEpoch {
                offset: header.last_offset(),
                epoch: header.leader_epoch,
            };
        }
        from = slice.next_offset;
    }
    Ok((image, last_epoch))
}

/// The epoch in `quorum-state`; 0 when there is none.
fn stored_epoch(disk: &dyn Disk, dir: &Path) -> Result<i32, MetadataLogError> {
    let Some(bytes) = read_small(disk, &dir.join(QUORUM_STATE))? else {
        return Ok(0);
    };
    let state: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| {
        std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            format!("{QUORUM_STATE}: {error}"),
        )
    })?;
    let epoch = state
        .get("leaderEpoch")
        .and_then(serde_json::Value::as_i64)
        .unwrap_or(0);
    Ok(i32::try_from(epoch).unwrap_or(0))
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
