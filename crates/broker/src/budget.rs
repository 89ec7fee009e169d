//! What one request may take while its answer is made: memory, and turns of its core.
//!
//! A handler says what the next entry of its answer takes before it makes it, or one entry later where only the entry itself tells. It does so in the second stage: the first may not wait, since
//! what the connection's other requests hold is not given back meanwhile. Invariants:
//! - what an answer takes is charged to the node's account (see [`crate::memory`]) before it is there, until the answer is bytes;
//! - no answer takes more than [`ANSWER_MEMORY_MAX`]: the handler stops, and the connection is closed as for a request that decodes into
//!   too much;
//! - at most [`LARGE_ANSWERS`] that take more than [`ANSWER_MEMORY_SMALL`] are made at the same time, each once there is room or after
//!   [`GRACE`], in which those who hold the room and do not get on have given way; one that waits for something else than memory is not
//!   being made, see [`AnswerBudget::pause`];
//! - after [`TURN_BYTES`] of work the core's other tasks have a turn.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedSemaphorePermit;

use crate::limits::{ANSWER_ENTRY_WORK, ANSWER_MEMORY_MAX, ANSWER_MEMORY_SMALL, GRACE, TURN_BYTES};
use crate::memory::{Charge, Lane, Memory};

/// The budget of one answer.
#[derive(Debug)]
pub(crate) struct AnswerBudget {
    memory: Arc<Memory>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    charge: Charge,
    taken: usize,
    is_exceeded: bool,
    /// Since the core's other tasks had a turn.
    work: usize,
    large: Option<OwnedSemaphorePermit>,
}

impl AnswerBudget {
    pub(crate) fn new(memory: &Arc<Memory>) -> Self {
        let state = State {
            charge: memory.charge(0),
            taken: 0,
            is_exceeded: false,
            work: 0,
            large: None,
        };
        Self {
            memory: memory.clone(),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True when an answer of `bytes` would be within the budget; nothing is charged. What is false once stays refused.
    pub(crate) fn allows(&self, bytes: usize) -> bool {
        let mut state = self.state();
        state.is_exceeded |= state.taken.saturating_add(bytes) > ANSWER_MEMORY_MAX;
        !state.is_exceeded
    }

    /// Takes memory for what the answer will hold next, and gives others their turn. False when there is no more: the handler stops, and
    /// whatever it returns is not sent.
    pub(crate) async fn take(&self, bytes: usize) -> bool {
        if !self.allows(bytes) {
            return false;
        }
        let (waits, yields) = {
            let mut state = self.state();
            state.charge.add(bytes);
            state.taken += bytes;
            state.work += bytes.saturating_add(ANSWER_ENTRY_WORK);
            let yields = state.work >= TURN_BYTES;
            if yields {
                state.work = 0;
            }
            (
                state.taken > ANSWER_MEMORY_SMALL && state.large.is_none(),
                yields,
            )
        };
        if waits {
            let permit = self.memory.large_answer().await;
            let _ = tokio::time::timeout(GRACE, self.memory.room(Lane::Small)).await;
            self.state().large = permit;
        }
        if yields {
            tokio::task::yield_now().await;
        }
        true
    }

    /// Lets another large answer be made while this one waits for something else than memory.
    pub(crate) fn pause(&self) {
        self.state().large = None;
    }

    /// Takes memory for `entries` that are alike, before any of them is made.
    pub(crate) async fn take_each(&self, entries: usize, bytes: usize) -> bool {
        self.take(entries.saturating_mul(bytes)).await
    }

    /// True when the handler asked for more than there was.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.state().is_exceeded
    }
}

#[cfg(test)]
mod tests {
    //! What is taken is charged, bounded and shared.

    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::limits::LARGE_ANSWERS;

    /// Whether a future is ready when it is polled once.
    fn is_ready(future: impl Future) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        matches!(pin!(future).poll(&mut cx), Poll::Ready(_))
    }

    #[tokio::test]
    async fn what_is_taken_is_charged_and_comes_back() {
        let memory = Arc::new(Memory::new(-1));
        let budget = AnswerBudget::new(&memory);
        assert!(budget.take(1_000).await && budget.take_each(10, 100).await);
        assert_eq!(memory.used(), 2_000);
        assert!(!budget.is_exceeded());
        drop(budget);
        assert_eq!(memory.used(), 0);
    }

    #[tokio::test]
    async fn beyond_the_budget_nothing_is_taken() {
        let memory = Arc::new(Memory::new(-1));
        let budget = AnswerBudget::new(&memory);
        assert!(budget.take(ANSWER_MEMORY_MAX).await);
        assert!(!budget.take(1).await && budget.is_exceeded());
        assert!(!budget.allows(0), "refused once is refused");
        assert_eq!(memory.used(), u64::try_from(ANSWER_MEMORY_MAX).unwrap());
        assert!(!AnswerBudget::new(&memory).allows(usize::MAX));
        assert!(!AnswerBudget::new(&memory).take_each(usize::MAX, 2).await);
    }

    #[tokio::test]
    async fn others_have_their_turn() {
        let memory = Arc::new(Memory::new(-1));
        let budget = AnswerBudget::new(&memory);
        let entries = (0..10_000).take_while(|_| is_ready(budget.take(0)));
        let in_a_turn = entries.count();
        assert!(in_a_turn <= TURN_BYTES / ANSWER_ENTRY_WORK, "{in_a_turn}");
    }

    #[tokio::test]
    async fn large_answers_wait_for_each_other() {
        let memory = Arc::new(Memory::new(-1));
        let budget = || AnswerBudget::new(&memory);
        let large: Vec<_> = (0..LARGE_ANSWERS).map(|_| budget()).collect();
        for large in &large {
            assert!(large.take(ANSWER_MEMORY_SMALL + 1).await);
        }
        let (small, next) = (budget(), budget());
        assert!(small.take(1_000).await);
        let mut waiting = pin!(next.take(ANSWER_MEMORY_SMALL + 1));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut cx).is_pending());
        large[0].pause();
        assert!(waiting.await, "one that waits for others lets it be made");
    }
}
