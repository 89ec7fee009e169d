//! A partition that this node leads: its log, its high watermark, and who waits for it.
//!
//! Invariants:
//! - `high_watermark <= log end`; with [`Durability::Disk`] it follows the durable end, so nobody reads what a power cut may take back;
//! - the lock is held for short synchronous sections only. Its poisoning is the feature: a panic inside takes the partition offline;
//! - at most one sync of a partition runs at a time; what is appended meanwhile is the next group.

use std::sync::{Arc, Mutex, Weak};

use arc_swap::ArcSwap;
use bytes::Bytes;
use mainstem_protocol::{ErrorCode, Str, Uuid};
use mainstem_stdx::OffsetWaiters;
use mainstem_storage::{
    AppendError, Appended, Log, LogConfig, LogError, LogSlice, ProducerEntry, ReadError,
    SyncTicket, TimestampedOffset,
};
use mainstem_storage::{validate_internal, validate_produced};
use tokio::sync::{Notify, oneshot};

use crate::clock::now_ms;
use crate::config::Durability;
use crate::limits::FETCH_WAITS_PRUNE;
use crate::sync::SyncQueue;

/// Why an operation on a partition failed: Kafka's code, and words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

impl Refusal {
    fn new(code: ErrorCode, message: impl ToString) -> Self {
        Self {
            code,
            message: message.to_string(),
        }
    }

    fn offline() -> Self {
        Self::new(ErrorCode::KafkaStorageError, "the partition is offline")
    }
}

type Committed = oneshot::Sender<Result<(), ErrorCode>>;

#[derive(Debug)]
struct State {
    log: Log,
    high_watermark: i64,
    committed: OffsetWaiters<Committed>,
    fetches: Vec<Weak<Notify>>,
    /// On the list of the sync threads, or being synced.
    queued: bool,
    /// Appended to since the sync that runs was begun.
    dirty: bool,
    /// The topic is gone.
    removed: bool,
    /// A sync failed: what is not committed never will be.
    failed: bool,
}

/// A partition that this node leads.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) topic: Str,
    pub(crate) topic_id: Uuid,
    pub(crate) index: i32,
    pub(crate) leader_epoch: i32,
    config: ArcSwap<LogConfig>,
    durability: Durability,
    queue: Arc<SyncQueue>,
    state: Mutex<State>,
}

/// Offsets that a response reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offsets {
    pub(crate) log_start: i64,
    pub(crate) high_watermark: i64,
    pub(crate) log_end: i64,
}

impl Partition {
    pub(crate) fn new(
        name: (Str, Uuid, i32),
        leader_epoch: i32,
        log: Log,
        durability: Durability,
        queue: Arc<SyncQueue>,
    ) -> Self {
        let (topic, topic_id, index) = name;
        let high_watermark = log.log_end();
        Self {
            topic,
            topic_id,
            index,
            leader_epoch,
            config: ArcSwap::from_pointee(log.config().clone()),
            durability,
            queue,
            state: Mutex::new(State {
                log,
                high_watermark,
                committed: OffsetWaiters::default(),
                fetches: Vec::new(),
                queued: false,
                dirty: false,
                removed: false,
                failed: false,
            }),
        }
    }

    fn with<R>(
        &self,
        section: impl FnOnce(&mut State) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let mut state = self.state.lock().map_err(|_| Refusal::offline())?;
        if state.removed {
            return Err(Refusal::new(
                ErrorCode::UnknownTopicOrPartition,
                "the topic was deleted",
            ));
        }
        section(&mut state)
    }

    /// Appends the batch of a client.
    pub(crate) fn append_produced(
        self: &Arc<Self>,
        records: Bytes,
    ) -> Result<(Appended, i64), Refusal> {
        let now_ms = now_ms();
        let config = self.config.load();
        let batch = validate_produced(records, &config, now_ms)
            .map_err(|error| Refusal::new(error.code(), error))?;
        self.append(&batch, now_ms)
    }

    /// Appends a batch that the node built.
    pub(crate) fn append_internal(
        self: &Arc<Self>,
        batch: Bytes,
    ) -> Result<(Appended, i64), Refusal> {
        let batch = validate_internal(batch).map_err(|error| Refusal::new(error.code(), error))?;
        self.append(&batch, now_ms())
    }

    fn append(
        self: &Arc<Self>,
        batch: &mainstem_storage::ValidBatch,
        now_ms: i64,
    ) -> Result<(Appended, i64), Refusal> {
        let epoch = self.leader_epoch;
        let (appended, log_start, enqueue) = self.with(|state| {
            let appended = state
                .log
                .append_as_leader(batch, epoch, now_ms)
                .map_err(|error| self.refuse_append(error))?;
            let log_start = state.log.log_start();
            if appended.duplicate {
                return Ok((appended, log_start, false));
            }
            if self.durability == Durability::PageCache {
                let end = state.log.log_end();
                advance(state, end);
                return Ok((appended, log_start, false));
            }
            self.queue.add_undurable(batch.len());
            state.dirty = true;
            let enqueue = !state.queued;
            state.queued = true;
            Ok((appended, log_start, enqueue))
        })?;
        if enqueue {
            self.queue.push(self.clone());
        }
        Ok((appended, log_start))
    }

