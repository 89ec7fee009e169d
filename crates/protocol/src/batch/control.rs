//! Control batches: one record that speaks to the log itself.
//!
//! Key: int16 version 0, int16 type. Value: a message that the type names.

use bytes::Bytes;

use super::{BatchBuilder, BatchError, BatchOptions, RecordRef};

/// Types of control records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
pub enum ControlKind {
    /// A transaction was aborted.
    Abort = 0,
    /// A transaction was committed.
    Commit = 1,
    /// A quorum has a new leader.
    LeaderChange = 2,
    /// A snapshot begins.
    SnapshotHeader = 3,
    /// A snapshot ends.
    SnapshotFooter = 4,
    /// The feature level of the quorum.
    KraftVersion = 5,
    /// The voters of the quorum.
    KraftVoters = 6,
}

impl ControlKind {
    const ALL: [Self; 7] = [
        Self::Abort,
        Self::Commit,
        Self::LeaderChange,
        Self::SnapshotHeader,
        Self::SnapshotFooter,
        Self::KraftVersion,
        Self::KraftVoters,
    ];
}

/// A control batch of one record.
pub fn control_batch(
    options: BatchOptions,
    kind: ControlKind,
    timestamp: i64,
    value: &[u8],
) -> Result<Bytes, BatchError> {
    let mut builder = BatchBuilder::new(BatchOptions {
        control: true,
        ..options
    });
    let [high, low] = (kind as i16).to_be_bytes();
    builder.append(timestamp, Some(&[0, 0, high, low]), Some(value), &[]);
    builder.build()
}

/// The type of a record of a control batch; `None` when it is not one that is known.
pub fn control_kind(record: &RecordRef<'_>) -> Option<ControlKind> {
    let kind = record.key?.get(2..4)?.first_chunk::<2>()?;
    let kind = i16::from_be_bytes(*kind);
    ControlKind::ALL
        .into_iter()
        .find(|known| *known as i16 == kind)
}
