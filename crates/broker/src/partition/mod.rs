//! A partition that this node leads: its log, its high watermark, and who waits for it.
//!
//! Invariants:
//! - `high_watermark <= log end`; with [`Durability::Disk`] it follows the durable end, so nobody reads what a power cut may take back;
//! - the lock is held for short synchronous sections only. Its poisoning is the feature: a panic inside takes the partition offline;
//! - at most one sync of a partition runs at a time; what is appended meanwhile is the next group;
//! - after a failed sync, or a panic inside, nothing is synced or committed any more: a page cache that lost a write says so only once.

mod reads;
mod waits;

pub(crate) use reads::Isolation;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use bytes::Bytes;
use mainstem_protocol::{ErrorCode, Str, Uuid};
use mainstem_stdx::OffsetWaiters;
use mainstem_storage::{
    AppendError, Appended, Log, LogConfig, LogError, ProducerEntry, SyncTicket,
};
use mainstem_storage::{validate_internal, validate_produced};

use crate::clock::now_ms;
use crate::config::Durability;
use crate::descriptors::patiently;
use crate::limits::COMMIT_WAITS_LOOK;
use crate::sync::SyncQueue;
use crate::wakes::{Committed, FetchWait, RuntimeId, Woken};
use waits::{abandon, advance};

/// Why an operation on a partition failed: Kafka's code, and words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    /// Nothing was begun for want of a descriptor: it can be tried again.
    pub(crate) is_no_descriptor: bool,
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl ToString) -> Self {
        Self {
            code,
            message: message.to_string(),
            is_no_descriptor: false,
        }
    }

    fn offline() -> Self {
        Self::new(ErrorCode::KafkaStorageError, "the partition is offline")
    }
}

#[derive(Debug)]
struct State {
    log: Log,
    high_watermark: i64,
    committed: OffsetWaiters<(RuntimeId, Committed)>,
    /// So many must wait for a commit before those that went away are looked for.
    look_at: usize,
    fetches: Vec<Arc<FetchWait>>,
    /// On the list of the sync threads, or being synced.
    queued: bool,
    /// Appended to since the sync that runs was begun.
    dirty: bool,
    /// The topic is gone.
    removed: bool,
    /// A sync failed, or something panicked: what is not committed never will be.
    failed: bool,
    /// When a sync ended last.
    synced_ms: i64,
    appended_bytes: u64,
}

impl State {
    /// Notes that a sync is wanted; true when the partition must be put on the list for it.
    fn want_sync(&mut self) -> bool {
        self.dirty = true;
        !std::mem::replace(&mut self.queued, true)
    }
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
    fetched_bytes: AtomicU64,
    /// Held while somebody works on files by their names without holding `state`; taken before it. A topic is not deleted meanwhile:
    /// another of its name would have files of the same names.
    files: Mutex<()>,
    state: Mutex<State>,
}

