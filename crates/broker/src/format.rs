//! Formatting a data directory ahead of the node's first start: what Apache Kafka's `kafka-storage format` is for.
//!
//! Invariant: `meta.properties` is written last, so that a directory is formatted wholly or, to whoever looks, not at all.

use std::path::{Path, PathBuf};

use mainstem_storage::disk::Disk;
use mainstem_storage::log_dir::{self, MetaProperties, read_meta, write_meta};

use crate::clock::random_uuid;
use crate::controller::write_first_snapshot;
use crate::log_dirs::{DataDirError, METADATA_DIR, keep_names, missing_above};

/// Why a directory was not formatted.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// It is formatted already.
    #[error("{} is formatted already: cluster {}, node {}", dir.display(), meta.cluster_id, meta.node_id)]
    Formatted {
        /// The directory.
        dir: PathBuf,
        /// Whose it is.
        meta: MetaProperties,
    },
    /// It is formatted for another cluster or node.
    #[error("{} belongs to cluster {}, node {}", dir.display(), meta.cluster_id, meta.node_id)]
    Other {
        /// The directory.
        dir: PathBuf,
        /// Whose it is.
        meta: MetaProperties,
    },
    /// The directory or one of its files.
    #[error(transparent)]
    Dir(#[from] DataDirError),
}

/// A random id in Apache Kafka's text form: 22 characters of URL-safe base64.
pub fn random_id() -> String {
    random_uuid().to_string()
}

/// Formats a directory for a node of a cluster; the value says whether it was done now. With `ignore_formatted` a directory that is
/// formatted for the same cluster and node is left as it is.
pub fn format(
    disk: &dyn Disk,
    dir: &Path,
    node_id: i32,
    cluster_id: Option<&str>,
    ignore_formatted: bool,
) -> Result<(MetaProperties, bool), FormatError> {
    let missing = missing_above(disk, dir);
    let _lock = log_dir::lock(dir).map_err(DataDirError::from)?;
    keep_names(disk, dir, &missing)?;
    if let Some(meta) = read_meta(disk, dir).map_err(DataDirError::from)? {
        let is_ours =
            meta.node_id == node_id && cluster_id.is_none_or(|wanted| wanted == meta.cluster_id);
        let dir = dir.to_owned();
        return match (ignore_formatted, is_ours) {
            (true, true) => Ok((meta, false)),
            (true, false) => Err(FormatError::Other { dir, meta }),
            (false, _) => Err(FormatError::Formatted { dir, meta }),
        };
    }
    let meta = MetaProperties {
        cluster_id: cluster_id.map_or_else(random_id, str::to_owned),
        node_id,
        directory_id: random_uuid(),
    };
    let metadata = dir.join(METADATA_DIR);
    let disk_error = |cause| DataDirError::Disk {
        path: metadata.clone(),
        cause,
    };
    disk.create_dir(&metadata).map_err(disk_error)?;
    write_first_snapshot(disk, &metadata).map_err(|error| disk_error(error.into_io()))?;
    write_meta(disk, dir, &meta).map_err(DataDirError::from)?;
    Ok((meta, true))
}
