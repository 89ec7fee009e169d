//! A cluster as a client sees it: brokers, leaders, and connections to them, opened when they are needed.
//!
//! Must not know how records are made or read. Invariants: one connection per broker and use; a broker that cannot be reached holds up
//! only those who want that broker; whoever fails at a leader forgets the topic, so that the next try asks who leads it now.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mainstem_protocol::messages::metadata_request::MetadataRequestTopic;
use mainstem_protocol::messages::metadata_response::MetadataResponseTopic;
use mainstem_protocol::messages::{FindCoordinatorRequest, MetadataRequest, MetadataResponse};
use mainstem_protocol::{ErrorCode, Request, Str};
use mainstem_stdx::Backoff;

use crate::ClientError;
use crate::connection::Connection;
use crate::limits::{BACKOFF, METADATA_AGE};

/// How to reach a cluster.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// Brokers to begin with: `host:port`, several with commas.
    pub bootstrap: String,
    /// What we call ourselves.
    pub client_id: String,
    /// How long to wait for a connection and for an answer.
    pub timeout: Duration,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self {
            bootstrap: "127.0.0.1:9092".to_owned(),
            client_id: "mainstem".to_owned(),
            timeout: Duration::from_secs(30),
        }
    }
}

#[derive(Debug, Default)]
struct Known {
    brokers: BTreeMap<i32, String>,
    controller: i32,
    /// Topics with their partitions in the order of their numbers. A leader is looked for with every batch, so nothing is copied for it.
    topics: HashMap<String, (Instant, Arc<MetadataResponseTopic>)>,
}

/// What a connection is for. Answers of one connection come in order, so what a broker may hold back has connections of its own: a
/// fetch waits for records, a join for other members, and neither may hold up a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Use {
    Plain,
    Fetch,
    Group,
}

/// Where a connection stands; locked while it is opened, so that it is opened once.
type Slot = Arc<tokio::sync::Mutex<Option<Arc<Connection>>>>;

#[derive(Debug)]
struct Inner {
    options: ClusterOptions,
    client_id: Str,
    known: Mutex<Known>,
    connections: Mutex<HashMap<(String, Use), Slot>>,
}

/// A cluster; clones share connections and metadata.
#[derive(Clone, Debug)]
pub struct Cluster {
    inner: Arc<Inner>,
}

/// A random number for backoffs.
pub(crate) fn chance() -> u64 {
    let mut bytes = [0; 8];
    // Without randomness waits are merely alike.
    let _ = getrandom::fill(&mut bytes);
    u64::from_be_bytes(bytes)
}

/// Tries again while an operation fails in a way that may pass, until the deadline.
pub(crate) async fn retry<T, F: Future<Output = Result<T, ClientError>>>(
    deadline: Instant,
    mut operation: impl FnMut() -> F,
) -> Result<T, ClientError> {
    let mut backoff = Backoff::new(BACKOFF.0, BACKOFF.1);
    loop {
        match operation().await {
            Err(error) if error.is_retriable() && Instant::now() < deadline => {
                tracing::debug!(%error, "tried again");
                tokio::time::sleep(backoff.next(chance())).await;
            }
            done => return done,
        }
    }
}

impl Cluster {
    /// Connects to one of the bootstrap brokers and learns the others.
    pub async fn connect(options: ClusterOptions) -> Result<Self, ClientError> {
        let client_id = Str::from(&options.client_id);
        let inner = Inner {
            options,
            client_id,
            known: Mutex::default(),
            connections: Default::default(),
        };
        let cluster = Self {
            inner: Arc::new(inner),
        };
        cluster.refresh(Some(Vec::new())).await?;
        Ok(cluster)
    }

