//! The node: what it is made of, how it starts, and how it stops.
//!
//! Start: lock and read the directory → replay the metadata log → open the partitions, several at a time → register → listen. Stop: no new
//! connections → answer what is being answered → close the logs → checkpoints → the mark of a clean stop.

mod starting;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use mainstem_metadata::MetadataImage;
use mainstem_metadata::control::{TopicDefaults, resign};
use mainstem_protocol::Str;
use mainstem_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use mainstem_storage::Repair;
use mainstem_storage::disk::{BudgetDisk, Disk};
use mainstem_storage::log_dir::leave_clean_mark;
use tokio::sync::{Semaphore, watch};

use crate::config::{NodeConfig, Properties, effective, note_endpoints};
use crate::controller::{self, Controller, MetadataLog, MetadataLogError};
use crate::fetch::FetchSessions;
use crate::groups::Groups;
use crate::housekeeping::{self, Housekeeping};
use crate::limits::{DRAIN, TIME_SEARCHES};
use crate::log_dirs::{DataDirError, LogDirs};
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::net::{Connections, accept, open_files_max, raise_descriptor_limit};
use crate::partitions::Partitions;
use crate::producer_ids::ProducerIds;
use crate::sync::{self, SyncQueue};
use crate::threads::{Core, core_count, spawn, start_cores};
use crate::wakes::Wakes;
use starting::{
    advertised, connections, fetch_sessions, listen, open_partitions, read_metadata, register,
    report, serve_http,
};

/// Topic of committed offsets.
pub(crate) const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// What handlers work with.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) config: NodeConfig,
    pub(crate) node_id: i32,
    pub(crate) cluster_id: Str,
    pub(crate) log_dirs: LogDirs,
    pub(crate) metadata: ArcSwap<MetadataImage>,
    pub(crate) partitions: Partitions,
    pub(crate) sync: Arc<SyncQueue>,
    pub(crate) controller: Controller,
    pub(crate) groups: Groups,
    pub(crate) fetch_sessions: FetchSessions,
    pub(crate) producer_ids: ProducerIds,
    pub(crate) housekeeping: Housekeeping,
    pub(crate) connections: Arc<Connections>,
    pub(crate) memory: Arc<Memory>,
    /// What small frames take that are on their way.
    pub(crate) arriving: Arc<Memory>,
    /// Leave to search records by time.
    pub(crate) time_searches: Arc<Semaphore>,
    pub(crate) metrics: Metrics,
    broker_epoch: AtomicI64,
    ready: AtomicBool,
}

impl Node {
    /// Epoch of this broker's registration.
    pub(crate) fn broker_epoch(&self) -> i64 {
        self.broker_epoch.load(Ordering::Relaxed)
    }

    /// True while Kafka is served.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Writes the checkpoints. What the image holds was synced before it was published.
    pub(crate) fn checkpoint(&self) -> std::io::Result<()> {
        self.log_dirs.checkpoint(|| {
            let metadata_end = self.metadata.load().at.offset + 1;
            (self.partitions.all(), metadata_end)
        })
    }

    /// What CreateTopics may leave open.
    pub(crate) fn topic_defaults(&self) -> TopicDefaults {
        let properties = &self.config.properties;
        TopicDefaults {
            partitions: i32::try_from(properties.number("num.partitions")).unwrap_or(1),
            replication_factor: i16::try_from(properties.number("default.replication.factor"))
                .unwrap_or(1),
        }
    }

    /// The properties with what was set while the node runs.
    pub(crate) fn effective(&self, image: &MetadataImage) -> Properties {
        effective(&self.config.properties, image, self.node_id)
    }

