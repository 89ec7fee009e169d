//! The memory that peers may take: frames that arrive, what they are decoded into, answers that are not written yet.
//!
//! One account for the whole node. Invariants:
//! - the buffer of a large frame does not grow, and no frame is handled, while there is no room; what a buffer grew by, what a frame is
//!   decoded into and the answer to it are charged as soon as they are there. So the account goes over its limit by one message for each
//!   core at most, and by one frame: large frames that wait for each other's room let one of them go on, until it is answered;
//! - what is charged is given back when the answer is written, or when the connection ends;
//! - small frames have a reserve of their own, so that those who send and read little are served while others hold the room.
//!
//! Nobody may hold for ever what others wait for: see [`Memory::is_short`] and the rates in `limits`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::config::Properties;
use crate::limits::{ARRIVING_BYTES_MAX, LARGE_ANSWERS, MEMORY_BYTES, MEMORY_RESERVE_BYTES};

/// The account.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: u64,
    used: AtomicU64,
    freed: Notify,
    express: Arc<Semaphore>,
    /// Those who wait for it.
    express_wanted: AtomicUsize,
    large_answers: Arc<Semaphore>,
}

/// Leave to grow and to be handled without room; one at a time has it.
#[derive(Debug)]
pub(crate) struct Express {
    _permit: OwnedSemaphorePermit,
}

/// Which frames ask for room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Large ones: the limit is theirs.
    Large,
    /// Small ones: the reserve is theirs as well.
    Small,
}

/// Bytes that are charged; given back when dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    memory: Arc<Memory>,
    bytes: u64,
    /// Of what went on without room, and since when it is whole: nothing else goes on before it is answered, or gives way.
    express: Option<(Express, Instant)>,
}

/// Counts who waits for as long as it does.
struct Wanted<'a>(&'a AtomicUsize);

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Memory {
    /// The account of a node with these properties.
    pub(crate) fn of(properties: &Properties) -> Self {
        Self::new(properties.number("queued.max.request.bytes"))
    }

    /// An account with the limit of `queued.max.request.bytes`; -1 leaves it to [`MEMORY_BYTES`].
    pub(crate) fn new(queued_max_request_bytes: i64) -> Self {
        let limit = u64::try_from(queued_max_request_bytes).ok();
        Self {
            limit: limit.filter(|limit| *limit > 0).unwrap_or(MEMORY_BYTES),
            used: AtomicU64::new(0),
            freed: Notify::new(),
            express: Arc::new(Semaphore::new(1)),
            express_wanted: AtomicUsize::new(0),
            large_answers: Arc::new(Semaphore::new(LARGE_ANSWERS)),
        }
    }

    /// The account of small frames that are on their way. It is one of its own: a frame that is whole and waits for room here may not be
    /// what takes the room.
    pub(crate) fn arriving() -> Self {
        Self::new(i64::try_from(ARRIVING_BYTES_MAX).unwrap_or(i64::MAX))
    }

    fn bound(&self, lane: Lane) -> u64 {
        match lane {
            Lane::Large => self.limit,
            Lane::Small => self.limit.saturating_add(MEMORY_RESERVE_BYTES),
        }
    }

    /// Bytes that are charged.
    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Acquire)
    }

    /// True while another frame of the lane may be taken.
    pub(crate) fn has_room(&self, lane: Lane) -> bool {
        self.used() < self.bound(lane)
    }

    /// True when somebody may have to wait: who holds memory and does not get on must go.
    pub(crate) fn is_short(&self) -> bool {
        !self.has_room(Lane::Large)
    }

    /// Waits for room.
    pub(crate) async fn room(&self, lane: Lane) {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // Listening before looking: what is freed in between is not missed.
            freed.as_mut().enable();
            if self.has_room(lane) {
                return;
            }
            freed.await;
        }
    }

    /// Waits for leave to grow without room. `None` never comes: the semaphore is not closed.
    pub(crate) async fn express(&self) -> Option<Express> {
        self.express_wanted.fetch_add(1, Ordering::AcqRel);
        let _until_it_comes = Wanted(&self.express_wanted);
        let permit = self.express.clone().acquire_owned().await.ok()?;
        Some(Express { _permit: permit })
    }

    /// Waits for leave to make a large answer. `None` never comes: the semaphore is not closed.
    pub(crate) async fn large_answer(&self) -> Option<OwnedSemaphorePermit> {
        self.large_answers.clone().acquire_owned().await.ok()
    }

    /// Charges bytes, whether there is room or not.
    pub(crate) fn charge(self: &Arc<Self>, bytes: usize) -> Charge {
        let mut charge = Charge {
            memory: self.clone(),
            bytes: 0,
            express: None,
        };
        charge.add(bytes);
        charge
    }
}

