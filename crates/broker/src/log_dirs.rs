//! The node's log directory: what it holds at a start, partitions' directories, checkpoints, and the marks of a clean stop.
//!
//! A partition's directory is `TOPIC-INDEX` with the topic's id in `partition.metadata`. A directory of another id is of a topic that was
//! deleted and made again: it goes. Renamed directories (`…-delete`) left by a crash go too. A directory of no topic is kept under another
//! name (`…-stray`), as Apache Kafka does: if it is the metadata that was lost, the records are still there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use mainstem_metadata::METADATA_TOPIC;
use mainstem_protocol::{Str, Uuid};
use mainstem_storage::disk::{Disk, Entry, is_no_descriptor};
use mainstem_storage::log_dir::{
    self, DirLock, LogDirError, MetaProperties, file, leave_clean_mark, read_meta,
    read_partition_metadata, take_clean_mark, write_meta, write_partition_metadata,
};
use mainstem_storage::{Log, LogConfig, OpenError, OpenMode, Repair, read_offsets, write_offsets};

use crate::clock::{now_ms, random_uuid};
use crate::config::Properties;
use crate::controller::QUORUM_STATE;
use crate::descriptors::patiently;
use crate::partition::Partition;

/// The directory of the metadata log.
pub(crate) const METADATA_DIR: &str = "__cluster_metadata-0";
const DELETE_SUFFIX: &str = "-delete";
const STRAY_SUFFIX: &str = "-stray";

/// The node's log directory.
#[derive(Debug)]
pub(crate) struct LogDirs {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) meta: MetaProperties,
    pub(crate) is_new: bool,
    pub(crate) was_clean: bool,
    /// Epoch of the broker that stopped cleanly: an offset of the metadata log.
    pub(crate) clean_epoch: Option<i64>,
    recovery_points: BTreeMap<(String, i32), i64>,
    log_starts: BTreeMap<(String, i32), i64>,
    /// Held while checkpoints are written: the housekeeper and DeleteRecords both do.
    checkpointing: Mutex<()>,
    _lock: DirLock,
}

/// Whether an entry of the log directory is named as a partition of a topic is.
fn is_partition(entry: &Entry) -> bool {
    let index = entry.name.rsplit_once('-').map(|(_, index)| index);
    let numbered = index.is_some_and(|index| index.parse::<i32>().is_ok());
    entry.is_dir && numbered && entry.name != METADATA_DIR
}

/// Why the directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// The directory or one of its files.
    #[error(transparent)]
    Dir(#[from] LogDirError),
    /// It belongs to another node.
    #[error("{} belongs to node {found}, not to node {wanted}", dir.display())]
    OtherNode {
        /// The directory.
        dir: PathBuf,
        /// In `meta.properties`.
        found: i32,
        /// As configured.
        wanted: i32,
    },
    /// A log.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// A checkpoint or a directory could not be read or written.
    #[error("{}: {cause}", path.display())]
    Disk {
        /// The file or directory.
        path: PathBuf,
        /// What the disk said.
        cause: std::io::Error,
    },
}

impl DataDirError {
    /// Nothing was begun for want of a descriptor.
    fn is_no_descriptor(&self) -> bool {
        match self {
            Self::Dir(LogDirError::Disk { cause, .. })
            | Self::Log(OpenError::Disk { cause, .. })
            | Self::Disk { cause, .. } => is_no_descriptor(cause),
            Self::Dir(LogDirError::Locked { .. } | LogDirError::Damaged { .. })
            | Self::OtherNode { .. } => false,
        }
    }
}

type Offsets = BTreeMap<(String, i32), i64>;