    /// How an internal topic is made; `None` for any other name.
    pub(crate) fn internal_topic(&self, name: &str) -> Option<CreatableTopic> {
        if name != OFFSETS_TOPIC {
            return None;
        }
        let properties = &self.config.properties;
        let config = |name: &'static str, value: String| CreatableTopicConfig {
            name: Str::from_static(name),
            value: Some(Str::from(value)),
        };
        Some(CreatableTopic {
            name: Str::from_static(OFFSETS_TOPIC),
            num_partitions: i32::try_from(properties.number("offsets.topic.num.partitions"))
                .unwrap_or(50),
            replication_factor: i16::try_from(
                properties.number("offsets.topic.replication.factor"),
            )
            .unwrap_or(1),
            configs: vec![
                config("cleanup.policy", "compact".to_owned()),
                config("compression.type", "producer".to_owned()),
                config(
                    "segment.bytes",
                    properties.number("offsets.topic.segment.bytes").to_string(),
                ),
            ],
            ..CreatableTopic::default()
        })
    }
}

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The metadata log.
    #[error(transparent)]
    Metadata(#[from] MetadataLogError),
    /// A port.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// As configured.
        address: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A thread.
    #[error("a thread cannot be started: {cause}")]
    Thread {
        /// What the system said.
        cause: std::io::Error,
    },
    /// A decision of the first start does not fit the image.
    #[error("the metadata log holds what this node does not understand: {0}")]
    Apply(#[from] mainstem_metadata::ApplyError),
}

/// What a start found.
#[derive(Debug, Clone)]
pub struct StartReport {
    /// Node id.
    pub node_id: i32,
    /// Cluster id.
    pub cluster_id: String,
    /// The data directory.
    pub data_dir: PathBuf,
    /// True when the directory was new.
    pub is_new: bool,
    /// True when the last stop was clean.
    pub was_clean: bool,
    /// Topics, internal ones not counted.
    pub topics: usize,
    /// Bytes of all logs.
    pub bytes: u64,
    /// What was cut.
    pub repairs: Vec<Repair>,
    /// How long it took.
    pub took: Duration,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// A node that runs.
#[derive(Debug)]
pub struct RunningNode {
    /// Where Kafka is served.
    pub kafka_address: SocketAddr,
    /// Where HTTP is served.
    pub http_address: Option<SocketAddr>,
    /// What the start found.
    pub report: StartReport,
    node: Arc<Node>,
    closing: watch::Sender<bool>,
    cores: Vec<Core>,
    control: Core,
    controller: JoinHandle<MetadataLog>,
    housekeeper: JoinHandle<()>,
    sync_threads: Vec<JoinHandle<()>>,
}

/// Starts a node.
pub fn start(config: NodeConfig) -> Result<RunningNode, StartError> {
    let began = Instant::now();
    let descriptors = raise_descriptor_limit();
    let node_id = i32::try_from(config.properties.number("node.id")).unwrap_or(1);
    let disk: Arc<dyn Disk> = match &config.disk {
        Some(disk) => disk.clone(),
        None => Arc::new(BudgetDisk::new(open_files_max(descriptors))),
    };
    let log_dirs = LogDirs::open(disk.clone(), &config.data_dir, node_id)?;
    let mark = log_dirs.clean_epoch;
    let dir = config.data_dir.clone();
    let started = start_on(config, log_dirs, descriptors, began);
    if let (Err(_), Some(epoch)) = (&started, mark) {
        // The next start must find what this one found: after a clean stop damage is refused, after another it may be a torn tail.
        leave_clean_mark(&*disk, &dir, epoch).map_err(DataDirError::from)?;
    }
    started
}

fn start_on(
    mut config: NodeConfig,
    log_dirs: LogDirs,
    descriptors: u64,
    began: Instant,
) -> Result<RunningNode, StartError> {
    let node_id = log_dirs.meta.node_id;
    let bound = listen(&config)?;
    let (mut metadata_log, mut image, repair) = read_metadata(&config, &log_dirs)?;
    let endpoint = advertised(&config, bound.address);
    note_endpoints(
        &mut config.properties,
        &log_dirs.path_text(),
        bound.address,
        &endpoint,
    );
    let broker_epoch = register(&mut metadata_log, &mut image, &log_dirs, node_id, endpoint)?;
    let removed_topics = metadata_log.take_removed_topics();
    let (controller, mailbox) = controller::mailbox();
    let (housekeeping, chores) = housekeeping::mailbox();
    let wakes = Arc::new(Wakes::new(core_count()));
    let control = Core::start("control".to_owned(), &wakes, wakes.control())?;
    let node = Arc::new(Node {
        node_id,
        cluster_id: Str::from(&log_dirs.meta.cluster_id),
        groups: Groups::new(control.handle.clone()),
        fetch_sessions: fetch_sessions(&config),
        connections: connections(&config, &image, descriptors),
        metadata: ArcSwap::from_pointee(image),
        partitions: Partitions::default(),
        sync: Arc::new(SyncQueue::new(wakes.clone())),
        controller,
        producer_ids: ProducerIds::default(),
        housekeeping,
        memory: Arc::new(Memory::of(&config.properties)),
        arriving: Arc::new(Memory::arriving()),
        time_searches: Arc::new(Semaphore::new(TIME_SEARCHES)),
        metrics: Metrics::new(core_count()),
        broker_epoch: AtomicI64::new(broker_epoch),
        ready: AtomicBool::new(false),
        config,
        log_dirs,
    });
    let mut repairs: Vec<Repair> = repair.into_iter().collect();
    repairs.extend(open_partitions(&node, &removed_topics)?);
    let sync_threads = sync::start(&node.sync).map_err(|cause| StartError::Thread { cause })?;
    let (of_controller, of_housekeeper) = (node.clone(), node.clone());
    let controller = spawn("controller", move || {
        controller::run(&of_controller, &mailbox, metadata_log)
    })?;
    let housekeeper = spawn("housekeeper", move || {
        housekeeping::run(&of_housekeeper, &chores);
    })?;
    node.groups.start(&node);
    let (closing, closed) = watch::channel(false);
    let kafka_address = bound.address;
    let http_address = serve_http(&node, &control)?;
    let cores = start_cores(&wakes)?;
    let handles = cores.iter().map(|core| core.handle.clone()).collect();
    control
        .handle
        .spawn(accept(node.clone(), bound, handles, closed));
    node.ready.store(true, Ordering::Relaxed);
    let report = report(&node, repairs, kafka_address, began);
    Ok(RunningNode {
        kafka_address,
        http_address,
        report,
        node,
        closing,
        cores,
        control,
        controller,
        housekeeper,
        sync_threads,
    })
}

impl RunningNode {
    /// Stops cleanly: answers what is being answered, closes the logs, leaves the mark of a clean stop.
    pub fn stop(self) -> Result<(), StartError> {
        self.node.ready.store(false, Ordering::Relaxed);
        let _ = self.closing.send(true);
        let deadline = Instant::now() + DRAIN;
        while self.node.connections.count() > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        for core in self.cores {
            core.stop();
        }
        self.node.groups.stop();
        self.control.stop();
        self.node.controller.stop();
        self.node.housekeeping.stop();
        let _ = self.housekeeper.join();
        self.node.sync.stop();
        for thread in self.sync_threads {
            let _ = thread.join();
        }
        let metadata_log = self.controller.join();
        let mut clean = true;
        for partition in self.node.partitions.all() {
            if let Err(refusal) = partition.close() {
                tracing::error!(topic = %partition.topic, error = refusal.message, "a log could not be closed");
                clean = false;
            }
        }
        match metadata_log {
            Ok(mut log) => {
                let image = self.node.metadata.load();
                let last = resign(&image, self.node.node_id, self.node.broker_epoch());
                log.append_many(&last)?;
                log.close()?;
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
        let disk_error = |cause| DataDirError::Disk {
            path: self.node.config.data_dir.clone(),
            cause,
        };
        self.node.checkpoint().map_err(disk_error)?;
        if clean {
            self.node.log_dirs.leave_clean(self.node.broker_epoch())?;
        }
        Ok(())
    }
}
