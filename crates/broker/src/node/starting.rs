//! The steps of a start, one function each; [`super::start`] puts them together.

use std::collections::{BTreeSet, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use mainstem_metadata::control::{
    Registration, bootstrap, lead_partitions, register_broker, unfence_broker,
};
use mainstem_metadata::{Changed, Endpoint, MetadataImage};
use mainstem_protocol::{Str, Uuid};
use mainstem_storage::Repair;

use super::{Node, StartError, StartReport};
use crate::clock::random_uuid;
use crate::config::{NodeConfig, effective};
use crate::controller::{MetadataLog, SnapshotLimits, start_partitions};
use crate::fetch::FetchSessions;
use crate::log_dirs::{DataDirError, LogDirs};
use crate::net::{Bound, Connections, bind};
use crate::threads::Core;

pub(super) fn fetch_sessions(config: &NodeConfig) -> FetchSessions {
    let name = "max.incremental.fetch.session.cache.slots";
    FetchSessions::new(usize::try_from(config.properties.number(name)).unwrap_or(1_000))
}

/// With the limits that were set while the node ran before.
pub(super) fn connections(
    config: &NodeConfig,
    image: &MetadataImage,
    descriptors: u64,
) -> Arc<Connections> {
    let node_id = i32::try_from(config.properties.number("node.id")).unwrap_or(1);
    let properties = effective(&config.properties, image, node_id);
    Arc::new(Connections::new(&properties, descriptors))
}

pub(super) fn listen(config: &NodeConfig) -> Result<Bound, StartError> {
    let backlog = config.properties.number("socket.listen.backlog.size");
    bind(&config.host, config.port, backlog).map_err(|cause| StartError::Listen {
        address: format!("{}:{}", config.host, config.port),
        cause,
    })
}

pub(super) fn advertised(config: &NodeConfig, bound: SocketAddr) -> Endpoint {
    let (host, port) = match &config.advertised {
        Some((host, port)) => (host.clone(), *port),
        None if config.host.is_empty() || bound.ip().is_unspecified() => {
            (host_name(), bound.port())
        }
        None => (config.host.clone(), bound.port()),
    };
    Endpoint {
        name: Str::from_static("PLAINTEXT"),
        host: Str::from(host),
        port,
        security_protocol: 0,
    }
}

/// What this machine calls itself: what clients are told when we listen everywhere.
pub(super) fn host_name() -> String {
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    if name.is_empty() {
        "localhost".to_owned()
    } else {
        name
    }
}

/// Replays the metadata log and begins a new epoch of it.
pub(super) fn read_metadata(
    config: &NodeConfig,
    log_dirs: &LogDirs,
) -> Result<(MetadataLog, MetadataImage, Option<Repair>), StartError> {
    let (log, repair) = log_dirs.open_metadata(&config.properties)?;
    let limits = SnapshotLimits::of(&config.properties);
    let node_id = log_dirs.meta.node_id;
    let (log, image) = MetadataLog::begin(log, log_dirs.disk.clone(), node_id, limits)?;
    Ok((log, image, repair))
}

/// Writes the first records of a new cluster and this broker's registration; returns its epoch.
pub(super) fn register(
    log: &mut MetadataLog,
    image: &mut MetadataImage,
    log_dirs: &LogDirs,
    node_id: i32,
    endpoint: Endpoint,
) -> Result<i64, StartError> {
    let mut changed = Changed::default();
    let lead = lead_partitions(image, node_id);
    let first = bootstrap(image, log.take_first_records());
    let mut append = |log: &mut MetadataLog, records: &[_]| -> Result<(), StartError> {
        if let Some(at) = log.append_many(records)? {
            image.at = at;
            for record in records {
                image.apply(record, &mut changed)?;
            }
        }
        Ok(())
    };
    append(log, &first)?;
    // What is registered serves, and leads what it holds.
    let broker_epoch = log.next_offset();
    let registration = Registration {
        node_id,
        incarnation: random_uuid(),
        endpoints: vec![endpoint],
        directory: log_dirs.meta.directory_id,
        rack: None,
    };
    let mut records = vec![
        register_broker(&registration, broker_epoch),
        unfence_broker(node_id, broker_epoch),
    ];
    records.extend(lead);
    append(log, &records)?;
    Ok(broker_epoch)
}

/// Opens every partition of the image, several at a time.
pub(super) fn open_partitions(
    node: &Arc<Node>,
    removed_topics: &BTreeSet<Uuid>,
) -> Result<Vec<Repair>, StartError> {
    let image = node.metadata.load_full();
    let mut names = HashSet::new();
    for topic in image.topics() {
        for index in 0..topic.partitions.len() {
            names.insert(format!("{}-{index}", topic.name));
        }
    }
    node.log_dirs
        .clear_strays(|name| names.contains(name), removed_topics)?;
    let topics: Vec<_> = image.topics().cloned().collect();
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(topics.len())
        .max(1);
    let next = AtomicUsize::new(0);
    let results = std::thread::scope(|scope| {
        let work = || -> Result<Vec<Repair>, DataDirError> {
            let mut repairs = Vec::new();
            while let Some(topic) = topics.get(next.fetch_add(1, Ordering::Relaxed)) {
                repairs.extend(start_partitions(node, &image, topic)?);
            }
            Ok(repairs)
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.collect::<Vec<_>>()
    });
    let mut repairs = Vec::new();
    for result in results {
        match result {
            Ok(found) => repairs.extend(found?),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    // Of deleted topics the checkpoints must say nothing: a crash may have come before that was written.
    node.checkpoint().map_err(|cause| {
        let path = node.config.data_dir.clone();
        DataDirError::Disk { path, cause }
    })?;
    Ok(repairs)
}

pub(super) fn serve_http(
    node: &Arc<Node>,
    control: &Core,
) -> Result<Option<SocketAddr>, StartError> {
    let Some(address) = node.config.http else {
        return Ok(None);
    };
    let listen_error = |cause| StartError::Listen {
        address: address.to_string(),
        cause,
    };
    let listener = crate::http::bind(address).map_err(listen_error)?;
    let bound = listener.local_addr().map_err(listen_error)?;
    let node = node.clone();
    control.handle.spawn(async move {
        let served = match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => crate::http::serve(listener, node).await,
            Err(error) => Err(error),
        };
        if let Err(error) = served {
            tracing::error!(%error, "HTTP is not served any more");
        }
    });
    Ok(Some(bound))
}

pub(super) fn report(
    node: &Node,
    repairs: Vec<Repair>,
    address: SocketAddr,
    began: Instant,
) -> StartReport {
    let mut warnings = node.config.properties.warnings();
    if !address.ip().is_loopback() {
        warnings.push(format!(
            "{address} is open to the network without encryption or login: anyone who reaches it can read and write everything"
        ));
    }
    let image = node.metadata.load();
    StartReport {
        node_id: node.node_id,
        cluster_id: node.cluster_id.to_string(),
        data_dir: node.config.data_dir.clone(),
        is_new: node.log_dirs.is_new,
        was_clean: node.log_dirs.was_clean,
        topics: image.topics().filter(|topic| !topic.is_internal()).count(),
        bytes: node
            .partitions
            .all()
            .iter()
            .map(|partition| partition.size_bytes())
            .sum(),
        repairs,
        took: began.elapsed(),
        warnings,
    }
}