/// Offsets that a response reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offsets {
    pub(crate) log_start: i64,
    pub(crate) high_watermark: i64,
    pub(crate) log_end: i64,
    /// Below it every transaction has ended.
    pub(crate) last_stable: i64,
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
        // What a start finds in the page cache was synced before it came here; were it not, it would not be seen either.
        let high_watermark = match durability {
            Durability::Disk => log.durable_end(),
            Durability::PageCache => log.log_end(),
        };
        Self {
            topic,
            topic_id,
            index,
            leader_epoch,
            config: ArcSwap::from_pointee(log.config().clone()),
            durability,
            queue,
            fetched_bytes: AtomicU64::new(0),
            files: Mutex::new(()),
            state: Mutex::new(State {
                log,
                high_watermark,
                committed: OffsetWaiters::default(),
                look_at: COMMIT_WAITS_LOOK,
                fetches: Vec::new(),
                queued: false,
                dirty: false,
                removed: false,
                failed: false,
                synced_ms: now_ms(),
                appended_bytes: 0,
            }),
        }
    }

    fn with<R>(
        &self,
        section: impl FnOnce(&mut State) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let mut state = self.lock()?;
        if state.removed {
            return Err(Refusal::new(
                ErrorCode::UnknownTopicOrPartition,
                "the topic was deleted",
            ));
        }
        section(&mut state)
    }

    fn lock(&self) -> Result<MutexGuard<'_, State>, Refusal> {
        self.state.lock().map_err(|poisoned| {
            let mut woken = Woken::default();
            self.fail(&mut poisoned.into_inner(), &"a panic", &mut woken);
            self.queue.wakes.wake(woken);
            Refusal::offline()
        })
    }

    /// Takes the partition offline for good: who waits is told, what was not synced takes no room from others.
    fn fail(&self, state: &mut State, cause: &dyn std::fmt::Display, woken: &mut Woken) {
        if std::mem::replace(&mut state.failed, true) {
            return;
        }
        state.log.poison(cause);
        self.forget_undurable(state);
        abandon(state, ErrorCode::KafkaStorageError, woken);
    }

    /// What was appended and is in no sync will be in none.
    fn forget_undurable(&self, state: &mut State) {
        if self.durability == Durability::Disk {
            let unsynced = state.log.sync_ticket().bytes();
            self.queue.remove_undurable(unsynced);
        }
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
        // A role ends with an append that is refused; what a client sends is sent again.
        patiently(
            |refusal: &Refusal| refusal.is_no_descriptor,
            || self.append(&batch, now_ms()),
        )
    }

    fn append(
        self: &Arc<Self>,
        batch: &mainstem_storage::ValidBatch,
        now_ms: i64,
    ) -> Result<(Appended, i64), Refusal> {
        let epoch = self.leader_epoch;
        let mut woken = Woken::default();
        let (appended, log_start, enqueue) = self.with(|state| {
            let appended = state
                .log
                .append_as_leader(batch, epoch, now_ms)
                .map_err(|error| self.refuse_append(error))?;
            let log_start = state.log.log_start();
            if appended.duplicate {
                return Ok((appended, log_start, false));
            }
            state.appended_bytes += u64::try_from(batch.len()).unwrap_or(0);
            let wants_sync = match self.durability {
                Durability::Disk => {
                    self.queue.add_undurable(batch.len());
                    true
                }
                Durability::PageCache => {
                    advance(state, self.visible_end(state), &mut woken);
                    state.log.has_unsynced_files() || state.high_watermark < state.log.log_end()
                }
            };
            Ok((appended, log_start, wants_sync && state.want_sync()))
        })?;
        if enqueue {
            self.queue.push(self.clone());
        }
        self.queue.wakes.wake(woken);
        Ok((appended, log_start))
    }

    /// How far consumers may see: what is on stable storage, or all when the page cache is enough and no more than `flush.messages`
    /// records are only there.
    fn visible_end(&self, state: &State) -> i64 {
        let (end, durable_end) = (state.log.log_end(), state.log.durable_end());
        let is_enough = match self.durability {
            Durability::Disk => false,
            Durability::PageCache => end - durable_end < state.log.config().flush_messages,
        };
        if is_enough { end } else { durable_end }
    }

    /// Asks for a sync of names and small files, also where the page cache is enough.
    pub(crate) fn sync_soon(self: &Arc<Self>) {
        if self.with(|state| Ok(state.want_sync())).unwrap_or(false) {
            self.queue.push(self.clone());
        }
    }

    /// Asks for a sync when the last is `flush.ms` ago and something was appended since.
    pub(crate) fn sync_when_due(self: &Arc<Self>, now_ms: i64) {
        let is_due = self.with(|state| {
            let waited_ms = now_ms.saturating_sub(state.synced_ms);
            let has_more = state.log.log_end() > state.log.durable_end();
            Ok(has_more && waited_ms >= state.log.config().flush_ms && state.want_sync())
        });
        if is_due.unwrap_or(false) {
            self.queue.push(self.clone());
        }
    }

    fn refuse_append(&self, error: AppendError) -> Refusal {
        let is_short = matches!(error, AppendError::Log(LogError::NoDescriptor { .. }));
        if is_short && let Some(more) = self.queue.warnings.may_say(Instant::now()) {
            tracing::warn!(topic = %self.topic, partition = self.index, %error, more, "a batch is refused");
        }
        if let AppendError::Log(LogError::Disk { .. }) = error {
            tracing::error!(topic = %self.topic, partition = self.index, %error, "a write failed: the partition takes no more");
        }
        Refusal {
            is_no_descriptor: is_short,
            ..Refusal::new(error.code(), error)
        }
    }

    /// A sync thread asks what to sync; `None` when there is nothing any more.
    pub(crate) fn begin_sync(&self) -> Option<SyncTicket> {
        let mut state = self.lock().ok()?;
        if !state.dirty || state.removed || state.failed {
            state.queued = false;
            return None;
        }
        state.dirty = false;
        Some(state.log.sync_ticket())
    }

    /// Syncs what a ticket says.
    pub(crate) fn sync(&self, ticket: &SyncTicket) -> std::io::Result<()> {
        let _deletion_waits = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        // Of a topic that is gone there is nothing to sync, and its names may be another's.
        match self.with(|_| Ok(())) {
            Ok(()) => ticket.sync(),
            Err(refusal) => Err(std::io::Error::other(refusal.message)),
        }
    }

    /// A sync thread tells how it went. Returns true when there is more to sync.
    pub(crate) fn end_sync(&self, ticket: &SyncTicket, result: std::io::Result<()>) -> bool {
        if self.durability == Durability::Disk {
            self.queue.remove_undurable(ticket.bytes());
        }
        let Ok(mut state) = self.lock() else {
            return false;
        };
        let mut woken = Woken::default();
        if state.removed || state.failed {
            state.queued = false;
            return false;
        }
        match result {
            Ok(()) => {
                state.log.on_synced(ticket);
                state.synced_ms = now_ms();
                let visible_end = self.visible_end(&state);
                advance(&mut state, visible_end, &mut woken);
            }
            Err(error) => {
                tracing::error!(topic = %self.topic, partition = self.index, %error, "sync failed: the partition goes offline");
                self.fail(&mut state, &error, &mut woken);
            }
        }
        state.queued = state.dirty && !state.failed;
        let is_queued = state.queued;
        drop(state);
        self.queue.wakes.wake(woken);
        is_queued
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

    /// Bytes that were appended and fetched since the start.
    pub(crate) fn traffic(&self) -> [u64; 2] {
        let appended = self.with(|state| Ok(state.appended_bytes));
        [
            appended.unwrap_or(0),
            self.fetched_bytes.load(Ordering::Relaxed),
        ]
    }

    /// Bytes of the log.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.with(|state| Ok(state.log.size_bytes())).unwrap_or(0)
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

    /// Forgets silent producers.
    pub(crate) fn expire_producers(&self, now_ms: i64) {
        if let Ok(mut state) = self.state.lock() {
            state.log.expire_producers(now_ms);
        }
    }

    /// Takes old segments out of the log and removes their files.
    pub(crate) fn retire(self: &Arc<Self>, now_ms: i64) -> Result<std::io::Result<()>, Refusal> {
        let _deletion_waits = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let doomed = self.with(|state| {
            let upto = state.high_watermark;
            let doomed = state.log.apply_retention(now_ms, upto);
            doomed.map_err(|error| Refusal::new(error.code(), error))
        })?;
        self.sync_soon();
        Ok(doomed.remove())
    }

    /// Where only compaction takes records away nobody else may, as with Apache Kafka: what is kept is the last of each key.
    pub(crate) fn check_deletion(&self) -> Result<(), Refusal> {
        let config = self.config.load();
        if config.compact && !config.delete {
            let what = "records cannot be deleted: cleanup.policy is compact alone";
            return Err(Refusal::new(ErrorCode::PolicyViolation, what));
        }
        Ok(())
    }

    /// Moves the log start (DeleteRecords); -1 means the high watermark. Returns the new start.
    pub(crate) fn delete_records(self: &Arc<Self>, offset: i64) -> Result<i64, Refusal> {
        self.check_deletion()?;
        let start = self.with(|state| {
            let upto = state.high_watermark;
            let offset = if offset == -1 { upto } else { offset };
            let moved = state.log.move_log_start(offset, upto);
            moved.map_err(|error| Refusal::new(error.code(), error))?;
            Ok(state.log.log_start())
        })?;
        self.sync_soon();
        Ok(start)
    }

    /// Log start, durable end and high watermark, for the checkpoints; `None` when the topic is gone. They hold also of a partition that
    /// takes nothing any more: what was answered before must not be forgotten for that.
    pub(crate) fn checkpoint(&self) -> Option<(i64, i64, i64)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (!state.removed).then(|| {
            (
                state.log.log_start(),
                state.log.durable_end(),
                state.high_watermark,
            )
        })
    }

    /// The topic is gone: everybody who waits is told, nothing is served any more.
    pub(crate) fn remove(&self) {
        let _nobody_is_at_it = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(mut state) = self.lock() else { return };
        let mut woken = Woken::default();
        state.removed = true;
        self.forget_undurable(&mut state);
        abandon(&mut state, ErrorCode::UnknownTopicOrPartition, &mut woken);
        // Each of them finds out for itself, and nobody comes to leave.
        state.fetches.clear();
        drop(state);
        self.queue.wakes.wake(woken);
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

fn offsets_of(state: &State) -> Offsets {
    Offsets {
        log_start: state.log.log_start(),
        high_watermark: state.high_watermark,
        log_end: state.log.log_end(),
        last_stable: state.log.last_stable(state.high_watermark),
    }
}

#[cfg(test)]
mod tests;