    fn refuse_append(&self, error: AppendError) -> Refusal {
        if let AppendError::Log(LogError::Disk { .. }) = error {
            tracing::error!(topic = %self.topic, partition = self.index, %error, "a write failed: the partition takes no more");
        }
        Refusal::new(error.code(), error)
    }

    /// A sync thread asks what to sync; `None` when there is nothing any more.
    pub(crate) fn begin_sync(&self) -> Option<SyncTicket> {
        let mut state = self.state.lock().ok()?;
        if !state.dirty || state.removed {
            state.queued = false;
            return None;
        }
        state.dirty = false;
        Some(state.log.sync_ticket())
    }

    /// A sync thread tells how it went. Returns true when there is more to sync.
    pub(crate) fn end_sync(&self, ticket: &SyncTicket, result: std::io::Result<()>) -> bool {
        self.queue.remove_undurable(ticket.bytes());
        let Ok(mut state) = self.state.lock() else {
            return false;
        };
        if state.removed {
            state.queued = false;
            return false;
        }
        match result {
            Ok(()) => {
                let durable_end = state.log.on_synced(ticket);
                advance(&mut state, durable_end);
            }
            Err(error) => {
                tracing::error!(topic = %self.topic, partition = self.index, %error, "sync failed: the partition goes offline");
                state.log.poison(&error);
                state.failed = true;
                for waiter in state.committed.abandon() {
                    let _ = waiter.send(Err(ErrorCode::KafkaStorageError));
                }
            }
        }
        state.queued = state.dirty;
        state.queued
    }

    /// Waits until everything below `offset` is committed.
    pub(crate) fn committed(
        &self,
        offset: i64,
    ) -> impl Future<Output = Result<(), ErrorCode>> + Send + use<> {
        let (sender, receiver) = oneshot::channel();
        match self.with(|state| {
            if state.high_watermark >= offset {
                let _ = sender.send(Ok(()));
            } else if state.failed {
                let _ = sender.send(Err(ErrorCode::KafkaStorageError));
            } else {
                state.committed.wait(offset, sender);
            }
            Ok(())
        }) {
            Ok(()) => {}
            Err(refusal) => {
                let (failed, receiver) = oneshot::channel();
                let _ = failed.send(Err(refusal.code));
                return wait(receiver);
            }
        }
        wait(receiver)
    }

    /// Reads committed batches from `from` on.
    pub(crate) fn read(
        &self,
        from: i64,
        max_bytes: usize,
        min_one_batch: bool,
    ) -> Result<(LogSlice, Offsets), Refusal> {
        self.with(|state| {
            let offsets = offsets_of(state);
            // Between the high watermark and the end there is nothing yet, but it is no mistake: a client whose records were
            // acknowledged with acks = 1 may well ask for what comes behind them.
            if from > offsets.log_end || from < offsets.log_start {
                let what = format!(
                    "offset {from} is not between {} and {}",
                    offsets.log_start, offsets.log_end
                );
                return Err(Refusal::new(ErrorCode::OffsetOutOfRange, what));
            }
            let slice = state
                .log
                .read(from, state.high_watermark, max_bytes, min_one_batch)
                .map_err(|error| Refusal::new(error.code(), error))?;
            Ok((slice, offsets))
        })
    }

    /// Log start, high watermark and log end.
    pub(crate) fn offsets(&self) -> Result<Offsets, Refusal> {
        self.with(|state| Ok(offsets_of(state)))
    }

    /// The first record at or after a timestamp.
    pub(crate) fn offset_by_time(
        &self,
        timestamp: i64,
    ) -> Result<Option<TimestampedOffset>, Refusal> {
        self.with(|state| found(state.log.offset_by_time(timestamp, state.high_watermark)))
    }

    /// The record with the highest timestamp.
    pub(crate) fn offset_of_max_timestamp(&self) -> Result<Option<TimestampedOffset>, Refusal> {
        self.with(|state| found(state.log.offset_of_max_timestamp(state.high_watermark)))
    }

    /// The end of a leader epoch (OffsetForLeaderEpoch).
    pub(crate) fn end_of_epoch(&self, epoch: i32) -> Result<Option<(i32, i64)>, Refusal> {
        if epoch < 0 {
            return Ok(None); // an epoch that nobody had
        }
        self.with(|state| Ok(state.log.epochs().end_of(epoch, state.high_watermark)))
    }

    /// The leader epoch of an offset.
    pub(crate) fn epoch_of(&self, offset: i64) -> Option<i32> {
        self.with(|state| Ok(state.log.epochs().epoch_of(offset)))
            .ok()
            .flatten()
    }