impl LogDirs {
    /// Locks and reads the directory; makes it when it is new.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        node_id: i32,
    ) -> Result<Self, DataDirError> {
        let missing = missing_above(&*disk, dir);
        let lock = log_dir::lock(dir)?;
        keep_names(&*disk, dir, &missing)?;
        let found = read_meta(&*disk, dir)?;
        let was_formatted = found.is_some();
        let meta = match found {
            Some(meta) if meta.node_id != node_id => {
                return Err(DataDirError::OtherNode {
                    dir: dir.to_owned(),
                    found: meta.node_id,
                    wanted: node_id,
                });
            }
            Some(meta) => meta,
            None => {
                let cluster_id = random_uuid().to_string();
                let meta = MetaProperties {
                    cluster_id,
                    node_id,
                    directory_id: random_uuid(),
                };
                write_meta(&*disk, dir, &meta)?;
                meta
            }
        };
        let offsets = |name: &str| -> Result<Offsets, DataDirError> {
            let path = dir.join(name);
            let entries =
                read_offsets(&*disk, &path).map_err(|cause| DataDirError::Disk { path, cause })?;
            Ok(entries
                .into_iter()
                .map(|(topic, index, offset)| ((topic, index), offset))
                .collect())
        };
        let recovery_points = offsets(file::RECOVERY_POINTS)?;
        let log_starts = offsets(file::LOG_STARTS)?;
        // Taken last: a start that is refused before leaves the directory as it was.
        let clean_epoch = take_clean_mark(&*disk, dir)?;
        // One that was formatted and never started is as new as one that is made now.
        let is_new = !was_formatted || !has_begun(&*disk, dir);
        Ok(Self {
            disk: disk.clone(),
            dir: dir.to_owned(),
            meta,
            is_new,
            was_clean: clean_epoch.is_some(),
            clean_epoch,
            recovery_points,
            log_starts,
            checkpointing: Mutex::new(()),
            _lock: lock,
        })
    }

    fn mode(&self, topic: &str, index: i32) -> OpenMode {
        let key = (topic.to_owned(), index);
        let at = |offsets: &Offsets| offsets.get(&key).copied().unwrap_or(0);
        OpenMode {
            clean: self.was_clean,
            recovery_point: at(&self.recovery_points),
            log_start: at(&self.log_starts),
            refuse_damage: false,
        }
    }

    /// Opens a partition's log, fresh when its directory is missing or of another topic. After an unclean stop what is there is synced
    /// before it is shown to anybody.
    pub(crate) fn open_partition(
        &self,
        topic: &Str,
        id: Uuid,
        index: i32,
        config: LogConfig,
    ) -> Result<(Log, Option<Repair>), DataDirError> {
        let path = self.dir.join(format!("{topic}-{index}"));
        self.check_no_metadata(&path)?;
        let (exists, found) = patiently(DataDirError::is_no_descriptor, || self.look_at(&path))?;
        // Without an id it was made just before a crash.
        let same = exists && found.is_none_or(|found| found == id);
        if exists && !same {
            self.doom(&path)?;
        }
        let mode = if same {
            self.mode(topic, index)
        } else {
            OpenMode::default()
        };
        // A partition that is not opened now is offline until the next start.
        let (mut log, repair) = patiently(DataDirError::is_no_descriptor, || {
            let (disk, config) = (self.disk.clone(), config.clone());
            let opened = Log::open(disk, path.clone(), config, mode, now_ms())?;
            if found != Some(id) {
                write_partition_metadata(&*self.disk, &path, id)?;
            }
            Ok::<_, DataDirError>(opened)
        })?;
        if same && !mode.clean {
            let ticket = log.sync_ticket();
            patiently(is_no_descriptor, || ticket.sync())
                .map_err(|cause| DataDirError::Disk { path, cause })?;
            log.on_synced(&ticket);
        }
        Ok((log, repair))
    }

    /// Whether a partition's directory is there, and of which topic. Only what is not there may be taken for new.
    fn look_at(&self, path: &Path) -> Result<(bool, Option<Uuid>), DataDirError> {
        match self.disk.list(path) {
            Ok(_) => Ok((true, read_partition_metadata(&*self.disk, path)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok((false, None)),
            Err(cause) => {
                let path = path.to_owned();
                Err(DataDirError::Disk { path, cause })
            }
        }
    }

    /// Opens the metadata log.
    pub(crate) fn open_metadata(
        &self,
        properties: &Properties,
    ) -> Result<(Log, Option<Repair>), DataDirError> {
        let path = self.dir.join(METADATA_DIR);
        let config = LogConfig {
            // What is old goes with snapshots, see `controller::upkeep`.
            delete: false,
            segment_bytes: u64::try_from(properties.number("metadata.log.segment.bytes"))
                .unwrap_or(u64::MAX),
            segment_ms: properties.number("metadata.log.segment.ms").max(1),
            ..LogConfig::default()
        };
        // Every decision was synced before it was answered, so only the last can be torn.
        let mode = OpenMode {
            clean: self.was_clean,
            refuse_damage: true,
            ..OpenMode::default()
        };
        let (log, repair) = Log::open(self.disk.clone(), path.clone(), config, mode, now_ms())?;
        self.check_whole(&log)?;
        if self.is_new {
            write_partition_metadata(&*self.disk, &path, Uuid::METADATA_TOPIC)?;
        }
        Ok((log, repair))
    }

    /// A metadata log that ends before what it held for certain is not taken for that of an empty cluster: every topic would be put aside.
    fn check_whole(&self, log: &Log) -> Result<(), DataDirError> {
        let dir = self.dir.join(METADATA_DIR);
        let name = (METADATA_TOPIC.to_owned(), 0);
        let checkpointed = self.recovery_points.get(&name).copied().unwrap_or(0);
        let held = checkpointed.max(self.clean_epoch.map_or(0, |epoch| epoch + 1));
        // With the whole directory gone somebody meant it.
        let began = self.disk.open(&dir.join(QUORUM_STATE), false).is_ok();
        let emptied = log.log_end() == 0 && self.has_partitions()?;
        if !began || (log.log_end() >= held && !emptied) {
            return Ok(());
        }
        let end = log.log_end();
        let what =
            format!("the log ends at offset {end}, but it held more (at least up to {held})");
        Err(LogDirError::Damaged { path: dir, what }.into())
    }

    fn entries(&self) -> Result<Vec<Entry>, DataDirError> {
        let path = self.dir.clone();
        let listed = self.disk.list(&self.dir);
        listed.map_err(|cause| DataDirError::Disk { path, cause })
    }

    fn has_partitions(&self) -> Result<bool, DataDirError> {
        Ok(self.entries()?.iter().any(is_partition))
    }

    /// Renames a directory so that no start takes it for a partition; returns its new path.
    pub(crate) fn rename_for_deletion(&self, path: &Path) -> Result<PathBuf, DataDirError> {
        self.rename(path, DELETE_SUFFIX)
    }

    fn rename(&self, path: &Path, suffix: &str) -> Result<PathBuf, DataDirError> {
        self.check_no_metadata(path)?;
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let stem: String = name.chars().take(200).collect();
        let renamed = path.with_file_name(format!("{stem}.{}{suffix}", random_uuid()));
        let disk_error = |cause| DataDirError::Disk {
            path: path.to_owned(),
            cause,
        };
        self.disk.rename(path, &renamed).map_err(disk_error)?;
        self.disk.sync_dir(&self.dir).map_err(disk_error)?;
        Ok(renamed)
    }

    /// No topic has the directory of the metadata log, whatever its name.
    fn check_no_metadata(&self, path: &Path) -> Result<(), DataDirError> {
        if path != self.dir.join(METADATA_DIR) {
            return Ok(());
        }
        let path = path.to_owned();
        let what = "a topic has the name of the metadata log".to_owned();
        Err(LogDirError::Damaged { path, what }.into())
    }

    fn doom(&self, path: &Path) -> Result<(), DataDirError> {
        let renamed = self.rename_for_deletion(path)?;
        self.disk
            .remove_dir(&renamed)
            .map_err(|cause| DataDirError::Disk {
                path: renamed,
                cause,
            })
    }

    /// Puts directories aside that belong to no partition of `wanted` (names such as `orders-0`), and removes leftovers of deletions:
    /// those that were renamed, and those of topics that are known to be deleted, which a crash came before.
    pub(crate) fn clear_strays(
        &self,
        wanted: impl Fn(&str) -> bool,
        removed_topics: &BTreeSet<Uuid>,
    ) -> Result<(), DataDirError> {
        for entry in self.entries()?.into_iter().filter(|entry| entry.is_dir) {
            let path = self.dir.join(&entry.name);
            let is_partition = is_partition(&entry);
            let is_leftover = entry.name.ends_with(DELETE_SUFFIX);
            if is_leftover {
                self.disk
                    .remove_dir(&path)
                    .map_err(|cause| DataDirError::Disk { path, cause })?;
            } else if is_partition && !wanted(&entry.name) {
                let id = read_partition_metadata(&*self.disk, &path).ok().flatten();
                if id.is_some_and(|id| removed_topics.contains(&id)) {
                    self.doom(&path)?;
                    continue;
                }
                let kept = self.rename(&path, STRAY_SUFFIX)?;
                tracing::warn!(directory = %path.display(), kept = %kept.display(), "no topic owns this directory; it is put aside");
            }
        }
        Ok(())
    }

    /// Writes the checkpoints of all partitions, and of the metadata log with its end.
    ///
    /// `now` is asked when it is this one's turn. A list from before might bring back what another checkpoint has taken out meanwhile: the
    /// log start of a deleted topic, which a topic made again under its name would take for its own after a crash.
    pub(crate) fn checkpoint(
        &self,
        now: impl FnOnce() -> (Vec<Arc<Partition>>, i64),
    ) -> std::io::Result<()> {
        let _one_at_a_time = self
            .checkpointing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (partitions, metadata_end) = now();
        let mut starts = Vec::new();
        let mut recovery_points = vec![(METADATA_TOPIC.to_owned(), 0, metadata_end)];
        let mut high_watermarks = Vec::new();
        for partition in &partitions {
            let Some((log_start, durable_end, high_watermark)) = partition.checkpoint() else {
                continue;
            };
            let entry = |offset| (partition.topic.to_string(), partition.index, offset);
            recovery_points.push(entry(durable_end));
            high_watermarks.push(entry(high_watermark));
            if log_start > 0 {
                starts.push(entry(log_start));
            }
        }
        write_offsets(&*self.disk, &self.dir.join(file::LOG_STARTS), &starts)?;
        write_offsets(
            &*self.disk,
            &self.dir.join(file::RECOVERY_POINTS),
            &recovery_points,
        )?;
        write_offsets(
            &*self.disk,
            &self.dir.join(file::HIGH_WATERMARKS),
            &high_watermarks,
        )
    }

    /// Where the directory is, in full.
    pub(crate) fn path_text(&self) -> String {
        full(&self.dir).to_string_lossy().into_owned()
    }

    /// Whether a path is that of the directory.
    pub(crate) fn is_at(&self, path: &str) -> bool {
        full(Path::new(path)) == full(&self.dir)
    }

    /// Bytes of the disk, and those of them that are free for us.
    pub(crate) fn space(&self) -> std::io::Result<(i64, i64)> {
        let stat = rustix::fs::statvfs(&self.dir)?;
        let bytes =
            |blocks: u64| i64::try_from(blocks.saturating_mul(stat.f_frsize)).unwrap_or(i64::MAX);
        Ok((bytes(stat.f_blocks), bytes(stat.f_bavail)))
    }

    /// Leaves the mark of a clean stop.
    pub(crate) fn leave_clean(&self, broker_epoch: i64) -> Result<(), DataDirError> {
        Ok(leave_clean_mark(&*self.disk, &self.dir, broker_epoch)?)
    }
}

/// Whether a node ever started in the directory: it left a quorum's state, or partitions.
fn has_begun(disk: &dyn Disk, dir: &Path) -> bool {
    let began = disk
        .open(&dir.join(METADATA_DIR).join(QUORUM_STATE), false)
        .is_ok();
    began || disk.list(dir).is_ok_and(|all| all.iter().any(is_partition))
}

/// The directory and those above it, as far as they are not there.
pub(crate) fn missing_above<'a>(disk: &dyn Disk, dir: &'a Path) -> Vec<&'a Path> {
    dir.ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && disk.list(path).is_err())
        .collect()
}

/// Makes a new directory, and those above it that are new, outlive a power cut.
pub(crate) fn keep_names(
    disk: &dyn Disk,
    dir: &Path,
    missing: &[&Path],
) -> Result<(), DataDirError> {
    if missing.is_empty() {
        return Ok(());
    }
    let disk_error = |cause| DataDirError::Disk {
        path: dir.to_owned(),
        cause,
    };
    disk.create_dir(dir).map_err(disk_error)?;
    for above in missing.iter().filter_map(|path| path.parent()) {
        let above = match above.as_os_str().is_empty() {
            true => Path::new("."),
            false => above,
        };
        disk.sync_dir(above).map_err(disk_error)?;
    }
    Ok(())
}

fn full(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