    /// The addresses that were given.
    pub fn bootstrap(&self) -> &str {
        &self.inner.options.bootstrap
    }

    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.inner.options.timeout
    }

    async fn connection(&self, address: &str, for_: Use) -> Result<Arc<Connection>, ClientError> {
        let slot = {
            let mut connections = self
                .inner
                .connections
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            connections
                .entry((address.to_owned(), for_))
                .or_default()
                .clone()
        };
        let mut slot = slot.lock().await;
        if let Some(connection) = slot.as_ref().filter(|connection| !connection.is_lost()) {
            return Ok(connection.clone());
        }
        let opened =
            Connection::open(address, &self.inner.client_id, self.inner.options.timeout).await?;
        let opened = Arc::new(opened);
        *slot = Some(opened.clone());
        Ok(opened)
    }

    /// A connection to any broker: a known one, else one of the bootstrap list.
    pub(crate) async fn any(&self) -> Result<Arc<Connection>, ClientError> {
        let known: Vec<String> = self.known().brokers.values().cloned().collect();
        let listed = self
            .inner
            .options
            .bootstrap
            .split(',')
            .map(|address| address.trim().to_owned());
        let mut last = None;
        for address in known.into_iter().chain(listed) {
            match self.connection(&address, Use::Plain).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = Some(error),
            }
        }
        let address = self.inner.options.bootstrap.clone();
        Err(last.unwrap_or(ClientError::Connect {
            address,
            cause: "no address was given".to_owned(),
        }))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.inner
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection to a broker by its id.
    pub(crate) async fn broker(&self, id: i32, for_: Use) -> Result<Arc<Connection>, ClientError> {
        let address = self.known().brokers.get(&id).cloned();
        match address {
            Some(address) => self.connection(&address, for_).await,
            None => Err(ClientError::refused(
                format!("broker {id}"),
                ErrorCode::LeaderNotAvailable,
                None,
            )),
        }
    }

    /// The ids of the brokers that are there.
    pub(crate) async fn broker_ids(&self) -> Result<Vec<i32>, ClientError> {
        self.refresh(Some(Vec::new())).await?;
        Ok(self.known().brokers.keys().copied().collect())
    }

    /// A connection to the controller.
    pub(crate) async fn controller(&self) -> Result<Arc<Connection>, ClientError> {
        let id = self.known().controller;
        match self.broker(id, Use::Plain).await {
            Ok(connection) => Ok(connection),
            Err(_) => self.any().await,
        }
    }

    /// Asks for metadata: of all topics, or of those named (which a broker may then make).
    pub(crate) async fn refresh(
        &self,
        topics: Option<Vec<Str>>,
    ) -> Result<MetadataResponse, ClientError> {
        let connection = self.any().await?;
        let mut response = connection
            .ask(|version| MetadataRequest {
                topics: topics.clone().map(|topics| {
                    let named = topics.into_iter().map(|name| MetadataRequestTopic {
                        name: Some(name),
                        ..Default::default()
                    });
                    named.collect()
                }),
                allow_auto_topic_creation: version >= 4
                    && topics.as_ref().is_some_and(|topics| !topics.is_empty()),
                ..MetadataRequest::default()
            })
            .await?;
        let mut known = self.known();
        known.controller = response.controller_id;
        let addresses = response
            .brokers
            .iter()
            .map(|broker| (broker.node_id, format!("{}:{}", broker.host, broker.port)));
        known.brokers = addresses.collect();
        if topics.is_none() {
            known.topics.clear(); // the answer names every topic that is left
        }
        for topic in &mut response.topics {
            topic.partitions.sort_by_key(|state| state.partition_index);
            if let Some(name) = &topic.name {
                let found = (Instant::now(), Arc::new(topic.clone()));
                known.topics.insert(name.to_string(), found);
            }
        }
        drop(known);
        Ok(response)
    }

    /// What is known of a topic; asks if it is unknown, old, or has no leaders.
    async fn topic(&self, name: &str) -> Result<Arc<MetadataResponseTopic>, ClientError> {
        let fresh = self.known().topics.get(name).and_then(|(since, topic)| {
            let usable = since.elapsed() < METADATA_AGE && topic.error_code == 0;
            usable.then(|| topic.clone())
        });
        if let Some(topic) = fresh {
            return Ok(topic);
        }
        let response = self.refresh(Some(vec![Str::from(name)])).await?;
        let found = response
            .topics
            .into_iter()
            .find(|topic| topic.name.as_deref() == Some(name));
        let missing = || {
            ClientError::refused(
                format!("topic {name}"),
                ErrorCode::UnknownTopicOrPartition,
                None,
            )
        };
        let topic = found.ok_or_else(missing)?;
        match ErrorCode::from_code(topic.error_code) {
            ErrorCode::None => Ok(Arc::new(topic)),
            code => Err(ClientError::refused(format!("topic {name}"), code, None)),
        }
    }

    /// Forgets what is known of a topic, since it proved wrong.
    pub(crate) fn forget(&self, topic: &str) {
        self.known().topics.remove(topic);
    }

    /// Count of a topic's partitions; makes the topic if the cluster does that.
    pub async fn partition_count(&self, topic: &str) -> Result<i32, ClientError> {
        let found = retry(self.deadline(), || self.topic(topic)).await?;
        Ok(i32::try_from(found.partitions.len()).unwrap_or(i32::MAX))
    }

    /// The broker that leads a partition.
    pub(crate) async fn leader(&self, topic: &str, partition: i32) -> Result<i32, ClientError> {
        let found = self.topic(topic).await?;
        let at = found
            .partitions
            .binary_search_by_key(&partition, |state| state.partition_index);
        let state = at.ok().and_then(|at| found.partitions.get(at));
        match state {
            Some(state) if state.leader_id >= 0 => Ok(state.leader_id),
            found => {
                self.forget(topic);
                let code = match found {
                    Some(_) => ErrorCode::LeaderNotAvailable,
                    None => ErrorCode::UnknownTopicOrPartition,
                };
                Err(ClientError::refused(
                    format!("{topic}-{partition}"),
                    code,
                    None,
                ))
            }
        }
    }

    /// A connection to the broker that leads a partition. One that cannot be reached may lead no more: the topic is asked for again.
    pub(crate) async fn leader_connection(
        &self,
        topic: &str,
        partition: i32,
    ) -> Result<Arc<Connection>, ClientError> {
        let leader = self.leader(topic, partition).await?;
        self.broker(leader, Use::Plain)
            .await
            .inspect_err(|_| self.forget(topic))
    }

    /// A connection to the coordinator of a group.
    pub(crate) async fn coordinator(
        &self,
        group: &str,
        for_: Use,
    ) -> Result<Arc<Connection>, ClientError> {
        let find = || async {
            let connection = self.any().await?;
            let request = |_| FindCoordinatorRequest {
                key: Str::from(group),
                ..FindCoordinatorRequest::default()
            };
            let found = connection.ask(request).await?;
            match ErrorCode::from_code(found.error_code) {
                ErrorCode::None => {
                    let address = format!("{}:{}", found.host, found.port);
                    self.connection(&address, for_).await
                }
                code => Err(ClientError::refused(
                    format!("group {group}"),
                    code,
                    found.error_message.as_deref(),
                )),
            }
        };
        retry(self.deadline(), find).await
    }

    /// Asks any broker.
    pub(crate) async fn ask_any<R: Request>(
        &self,
        fill: impl FnOnce(i16) -> R,
    ) -> Result<R::Response, ClientError> {
        self.any().await?.ask(fill).await
    }
}