    /// What is known of each producer.
    pub(crate) fn producers<T>(
        &self,
        view: impl Fn(i64, &ProducerEntry) -> T,
    ) -> Result<Vec<T>, Refusal> {
        self.with(|state| {
            let all = state.log.producers();
            Ok(all.map(|(id, entry)| view(id, entry)).collect())
        })
    }

    /// Bytes of the log.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.with(|state| Ok(state.log.size_bytes())).unwrap_or(0)
    }

    /// Tells `fetch` when the high watermark moves.
    pub(crate) fn register_fetch(&self, fetch: &Arc<Notify>) {
        let registered = self.with(|state| {
            // A fetch that was woken by another partition still stands here: once is enough, or quiet partitions gather it for ever.
            let stands = |known: &Weak<Notify>| std::ptr::eq(known.as_ptr(), Arc::as_ptr(fetch));
            if state.fetches.iter().any(stands) {
                return Ok(());
            }
            if state.fetches.len() >= FETCH_WAITS_PRUNE {
                state.fetches.retain(|fetch| fetch.strong_count() > 0);
            }
            state.fetches.push(Arc::downgrade(fetch));
            Ok(())
        });
        if registered.is_err() {
            fetch.notify_one();
        }
    }

    /// Takes new settings.
    pub(crate) fn set_config(&self, config: LogConfig) {
        self.config.store(Arc::new(config.clone()));
        if let Ok(mut state) = self.state.lock() {
            state.log.set_config(config);
        }
    }

    /// Whether old segments can go.
    pub(crate) fn has_retired(&self, now_ms: i64) -> bool {
        self.with(|state| Ok(state.log.has_retired(now_ms, state.high_watermark)))
            .unwrap_or(false)
    }

    /// Takes old segments out of the log; their files are removed by the caller. Also forgets silent producers.
    pub(crate) fn apply_retention(&self, now_ms: i64) -> Result<mainstem_storage::Doomed, Refusal> {
        self.with(|state| {
            state.log.expire_producers(now_ms);
            let upto = state.high_watermark;
            state
                .log
                .apply_retention(now_ms, upto)
                .map_err(|error| Refusal::new(error.code(), error))
        })
    }

    /// Moves the log start (DeleteRecords); -1 means the high watermark. Returns the new start.
    pub(crate) fn delete_records(&self, offset: i64) -> Result<i64, Refusal> {
        self.with(|state| {
            let upto = state.high_watermark;
            let offset = if offset == -1 { upto } else { offset };
            state
                .log
                .move_log_start(offset, upto)
                .map_err(|error| Refusal::new(error.code(), error))?;
            Ok(state.log.log_start())
        })
    }

    /// Log start and durable end, for the checkpoints.
    pub(crate) fn checkpoint(&self) -> Option<(i64, i64, i64)> {
        let state = self.state.lock().ok()?;
        Some((
            state.log.log_start(),
            state.log.durable_end(),
            state.high_watermark,
        ))
    }

    /// The topic is gone: everybody who waits is told, nothing is served any more.
    pub(crate) fn remove(&self) {
        if let Ok(mut state) = self.state.lock() {
            state.removed = true;
            if self.durability == Durability::Disk {
                // What was not synced never will be, and must not take room from others for ever.
                let unsynced = state.log.sync_ticket().bytes();
                self.queue.remove_undurable(unsynced);
            }
            for waiter in state.committed.abandon() {
                let _ = waiter.send(Err(ErrorCode::UnknownTopicOrPartition));
            }
            wake(&mut state);
        }
    }

    /// Closes the log as a clean stop does.
    pub(crate) fn close(&self) -> Result<(), Refusal> {
        self.with(|state| {
            state
                .log
                .close()
                .map_err(|error| Refusal::new(error.code(), error))
        })
    }
}

async fn wait(receiver: oneshot::Receiver<Result<(), ErrorCode>>) -> Result<(), ErrorCode> {
    receiver
        .await
        .unwrap_or(Err(ErrorCode::NotLeaderOrFollower))
}

fn offsets_of(state: &State) -> Offsets {
    Offsets {
        log_start: state.log.log_start(),
        high_watermark: state.high_watermark,
        log_end: state.log.log_end(),
    }
}

fn found(
    result: Result<Option<TimestampedOffset>, ReadError>,
) -> Result<Option<TimestampedOffset>, Refusal> {
    result.map_err(|error| Refusal::new(error.code(), error))
}

/// Moves the high watermark and tells whoever waited for that.
fn advance(state: &mut State, high_watermark: i64) {
    if high_watermark <= state.high_watermark {
        return;
    }
    assert!(
        high_watermark <= state.log.log_end(),
        "what is committed was appended"
    );
    state.high_watermark = high_watermark;
    for waiter in state.committed.reached(high_watermark) {
        let _ = waiter.send(Ok(()));
    }
    wake(state);
}

fn wake(state: &mut State) {
    for fetch in state.fetches.drain(..) {
        if let Some(fetch) = fetch.upgrade() {
            fetch.notify_one();
        }
    }
}
