//! From the records of a `__consumer_offsets` partition to its shard, whoever wrote them.
//!
//! Offsets that were committed in a transaction (Apache Kafka's coordinator serves those) count from its commit marker on, and never
//! when it was aborted or has not ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use mainstem_coordinator::group::{GroupRecord, GroupSettings, Groups, RecordError};
use mainstem_coordinator::{Offset, Shard};
use mainstem_protocol::ErrorCode;
use mainstem_protocol::batch::{
    BatchError, BatchHeader, ControlKind, batches, control_kind, records,
};

use crate::partition::{Partition, Refusal};

/// Bytes read at a time while loading.
const LOAD_BYTES: usize = 1 << 20;
/// A batch of `__consumer_offsets` may unpack to this.
const BATCH_BYTES_MAX: usize = 64 << 20;

/// Why a shard cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error("{}", .0.message)]
    Read(Refusal),
    #[error("the log's end cannot be committed: {0}")]
    Uncommitted(ErrorCode),
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error("offset {offset}: {cause}")]
    Record { offset: i64, cause: RecordError },
}

/// A shard that is being loaded.
struct Loading {
    shard: Shard<Groups>,
    /// Records of transactions that have not ended, by producer.
    open: BTreeMap<i64, Vec<GroupRecord>>,
}

impl Loading {
    fn batch(&mut self, header: &BatchHeader, batch: &Bytes) -> Result<(), LoadError> {
        header.check_crc(batch)?;
        for record in records(header, batch, BATCH_BYTES_MAX)?.iter() {
            let record = record?;
            let offset = record.offset;
            if header.attributes.is_control() {
                self.end(header.producer_id, control_kind(&record), offset);
                continue;
            }
            let key = Bytes::copy_from_slice(record.key.unwrap_or_default());
            let decoded = GroupRecord::decode(key, record.value.map(Bytes::copy_from_slice))
                .map_err(|cause| LoadError::Record { offset, cause })?;
            let Some(decoded) = decoded else { continue };
            if header.attributes.is_transactional() {
                let open = self.open.entry(header.producer_id).or_default();
                open.push(decoded);
            } else {
                self.shard.replay(&decoded, Offset(offset + 1));
            }
        }
        Ok(())
    }

    /// A transaction of a producer ends.
    fn end(&mut self, producer_id: i64, marker: Option<ControlKind>, offset: i64) {
        let ended = match marker {
            Some(ControlKind::Commit | ControlKind::Abort) => self.open.remove(&producer_id),
            _ => None,
        };
        if marker == Some(ControlKind::Commit) {
            for record in ended.into_iter().flatten() {
                self.shard.replay(&record, Offset(offset + 1));
            }
        }
    }
}

/// Replays the partition.
pub(super) async fn load(
    partition: &Arc<Partition>,
    settings: GroupSettings,
) -> Result<Shard<Groups>, LoadError> {
    let mut loading = Loading {
        shard: Shard::new(Groups::new(settings)),
        open: BTreeMap::new(),
    };
    let offsets = partition.offsets().map_err(LoadError::Read)?;
    // What a shard before this one appended counts too, though it may not be committed yet.
    partition
        .committed_on_control(offsets.log_end)
        .await
        .map_err(LoadError::Uncommitted)?;
    let mut from = offsets.log_start;
    loop {
        let (slice, _) = partition
            .read(from, LOAD_BYTES, true)
            .map_err(LoadError::Read)?;
        if slice.bytes.is_empty() {
            return Ok(loading.shard);
        }
        for found in batches(&slice.bytes) {
            let (header, batch) = found?;
            loading.batch(&header, &batch)?;
        }
        from = slice.next_offset;
        // Other shards and requests have their turn.
        tokio::task::yield_now().await;
    }
}
