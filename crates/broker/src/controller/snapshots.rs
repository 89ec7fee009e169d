//! Snapshots of the cluster's metadata: files `<end>-<epoch>.checkpoint` beside the metadata log, each the image that the records before
//! offset `end` make, between a header and a footer (KIP-630).
//!
//! Invariants: a snapshot is there whole or not at all; the log is on stable storage up to the end of every snapshot; what the log has
//! lost at its start is in every snapshot that is left.

use std::path::Path;

use bytes::Bytes;
use mainstem_metadata::OffsetAndEpoch;
use mainstem_metadata::control::written_version;
use mainstem_protocol::Message;
use mainstem_protocol::batch::{
    BatchBuilder, BatchOptions, ControlKind, batches, control_batch, control_kind, records,
};
use mainstem_protocol::codec::Decoder;
use mainstem_protocol::messages::{
    KRaftVersionRecord, MetadataRecord, SnapshotFooterRecord, SnapshotHeaderRecord, VotersRecord,
};
use mainstem_protocol::records::encode_plain;
use mainstem_storage::disk::{Disk, write_small};

use super::metadata_log::{MetadataLogError, RECORDS_PER_BATCH};
use super::replay::Quorum;
use crate::clock::now_ms;
use crate::limits::SNAPSHOT_BYTES_MAX;

const EXTENSION: &str = ".checkpoint";
/// Enough of a snapshot to hold its first batch.
const HEADER_BYTES: usize = 1 << 10;

/// The place in the log that a snapshot stands for: `end` is the first offset that is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SnapshotId {
    pub(super) end: i64,
    pub(super) epoch: i32,
}

impl SnapshotId {
    /// That of a new cluster: no image, but with what it begins.
    pub(super) const FIRST: Self = Self { end: 0, epoch: 0 };

    /// The snapshot of everything up to and with a place.
    pub(super) fn of(last: OffsetAndEpoch) -> Self {
        Self {
            end: last.offset + 1,
            epoch: last.epoch,
        }
    }

    pub(super) fn file_name(self) -> String {
        format!("{:020}-{:010}{EXTENSION}", self.end, self.epoch)
    }

    fn parse(name: &str) -> Option<Self> {
        let (end, epoch) = name.strip_suffix(EXTENSION)?.split_once('-')?;
        let id = Self {
            end: end.parse().ok()?,
            epoch: epoch.parse().ok()?,
        };
        (id.file_name() == name).then_some(id)
    }
}

/// A snapshot that is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    pub(super) id: SnapshotId,
    pub(super) bytes: u64,
    /// When the last record in it was appended.
    pub(super) last_ms: i64,
}

/// Every snapshot in the directory, the oldest first.
pub(super) fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<SnapshotId>, MetadataLogError> {
    let entries = disk.list(dir)?;
    let names = entries.iter().map(|entry| entry.name.as_str());
    let mut found: Vec<_> = names.filter_map(SnapshotId::parse).collect();
    found.sort();
    Ok(found)
}

/// What is there for a log that begins at `log_start`, the oldest first. Older ones, which a crash left, are removed.
pub(super) fn find(
    disk: &dyn Disk,
    dir: &Path,
    log_start: i64,
) -> Result<Vec<Stored>, MetadataLogError> {
    let mut found = Vec::new();
    for id in list(disk, dir)? {
        if id.end < log_start {
            remove(disk, dir, id)?;
        } else {
            found.push(look(disk, dir, id)?);
        }
    }
    Ok(found)
}

/// What is known of a snapshot without reading it whole.
fn look(disk: &dyn Disk, dir: &Path, id: SnapshotId) -> Result<Stored, MetadataLogError> {
    let file = disk.open(&dir.join(id.file_name()), false)?;
    let mut head = vec![0; HEADER_BYTES];
    let read = file.read_at(0, &mut head)?;
    head.truncate(read);
    Ok(Stored {
        id,
        bytes: file.length()?,
        // One that does not say is old.
        last_ms: last_ms(&Bytes::from(head)).unwrap_or(0),
    })
}