impl Charge {
    /// Charges more bytes.
    pub(crate) fn add(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if bytes == 0 {
            return;
        }
        self.memory.used.fetch_add(bytes, Ordering::AcqRel);
        self.bytes += bytes;
    }

    /// The same, with leave to go on without room.
    pub(crate) fn with(mut self, express: Option<Express>) -> Self {
        self.express = express.map(|express| (express, Instant::now()));
        self
    }

    /// True for what went on without room.
    pub(crate) fn has_express(&self) -> bool {
        self.express.is_some()
    }

    /// Since when this holds up others that wait for leave to go on without room; `None` when nobody waits. Leave is given back as soon as
    /// there is room: then nobody needs any.
    pub(crate) fn holds_up_since(&mut self) -> Option<Instant> {
        self.express.take_if(|_| !self.memory.is_short());
        let is_wanted = self.memory.express_wanted.load(Ordering::Acquire) > 0;
        self.express
            .as_ref()
            .filter(|_| is_wanted)
            .map(|(_, since)| *since)
    }

    /// Charges what is missing to `bytes`.
    pub(crate) fn raise_to(&mut self, bytes: usize) {
        let charged = usize::try_from(self.bytes).unwrap_or(usize::MAX);
        self.add(bytes.saturating_sub(charged));
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let before = self.memory.used.fetch_sub(self.bytes, Ordering::AcqRel);
        debug_assert!(before >= self.bytes, "only what was charged is given back");
        let after = before - self.bytes;
        let crossed = |bound| before >= bound && after < bound;
        if crossed(self.memory.bound(Lane::Large)) || crossed(self.memory.bound(Lane::Small)) {
            self.memory.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    //! What is charged comes back, and who waits is told.

    use super::*;

    #[tokio::test]
    async fn who_waits_goes_on_when_room_is_there() {
        let memory = Arc::new(Memory::new(1_000));
        let first = memory.charge(600);
        assert!(memory.has_room(Lane::Large));
        let second = memory.charge(600);
        assert!(memory.is_short() && memory.has_room(Lane::Small));
        let waiting = memory.clone();
        let waiter = tokio::spawn(async move { waiting.room(Lane::Large).await });
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished());
        drop(first);
        waiter.await.unwrap();
        drop(second);
        assert_eq!(memory.used(), 0);
    }

    #[tokio::test]
    async fn leave_to_go_on_is_given_back_when_there_is_room() {
        let memory = Arc::new(Memory::new(1_000));
        let others = memory.charge(900);
        let mut large = memory.charge(500).with(memory.express().await);
        assert_eq!(large.holds_up_since(), None, "nobody waits");
        let waiting = memory.clone();
        let waiter = tokio::spawn(async move { waiting.express().await });
        tokio::task::yield_now().await;
        assert!(large.holds_up_since().is_some() && large.has_express());
        drop(others);
        assert_eq!(large.holds_up_since(), None);
        assert!(!large.has_express());
        assert!(waiter.await.unwrap().is_some());
    }

    #[test]
    fn no_limit_given_is_a_limit_all_the_same() {
        assert_eq!(Memory::new(-1).limit, MEMORY_BYTES);
        assert_eq!(Memory::new(0).limit, MEMORY_BYTES);
        assert_eq!(Memory::new(5).limit, 5);
    }
}
