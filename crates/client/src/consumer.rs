//! The consumer: reads partitions from where it is told to, as whoever asks goes on.
//!
//! Must not know of groups. Invariant: a partition's position moves only with records that are handed out. So an answer that is good for
//! one partition and bad for another hands out the good, and the error comes with the next `poll`.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use mainstem_protocol::batch::{batches, records};
use mainstem_protocol::messages::FetchRequest;
use mainstem_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use mainstem_protocol::{ErrorCode, RecordBatches, Str};

use crate::cluster::Use;
use crate::limits::{SHARED_WAIT, UNPACK_BYTES_MAX};
use crate::{ClientError, Cluster, OffsetSpec};

/// How to read.
#[derive(Clone, Debug)]
pub struct ConsumerOptions {
    /// How long a broker may wait for records.
    pub max_wait: Duration,
    /// Bytes of one answer.
    pub max_bytes: i32,
    /// Bytes of one partition in an answer.
    pub partition_max_bytes: i32,
    /// Where to go on when an offset is not there any more.
    pub reset: Start,
}

impl Default for ConsumerOptions {
    fn default() -> Self {
        Self {
            max_wait: Duration::from_millis(500),
            max_bytes: 50 * 1024 * 1024,
            partition_max_bytes: 1024 * 1024,
            reset: Start::Earliest,
        }
    }
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the first record.
    Earliest,
    /// Behind the last record.
    Latest,
    /// At an offset.
    Offset(i64),
    /// At the first record of a time, in milliseconds, or later.
    Time(i64),
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Topic.
    pub topic: Str,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Timestamp in milliseconds.
    pub timestamp: i64,
    /// Key.
    pub key: Option<Bytes>,
    /// Value.
    pub value: Option<Bytes>,
    /// Headers.
    pub headers: Vec<(Bytes, Option<Bytes>)>,
}

/// A consumer of partitions that it is told.
#[derive(Debug)]
pub struct Consumer {
    cluster: Cluster,
    options: ConsumerOptions,
    positions: BTreeMap<(Str, i32), i64>,
    /// What went wrong while records of other partitions came.
    put_off: Option<ClientError>,
}

impl Consumer {
    /// A consumer of nothing yet.
    pub fn new(cluster: Cluster, options: ConsumerOptions) -> Self {
        Self {
            cluster,
            options,
            positions: BTreeMap::new(),
            put_off: None,
        }
    }

    /// Reads a partition from `start` on.
    pub async fn assign(
        &mut self,
        topic: &Str,
        partition: i32,
        start: Start,
    ) -> Result<(), ClientError> {
        let offset = self.resolve(topic, partition, start).await?;
        self.positions.insert((topic.clone(), partition), offset);
        Ok(())
    }

    /// Reads nothing any more.
    pub fn clear(&mut self) {
        self.positions.clear();
        self.put_off = None;
    }

    /// The next offset of every partition that is read.
    pub fn positions(&self) -> &BTreeMap<(Str, i32), i64> {
        &self.positions
    }

    async fn resolve(&self, topic: &Str, partition: i32, start: Start) -> Result<i64, ClientError> {
        let spec = match start {
            Start::Offset(offset) => return Ok(offset),
            Start::Earliest => OffsetSpec::Earliest,
            Start::Latest => OffsetSpec::Latest,
            Start::Time(timestamp) => OffsetSpec::Time(timestamp),
        };
        match self.cluster.offset(topic, partition, spec).await? {
            Some((offset, _)) => Ok(offset),
            // Nothing is as late as that: begin behind the last.
            None => Ok(self
                .cluster
                .offset(topic, partition, OffsetSpec::Latest)
                .await?
                .map_or(0, |found| found.0)),
        }
    }

    /// The next records, in the order of each partition; none when nothing came in time.
    pub async fn poll(&mut self) -> Result<Vec<Record>, ClientError> {
        if let Some(error) = self.put_off.take() {
            return Err(error);
        }
        let mut by_leader: BTreeMap<i32, Vec<(Str, i32, i64)>> = BTreeMap::new();
        for ((topic, partition), offset) in &self.positions {
            let leader = self.cluster.leader(topic, *partition).await?;
            by_leader
                .entry(leader)
                .or_default()
                .push((topic.clone(), *partition, *offset));
        }
        let mut found = Vec::new();
        let several = by_leader.len() > 1;
        for (leader, wanted) in by_leader {
            // With several brokers none may hold up the others.
            let wait = if several {
                SHARED_WAIT.min(self.options.max_wait)
            } else {
                self.options.max_wait
            };
            if let Err(error) = self.fetch(leader, &wanted, wait, &mut found).await {
                // Its leader may be another by now.
                for (topic, _, _) in &wanted {
                    self.cluster.forget(topic);
                }
                self.put_off = Some(error);
                break;
            }
        }
        match self.put_off.take() {
            Some(error) if found.is_empty() => Err(error),
            put_off => {
                self.put_off = put_off;
                Ok(found)
            }
        }
    }

