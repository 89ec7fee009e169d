//! The files of a log directory that belong to no partition.
//!
//! | file | what it says |
//! |---|---|
//! | `meta.properties` | whose directory this is |
//! | `.lock` | locked while a node uses the directory |
//! | `.kafka_cleanshutdown` | the last stop was clean |
//! | `recovery-point-offset-checkpoint` | below these offsets every log is sound |
//! | `log-start-offset-checkpoint` | where logs begin, when not at their first segment |
//! | `replication-offset-checkpoint` | high watermarks |

use std::io;
use std::path::{Path, PathBuf};

use mainstem_protocol::Uuid;

use crate::disk::{Disk, read_small, write_small};

/// Names of the files.
pub mod file {
    /// Whose directory this is.
    pub const META: &str = "meta.properties";
    /// Locked while a node uses the directory.
    pub const LOCK: &str = ".lock";
    /// The last stop was clean.
    pub const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";
    /// Below these offsets every log is sound.
    pub const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
    /// Where logs begin.
    pub const LOG_STARTS: &str = "log-start-offset-checkpoint";
    /// High watermarks.
    pub const HIGH_WATERMARKS: &str = "replication-offset-checkpoint";
    /// Id of the topic of a partition's directory.
    pub const PARTITION_METADATA: &str = "partition.metadata";
}

/// `meta.properties`, version 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaProperties {
    /// Id of the cluster: text, usually the base64 of a UUID.
    pub cluster_id: String,
    /// Id of the node.
    pub node_id: i32,
    /// Id of this directory.
    pub directory_id: Uuid,
}

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogDirError {
    /// Another node uses it.
    #[error("{} is locked by another node", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// The disk failed, or does not let us.
    #[error("{}: {cause}", path.display())]
    Disk {
        /// The file or directory.
        path: PathBuf,
        /// What the disk said.
        cause: io::Error,
    },
    /// A file is not what it should be.
    #[error("{}: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

/// The lock on a directory; released when dropped, or when the process ends.
#[derive(Debug)]
pub struct DirLock {
    _file: std::fs::File,
}

/// Makes the directory if need be and locks it.
pub fn lock(dir: &Path) -> Result<DirLock, LogDirError> {
    let disk_error = |path: &Path| {
        let path = path.to_owned();
        move |cause| LogDirError::Disk { path, cause }
    };
    std::fs::create_dir_all(dir).map_err(disk_error(dir))?;
    let path = dir.join(file::LOCK);
    let file = std::fs::File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .map_err(disk_error(&path))?;
    match rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(DirLock { _file: file }),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => Err(LogDirError::Locked {
            dir: dir.to_owned(),
        }),
        Err(cause) => Err(LogDirError::Disk {
            path,
            cause: cause.into(),
        }),
    }
}

fn properties(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim()))
}

/// Reads `meta.properties`; `None` in a new directory.
pub fn read_meta(disk: &dyn Disk, dir: &Path) -> Result<Option<MetaProperties>, LogDirError> {
    let path = dir.join(file::META);
    let damaged = |what: &str| LogDirError::Damaged {
        path: path.clone(),
        what: what.to_owned(),
    };
    let bytes = read_small(disk, &path).map_err(|cause| LogDirError::Disk {
        path: path.clone(),
        cause,
    })?;
    let Some(bytes) = bytes else { return Ok(None) };
    let text = String::from_utf8(bytes).map_err(|_| damaged("it is not text"))?;
    let find = |wanted: &str| {
        properties(&text)
            .find(|(key, _)| *key == wanted)
            .map(|(_, value)| value.to_owned())
    };
    if find("version").as_deref() != Some("1") {
        return Err(damaged("version is not 1"));
    }
    let node_id = find("node.id")
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| damaged("node.id is missing"))?;
    let cluster_id = find("cluster.id").ok_or_else(|| damaged("cluster.id is missing"))?;
    let directory_id = match find("directory.id") {
        Some(id) => id
            .parse()
            .map_err(|error| damaged(&format!("directory.id: {error}")))?,
        None => Uuid::ZERO,
    };
    Ok(Some(MetaProperties {
        cluster_id,
        node_id,
        directory_id,
    }))
}

/// Writes `meta.properties`.
pub fn write_meta(disk: &dyn Disk, dir: &Path, meta: &MetaProperties) -> Result<(), LogDirError> {
    let path = dir.join(file::META);
    let text = format!(
        "cluster.id={}\ndirectory.id={}\nnode.id={}\nversion=1\n",
        meta.cluster_id, meta.directory_id, meta.node_id
    );
    write_small(disk, &path, text.as_bytes()).map_err(|cause| LogDirError::Disk { path, cause })
}

/// Takes the mark of a clean stop away; the broker epoch in it, or -1 when it names none. `None` when there is no mark.
pub fn take_clean_mark(disk: &dyn Disk, dir: &Path) -> Result<Option<i64>, LogDirError> {
    let path = dir.join(file::CLEAN_SHUTDOWN);
    let disk_error = |cause| LogDirError::Disk {
        path: path.clone(),
        cause,
    };
    let Some(bytes) = read_small(disk, &path).map_err(disk_error)? else {
        return Ok(None);
    };
    disk.remove_file(&path)
        .and_then(|()| disk.sync_dir(dir))
        .map_err(disk_error)?;
    let text = String::from_utf8_lossy(&bytes);
    let epoch = text.split_once("\"brokerEpoch\":").map(|(_, rest)| {
        let digits = rest.trim_start().split(|c: char| !c.is_ascii_digit());
        digits
            .into_iter()
            .next()
            .and_then(|digits| digits.parse().ok())
    });
    Ok(Some(epoch.flatten().unwrap_or(-1)))
}

/// Leaves the mark of a clean stop.
pub fn leave_clean_mark(disk: &dyn Disk, dir: &Path, broker_epoch: i64) -> Result<(), LogDirError> {
    let path = dir.join(file::CLEAN_SHUTDOWN);
    let text = format!("{{\"version\":0,\"brokerEpoch\":{broker_epoch}}}");
    write_small(disk, &path, text.as_bytes()).map_err(|cause| LogDirError::Disk { path, cause })
}

/// Reads the topic id of a partition's directory; `None` when the file is missing.
pub fn read_partition_metadata(disk: &dyn Disk, dir: &Path) -> Result<Option<Uuid>, LogDirError> {
    let path = dir.join(file::PARTITION_METADATA);
    let bytes = read_small(disk, &path).map_err(|cause| LogDirError::Disk {
        path: path.clone(),
        cause,
    })?;
    let Some(bytes) = bytes else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let id = text
        .lines()
        .find_map(|line| line.strip_prefix("topic_id:"))
        .and_then(|id| id.trim().parse().ok());
    match id {
        Some(id) => Ok(Some(id)),
        None => Err(LogDirError::Damaged {
            path,
            what: "it names no topic id".to_owned(),
        }),
    }
}

/// Writes the topic id of a partition's directory.
pub fn write_partition_metadata(
    disk: &dyn Disk,
    dir: &Path,
    topic_id: Uuid,
) -> Result<(), LogDirError> {
    let path = dir.join(file::PARTITION_METADATA);
    let text = format!("version: 0\ntopic_id: {topic_id}");
    write_small(disk, &path, text.as_bytes()).map_err(|cause| LogDirError::Disk { path, cause })
}
