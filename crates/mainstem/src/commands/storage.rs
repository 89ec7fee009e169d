//! `mainstem storage …`: data directories, without a node.

use mainstem_broker::disk::RealDisk;
use mainstem_broker::{
    FormatError, LogDirError, METADATA_VERSION, MetaProperties, format, random_id, read_meta,
};
use serde_json::json;

use super::server::{data_dir, read_properties};
use crate::cli::{Global, PlaceOptions, StorageCommand};
use crate::failure::Failure;
use crate::output::{Column, print, rows, say};

/// The release of Apache Kafka whose records a new cluster writes, and the names of its last level.
const RELEASE: &str = "4.4";
const RELEASE_LEVELS: &[&str] = &["4.4-IV2"];

pub(crate) fn run(global: &Global, command: StorageCommand) -> Result<(), Failure> {
    match command {
        StorageCommand::RandomUuid if global.json => {
            print(&format!("{}\n", json!({"id": random_id()})))
        }
        StorageCommand::RandomUuid => print(&format!("{}\n", random_id())),
        StorageCommand::Info(place) => info(global, &place),
        StorageCommand::Format {
            place,
            cluster_id,
            ignore_formatted,
            release_version,
            feature,
            standalone: _,
        } => {
            check_features(release_version.as_deref(), &feature)?;
            make(global, &place, cluster_id.as_deref(), ignore_formatted)
        }
    }
}

fn show(global: &Global, dir: &std::path::Path, meta: &MetaProperties) -> Result<(), Failure> {
    let columns = [
        Column("DIRECTORY", "directory", false),
        Column("CLUSTER", "cluster_id", false),
        Column("NODE", "node_id", true),
        Column("DIRECTORY ID", "directory_id", false),
    ];
    let row = vec![
        json!(dir.display().to_string()),
        json!(meta.cluster_id),
        json!(meta.node_id),
        json!(meta.directory_id.to_string()),
    ];
    Ok(rows(global, &columns, &[row])?)
}

fn info(global: &Global, place: &PlaceOptions) -> Result<(), Failure> {
    let properties = read_properties(place.config.as_deref(), &place.options)?;
    let dir = data_dir(place.data_dir.as_deref(), &properties);
    if !dir.is_dir() {
        let what = if dir.exists() {
            "is not a directory"
        } else {
            "does not exist"
        };
        return Err(Failure::with_hint(
            format!("{} {what}", dir.display()),
            "name another: --data-dir DIR",
        ));
    }
    let damaged = |error: LogDirError| {
        Failure::with_hint(
            error.to_string(),
            "keep a copy of the directory before you repair it",
        )
    };
    match read_meta(&RealDisk, &dir).map_err(damaged)? {
        Some(meta) => show(global, &dir, &meta),
        None => Err(Failure::with_hint(
            format!("{} is not formatted", dir.display()),
            "format it: mainstem storage format --data-dir DIR   ·   or let the first start do it: mainstem server",
        )),
    }
}

fn make(
    global: &Global,
    place: &PlaceOptions,
    cluster_id: Option<&str>,
    ignore_formatted: bool,
) -> Result<(), Failure> {
    if cluster_id.is_some_and(|id| id.is_empty() || id.contains(char::is_whitespace)) {
        return Err(Failure::usage(
            "the id of a cluster is one word",
            "get one: mainstem storage random-uuid",
        ));
    }
    let properties = read_properties(place.config.as_deref(), &place.options)?;
    for warning in properties.warnings() {
        eprintln!("warning: {warning}");
    }
    let dir = data_dir(place.data_dir.as_deref(), &properties);
    let node_id = i32::try_from(properties.number("node.id")).unwrap_or(1);
    let formatted = format(&RealDisk, &dir, node_id, cluster_id, ignore_formatted);
    let (meta, is_new) = formatted.map_err(refused)?;
    let done = if is_new {
        "formatted"
    } else {
        "was formatted already; it is as it was"
    };
    say(global, &format!("{} {done}", dir.display()));
    show(global, &dir, &meta)
}

/// Apache Kafka's tool lets a cluster begin at another level; this build writes the records of one.
fn check_features(release: Option<&str>, features: &[String]) -> Result<(), Failure> {
    let hint = format!(
        "leave it out: clusters begin at metadata.version {METADATA_VERSION}, release {RELEASE}"
    );
    let is_ours = |release: &str| release == RELEASE || RELEASE_LEVELS.contains(&release);
    if let Some(release) = release
        && !is_ours(release)
    {
        return Err(Failure::usage(
            format!("a cluster cannot begin at release {release} here"),
            &hint,
        ));
    }
    for feature in features {
        let level = feature
            .split_once('=')
            .and_then(|(name, level)| Some((name, level.parse::<i16>().ok()?)));
        match level {
            Some(("metadata.version", METADATA_VERSION)) => {}
            Some((name, 0)) if name != "metadata.version" => {}
            Some((name, level)) => {
                let what = format!("{name} cannot begin at {level} here");
                return Err(Failure::usage(what, &hint));
            }
            None => {
                let what = format!("{feature:?} is no feature with its level");
                return Err(Failure::usage(what, "name one so: metadata.version=33"));
            }
        }
    }
    Ok(())
}

fn refused(error: FormatError) -> Failure {
    let hint = match &error {
        FormatError::Formatted { .. } => {
            "start the node in it: mainstem server   ·   leave it as it is and go on: --ignore-formatted"
        }
        FormatError::Other { .. } => {
            "name the cluster and node that it belongs to (--cluster-id ID, -o node.id=N), or another directory: --data-dir DIR"
        }
        FormatError::Dir(_) => {
            "stop the node that uses it, check the directory, or choose another: --data-dir DIR"
        }
    };
    Failure::with_hint(error.to_string(), hint)
}