fn last_ms(head: &Bytes) -> Option<i64> {
    let (header, batch) = batches(head).next()?.ok()?;
    let found = records(&header, &batch, HEADER_BYTES).ok()?;
    let first = found.iter().next()?.ok()?;
    if !header.attributes.is_control() || control_kind(&first) != Some(ControlKind::SnapshotHeader)
    {
        return None;
    }
    let mut value = Decoder::new(Bytes::copy_from_slice(first.value?));
    let header = SnapshotHeaderRecord::decode(&mut value, 0).ok()?;
    Some(header.last_contained_log_timestamp)
}

/// Reads a snapshot whole; `None` when there is none.
pub(super) fn read(disk: &dyn Disk, path: &Path) -> Result<Option<Bytes>, MetadataLogError> {
    let file = match disk.open(path, false) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let length = file.length()?;
    if length > SNAPSHOT_BYTES_MAX {
        return Err(MetadataLogError::Snapshot {
            path: path.to_owned(),
            what: format!("it is {length} bytes long, which it cannot be"),
        });
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(std::io::Error::other)?];
    let mut at = 0;
    while at < bytes.len() {
        let place = u64::try_from(at).map_err(std::io::Error::other)?;
        match file.read_at(place, &mut bytes[at..])? {
            0 => break,
            count => at += count,
        }
    }
    bytes.truncate(at);
    Ok(Some(Bytes::from(bytes)))
}

/// Writes the snapshot of an image, given as records, and of those who vote.
pub(super) fn write(
    disk: &dyn Disk,
    dir: &Path,
    id: SnapshotId,
    last_ms: i64,
    quorum: &Quorum,
    records: &[MetadataRecord],
) -> Result<Stored, MetadataLogError> {
    let bytes = encode(id, last_ms, quorum, records)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > SNAPSHOT_BYTES_MAX {
        // It could not be read again, and the log would be cut for its sake.
        return Err(MetadataLogError::Snapshot {
            path: dir.join(id.file_name()),
            what: format!("it would be {} bytes long, more than are read", bytes.len()),
        });
    }
    write_small(disk, &dir.join(id.file_name()), &bytes)?;
    Ok(Stored {
        id,
        bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        last_ms,
    })
}

/// Removes a snapshot, if it is still there.
pub(super) fn remove(disk: &dyn Disk, dir: &Path, id: SnapshotId) -> Result<(), MetadataLogError> {
    match disk.remove_file(&dir.join(id.file_name())) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn encode(
    id: SnapshotId,
    last_ms: i64,
    quorum: &Quorum,
    records: &[MetadataRecord],
) -> Result<Vec<u8>, MetadataLogError> {
    let now_ms = now_ms();
    let options = |base_offset| BatchOptions {
        base_offset,
        leader_epoch: id.epoch,
        ..BatchOptions::default()
    };
    let mut next = 0;
    let mut bytes = Vec::new();
    for (kind, value) in head(last_ms, quorum)? {
        bytes.extend_from_slice(&control_batch(options(next), kind, now_ms, &value)?);
        next += 1;
    }
    for some in records.chunks(RECORDS_PER_BATCH) {
        let mut builder = BatchBuilder::new(options(next));
        for record in some {
            let value = record.encode_value(written_version(record))?;
            builder.append(now_ms, None, Some(&value), &[]);
            next += 1;
        }
        bytes.extend_from_slice(&builder.build()?);
    }
    let footer = encode_plain(&SnapshotFooterRecord { version: 0 }, 0)?;
    let last = control_batch(options(next), ControlKind::SnapshotFooter, now_ms, &footer)?;
    bytes.extend_from_slice(&last);
    Ok(bytes)
}

/// What a snapshot says before its records: of itself, and who votes where the log says that.
fn head(last_ms: i64, quorum: &Quorum) -> Result<Vec<(ControlKind, Bytes)>, MetadataLogError> {
    let header = SnapshotHeaderRecord {
        version: 0,
        last_contained_log_timestamp: last_ms,
    };
    let mut head = vec![(ControlKind::SnapshotHeader, encode_plain(&header, 0)?)];
    if quorum.kraft_version > 0 {
        let version = KRaftVersionRecord {
            version: 0,
            k_raft_version: quorum.kraft_version,
        };
        let voters = VotersRecord {
            version: 0,
            voters: quorum.voters.clone(),
        };
        head.push((ControlKind::KraftVersion, encode_plain(&version, 0)?));
        head.push((ControlKind::KraftVoters, encode_plain(&voters, 0)?));
    }
    Ok(head)
}
