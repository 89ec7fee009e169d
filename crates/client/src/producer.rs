//! The producer: gathers records into batches, sends each partition's batches in order, and tries again until they are stored.
//!
//! Invariants: at most one batch of a partition is under way, so order holds whatever fails; an idempotent producer numbers its batches when
//! they are closed, so a batch that is sent twice is stored once; buffered bytes, open batches included, are bounded, and `send` waits for
//! room. A batch that fails for good leaves a hole, so the producer says the same of everything after it: nothing is stored behind a hole.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mainstem_protocol::batch::{BatchBuilder, BatchOptions, HEADER_BYTES, add_sequence};
use mainstem_protocol::compress::Codec;
use mainstem_protocol::hash::partition_of_key;
use mainstem_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use mainstem_protocol::messages::{InitProducerIdRequest, ProduceRequest};
use mainstem_protocol::{ErrorCode, Str};
use tokio::task::JoinSet;

use crate::ClientError;
use crate::cluster::{Cluster, chance, retry};
use crate::limits::METADATA_AGE;

/// How to produce.
#[derive(Clone, Debug)]
pub struct ProducerOptions {
    /// Bytes of a batch before it is sent.
    pub batch_bytes: usize,
    /// How long a batch waits for more records.
    pub linger: Duration,
    /// How batches are compressed.
    pub codec: Codec,
    /// 0: no answer; 1: in the leader's page cache; -1: committed.
    pub acks: i16,
    /// A batch that is sent twice is stored once; needs acks = -1.
    pub idempotent: bool,
    /// Bytes that wait to be sent.
    pub buffer_bytes: usize,
    /// How long a batch is tried.
    pub delivery_timeout: Duration,
}

impl Default for ProducerOptions {
    fn default() -> Self {
        Self {
            batch_bytes: 256 * 1024,
            linger: Duration::from_millis(5),
            codec: Codec::None,
            acks: -1,
            idempotent: true,
            buffer_bytes: 32 * 1024 * 1024,
            delivery_timeout: Duration::from_secs(120),
        }
    }
}

/// How much was stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Produced {
    /// Records.
    pub records: u64,
    /// Bytes of batches.
    pub bytes: u64,
}

struct Batch {
    bytes: Bytes,
    records: u64,
}

/// A partition's batches.
#[derive(Default)]
struct Lane {
    open: Option<(BatchBuilder, Instant)>,
    closed: VecDeque<Batch>,
    under_way: bool,
    next_sequence: i32,
}

type Place = (Str, i32);

/// A producer.
pub struct Producer {
    cluster: Cluster,
    options: ProducerOptions,
    identity: Option<(i64, i16)>,
    lanes: HashMap<Place, Lane>,
    /// Lanes that have a closed batch and none under way; each stands here once.
    ready: VecDeque<Place>,
    /// Open batches by the time they were opened. One that was closed since is passed over.
    opened: VecDeque<(Instant, Place)>,
    /// Where records without a key go until their batch is closed.
    sticky: HashMap<Str, i32>,
    /// Partition counts, and when they were learned.
    counts: HashMap<Str, (Instant, u32)>,
    /// Bytes of batches that are closed and not yet stored.
    buffered: usize,
    /// Bytes of records in open batches.
    open_bytes: usize,
    failed: Option<ClientError>,
    sending: JoinSet<(Place, usize, Result<Produced, ClientError>)>,
    produced: Produced,
}

/// Keys and values of a record's headers.
pub type HeaderSlices<'a> = &'a [(&'a [u8], Option<&'a [u8]>)];

impl Producer {
    /// A producer; an idempotent one gets its id here.
    pub async fn new(cluster: Cluster, options: ProducerOptions) -> Result<Self, ClientError> {
        let identity = if options.idempotent {
            let ask = || async {
                let request = |_| InitProducerIdRequest {
                    transactional_id: None,
                    transaction_timeout_ms: 60_000,
                    ..InitProducerIdRequest::default()
                };
                let given = cluster.ask_any(request).await?;
                match ErrorCode::from_code(given.error_code) {
                    ErrorCode::None => Ok((given.producer_id, given.producer_epoch)),
                    code => Err(ClientError::refused("producer id", code, None)),
                }
            };
            Some(retry(cluster.deadline(), ask).await?)
        } else {
            None
        };
        Ok(Self {
            cluster,
            options,
            identity,
            lanes: HashMap::new(),
            ready: VecDeque::new(),
            opened: VecDeque::new(),
            sticky: HashMap::new(),
            counts: HashMap::new(),
            buffered: 0,
            open_bytes: 0,
            failed: None,
            sending: JoinSet::new(),
            produced: Produced::default(),
        })
    }