    async fn fetch(
        &mut self,
        leader: i32,
        wanted: &[(Str, i32, i64)],
        wait: Duration,
        found: &mut Vec<Record>,
    ) -> Result<(), ClientError> {
        let connection = self.cluster.broker(leader, Use::Fetch).await?;
        let mut topics: Vec<FetchTopic> = Vec::new();
        for (topic, partition, fetch_offset) in wanted {
            if topics.last().is_none_or(|last| last.topic != *topic) {
                topics.push(FetchTopic {
                    topic: topic.clone(),
                    ..FetchTopic::default()
                });
            }
            if let Some(last) = topics.last_mut() {
                last.partitions.push(FetchPartition {
                    partition: *partition,
                    fetch_offset: *fetch_offset,
                    partition_max_bytes: self.options.partition_max_bytes,
                    ..FetchPartition::default()
                });
            }
        }
        let request = |_| FetchRequest {
            max_wait_ms: i32::try_from(wait.as_millis()).unwrap_or(i32::MAX),
            min_bytes: 1,
            max_bytes: self.options.max_bytes,
            session_epoch: -1,
            topics,
            ..FetchRequest::default()
        };
        let response = connection.ask(request).await?;
        let code = ErrorCode::from_code(response.error_code);
        if code.is_error() {
            return Err(ClientError::refused("fetch", code, None));
        }
        let mut failed = None;
        for topic in response.responses {
            for data in topic.partitions {
                let place = (topic.topic.clone(), data.partition_index);
                match ErrorCode::from_code(data.error_code) {
                    ErrorCode::None => {
                        let bytes = data.records.and_then(RecordBatches::into_memory);
                        self.take(&place, bytes.unwrap_or_default(), found)?;
                    }
                    ErrorCode::OffsetOutOfRange => {
                        let offset = self.resolve(&place.0, place.1, self.options.reset).await?;
                        self.positions.insert(place, offset);
                    }
                    code => {
                        let what = format!("{}-{}", place.0, place.1);
                        failed = Some(ClientError::refused(what, code, None));
                    }
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Takes the records of a partition and moves its position behind them.
    fn take(
        &mut self,
        place: &(Str, i32),
        bytes: Bytes,
        found: &mut Vec<Record>,
    ) -> Result<(), ClientError> {
        let Some(position) = self.positions.get_mut(place) else {
            return Ok(());
        };
        let wrong = |cause| ClientError::Batch {
            topic: place.0.to_string(),
            partition: place.1,
            cause,
        };
        for batch in batches(&bytes) {
            let (header, batch) = match batch {
                Ok(batch) => batch,
                // The last batch of an answer may be cut off; it comes again.
                Err(mainstem_protocol::batch::BatchError::Truncated { .. }) => break,
                Err(cause) => return Err(wrong(cause)),
            };
            header.check_crc(&batch).map_err(wrong)?;
            if !header.attributes.is_control() {
                let unpacked = records(&header, &batch, UNPACK_BYTES_MAX).map_err(wrong)?;
                let payload = unpacked.payload();
                for record in unpacked.iter() {
                    let record = record.map_err(wrong)?;
                    if record.offset < *position {
                        continue; // the batch began before the position
                    }
                    let share = |slice: &[u8]| payload.slice_ref(slice);
                    found.push(Record {
                        topic: place.0.clone(),
                        partition: place.1,
                        offset: record.offset,
                        timestamp: record.timestamp,
                        key: record.key.map(share),
                        value: record.value.map(share),
                        headers: record
                            .headers
                            .iter()
                            .map(|header| (share(header.key), header.value.map(share)))
                            .collect(),
                    });
                }
            }
            *position = (*position).max(header.next_offset());
        }
        Ok(())
    }
}