    /// Takes a record. It is stored when a later call, or [`Self::flush`], says so; an error here is that of an earlier batch.
    pub async fn send(
        &mut self,
        topic: &Str,
        partition: Option<i32>,
        timestamp: i64,
        record: (Option<&[u8]>, Option<&[u8]>),
        headers: HeaderSlices<'_>,
    ) -> Result<(), ClientError> {
        self.check()?;
        let (key, value) = record;
        let partition = match partition {
            Some(partition) => partition,
            None => self.choose(topic, key).await?,
        };
        let place = (topic.clone(), partition);
        let size = key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len);
        let is_full = |lane: &Lane, more: usize| {
            let open = lane.open.as_ref();
            open.is_some_and(|(open, _)| open.size_estimate() + more > self.options.batch_bytes)
        };
        // A large record goes into a batch of its own, since a batch, not a record, is what a broker may find too large.
        if self
            .lanes
            .get(&place)
            .is_some_and(|lane| is_full(lane, size))
        {
            self.close(&place)?;
        }
        let lane = self.lanes.entry(place.clone()).or_default();
        let (open, _) = lane.open.get_or_insert_with(|| {
            let now = Instant::now();
            self.opened.push_back((now, place.clone()));
            (BatchBuilder::new(BatchOptions::default()), now)
        });
        let before = open.size_estimate();
        open.append(timestamp, key, value, headers);
        self.open_bytes += open.size_estimate() - before;
        if open.size_estimate() >= self.options.batch_bytes {
            self.close(&place)?;
        }
        if self.opened.len() > 2 * self.lanes.len() {
            // Who never lingers must not gather batches that were closed long ago.
            let mut opened = std::mem::take(&mut self.opened);
            opened.retain(|opened| self.is_open(opened));
            self.opened = opened;
        }
        self.make_room().await?;
        while let Some(done) = self.sending.try_join_next() {
            self.finished(done)?;
        }
        Ok(())
    }

    /// Sends what may be sent, and waits while more is held than the buffer's size.
    async fn make_room(&mut self) -> Result<(), ClientError> {
        self.start();
        if self.buffered + self.open_bytes > self.options.buffer_bytes {
            // Many partitions with little each: nothing would leave by itself.
            self.close_all()?;
            self.start();
        }
        while self.buffered > self.options.buffer_bytes {
            self.finish_one().await?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), ClientError> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    /// Java's choice for keys, so that all producers agree; for records without a key one partition per batch.
    async fn choose(&mut self, topic: &Str, key: Option<&[u8]>) -> Result<i32, ClientError> {
        if key.is_none()
            && let Some(partition) = self.sticky.get(topic)
        {
            return Ok(*partition);
        }
        let known = self.counts.get(topic);
        let count = match known.filter(|(since, _)| since.elapsed() < METADATA_AGE) {
            Some((_, count)) => *count,
            None => {
                let count = self.cluster.partition_count(topic).await?.unsigned_abs();
                self.counts.insert(topic.clone(), (Instant::now(), count));
                count
            }
        };
        let partition = match key {
            Some(key) => partition_of_key(key, count),
            None => u32::try_from(chance() % u64::from(count.max(1))).unwrap_or(0),
        };
        let partition = partition.cast_signed();
        if key.is_none() {
            self.sticky.insert(topic.clone(), partition);
        }
        Ok(partition)
    }

    /// Sends batches that have lingered long enough. An error here is that of an earlier batch.
    pub fn linger(&mut self) -> Result<(), ClientError> {
        self.check()?;
        while let Some((since, _)) = self.opened.front()
            && since.elapsed() >= self.options.linger
            && let Some(opened) = self.opened.pop_front()
        {
            if self.is_open(&opened) {
                self.close(&opened.1)?;
            }
        }
        self.start();
        Ok(())
    }

    /// Whether the batch that was opened then is still open.
    fn is_open(&self, (since, place): &(Instant, Place)) -> bool {
        let open = self.lanes.get(place).and_then(|lane| lane.open.as_ref());
        open.is_some_and(|(_, opened)| opened == since)
    }

    /// Closes the open batch of a partition and numbers it.
    fn close(&mut self, place: &Place) -> Result<(), ClientError> {
        let Some(lane) = self.lanes.get_mut(place) else {
            return Ok(());
        };
        let Some((mut open, _)) = lane.open.take() else {
            return Ok(());
        };
        self.open_bytes = self
            .open_bytes
            .saturating_sub(open.size_estimate().saturating_sub(HEADER_BYTES));
        open.options_mut().codec = self.options.codec;
        if let Some((producer_id, producer_epoch)) = self.identity {
            let options = open.options_mut();
            options.producer_id = producer_id;
            options.producer_epoch = producer_epoch;
            options.base_sequence = lane.next_sequence;
        }
        let records = u64::try_from(open.count()).unwrap_or(0);
        let built = open.build().map_err(|cause| ClientError::Batch {
            topic: place.0.to_string(),
            partition: place.1,
            cause,
        });
        // Its records are lost, and nothing may be stored behind that.
        let bytes = built.inspect_err(|error| self.failed = Some(error.clone()))?;
        if self.identity.is_some() {
            lane.next_sequence = add_sequence(lane.next_sequence, open.count());
        }
        self.buffered += bytes.len();
        lane.closed.push_back(Batch { bytes, records });
        if !lane.under_way && lane.closed.len() == 1 {
            self.ready.push_back(place.clone());
        }
        self.sticky.remove(&place.0);
        Ok(())
    }

    /// Sends the next batch of every partition that has none under way; nothing any more once a batch failed.
    fn start(&mut self) {
        while self.failed.is_none()
            && let Some(place) = self.ready.pop_front()
        {
            let next = self.lanes.get_mut(&place).and_then(|lane| {
                let batch = lane.closed.pop_front()?;
                lane.under_way = true;
                Some(batch)
            });
            let Some(batch) = next else { continue };
            let (cluster, options) = (self.cluster.clone(), self.options.clone());
            self.sending.spawn(async move {
                let size = batch.bytes.len();
                let sent = deliver(&cluster, &options, &place, batch).await;
                (place, size, sent)
            });
        }
    }

    async fn finish_one(&mut self) -> Result<(), ClientError> {
        match self.sending.join_next().await {
            Some(done) => self.finished(done),
            None => Ok(()),
        }
    }

    fn finished(
        &mut self,
        done: Result<(Place, usize, Result<Produced, ClientError>), tokio::task::JoinError>,
    ) -> Result<(), ClientError> {
        let (place, size, sent) = match done {
            Ok(done) => done,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        self.buffered = self.buffered.saturating_sub(size);
        if let Some(lane) = self.lanes.get_mut(&place) {
            lane.under_way = false;
            if !lane.closed.is_empty() {
                self.ready.push_back(place);
            }
        }
        let sent = sent.inspect_err(|error| self.failed = Some(error.clone()))?;
        self.produced.records += sent.records;
        self.produced.bytes += sent.bytes;
        self.start();
        Ok(())
    }

    /// Closes what is open, oldest first. Walks no lane that has nothing open: under pressure this comes with every few records.
    fn close_all(&mut self) -> Result<(), ClientError> {
        while let Some(opened) = self.opened.pop_front() {
            if self.is_open(&opened) {
                self.close(&opened.1)?;
            }
        }
        debug_assert!(self.open_bytes == 0, "every open batch stands in `opened`");
        Ok(())
    }

    /// Sends everything and waits until it is stored.
    pub async fn flush(&mut self) -> Result<Produced, ClientError> {
        self.check()?;
        self.close_all()?;
        self.start();
        while !self.sending.is_empty() {
            self.finish_one().await?;
        }
        Ok(self.produced)
    }

    /// What was stored so far.
    pub fn produced(&self) -> Produced {
        self.produced
    }
}

/// Sends one batch until it is stored, refused for good, or the time is over.
async fn deliver(
    cluster: &Cluster,
    options: &ProducerOptions,
    place: &Place,
    batch: Batch,
) -> Result<Produced, ClientError> {
    let (topic, partition) = place;
    let attempt = || async {
        let connection = cluster.leader_connection(topic, *partition).await?;
        let request = |_| ProduceRequest {
            acks: options.acks,
            timeout_ms: 30_000,
            topic_data: vec![TopicProduceData {
                name: topic.clone(),
                partition_data: vec![PartitionProduceData {
                    index: *partition,
                    records: Some(batch.bytes.clone().into()),
                }],
                ..TopicProduceData::default()
            }],
            ..ProduceRequest::default()
        };
        let forget = |_: &ClientError| cluster.forget(topic);
        if options.acks == 0 {
            return connection.tell(request).await.inspect_err(forget);
        }
        let response = connection.ask(request).await.inspect_err(forget)?;
        let answers = response
            .responses
            .iter()
            .flat_map(|topic| &topic.partition_responses);
        let answer = answers.into_iter().next();
        let code = answer.map_or(ErrorCode::UnknownServerError, |answer| {
            ErrorCode::from_code(answer.error_code)
        });
        match code {
            // A repeated batch whose first try was stored.
            ErrorCode::None | ErrorCode::DuplicateSequenceNumber => Ok(()),
            code => {
                cluster.forget(topic);
                let message = answer.and_then(|answer| answer.error_message.as_deref());
                Err(ClientError::refused(
                    format!("{topic}-{partition}"),
                    code,
                    message,
                ))
            }
        }
    };
    retry(Instant::now() + options.delivery_timeout, attempt).await?;
    Ok(Produced {
        records: batch.records,
        bytes: u64::try_from(batch.bytes.len()).unwrap_or(0),
    })
}
