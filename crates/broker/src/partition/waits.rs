//! Waiting for a partition: for an offset to be committed, for something to read.

use std::sync::Arc;

use mainstem_protocol::ErrorCode;
use tokio::sync::oneshot;

use super::{Partition, State};
use crate::limits::COMMIT_WAITS_LOOK;
use crate::wakes::{FetchWait, RuntimeId, Woken};

impl Partition {
    /// Waits on a runtime until everything below `offset` is committed.
    pub(crate) fn committed(
        &self,
        offset: i64,
        runtime: RuntimeId,
    ) -> impl Future<Output = Result<(), ErrorCode>> + Send + use<> {
        let (sender, receiver) = oneshot::channel();
        let known = self.with(|state| {
            if state.high_watermark >= offset {
                return Ok(Some(Ok(())));
            }
            if state.failed {
                return Ok(Some(Err(ErrorCode::KafkaStorageError)));
            }
            if state.committed.len() >= state.look_at {
                // While the disk hangs, clients may come, ask, and go away without end.
                state.committed.retain(|(_, waiter)| !waiter.is_closed());
                state.look_at = COMMIT_WAITS_LOOK.max(2 * state.committed.len());
            }
            state.committed.wait(offset, (runtime, sender));
            Ok(None)
        });
        async move {
            match known {
                Ok(Some(known)) => known,
                Ok(None) => receiver
                    .await
                    .unwrap_or(Err(ErrorCode::NotLeaderOrFollower)),
                Err(refusal) => Err(refusal.code),
            }
        }
    }

    /// The same for the tasks of control.
    pub(crate) fn committed_on_control(
        &self,
        offset: i64,
    ) -> impl Future<Output = Result<(), ErrorCode>> + Send + use<> {
        self.committed(offset, self.queue.wakes.control())
    }

    /// Tells `fetch` whenever the high watermark moves, until [`Self::leave`].
    pub(crate) fn join(&self, fetch: &Arc<FetchWait>) {
        let joined = self.with(|state| {
            state.fetches.push(fetch.clone());
            Ok(())
        });
        if joined.is_err() {
            let mut woken = Woken::default();
            woken.fetch(fetch.clone());
            self.queue.wakes.wake(woken);
        }
    }

    /// The fetch waits no more.
    pub(crate) fn leave(&self, fetch: &Arc<FetchWait>) {
        // Of a partition that is gone nobody holds anything any more.
        let _ = self.with(|state| {
            let at = state
                .fetches
                .iter()
                .position(|wait| Arc::ptr_eq(wait, fetch));
            if let Some(at) = at {
                state.fetches.swap_remove(at);
            }
            Ok(())
        });
    }
}

/// Moves the high watermark; who waited for that is woken.
pub(super) fn advance(state: &mut State, high_watermark: i64, woken: &mut Woken) {
    if high_watermark <= state.high_watermark {
        return;
    }
    assert!(
        high_watermark <= state.log.log_end(),
        "what is committed was appended"
    );
    state.high_watermark = high_watermark;
    for waiter in state.committed.reached(high_watermark) {
        woken.commit(waiter, Ok(()));
    }
    wake_fetches(state, woken);
}

/// Nothing is committed any more: who waits is told why.
pub(super) fn abandon(state: &mut State, code: ErrorCode, woken: &mut Woken) {
    for waiter in state.committed.abandon() {
        woken.commit(waiter, Err(code));
    }
    wake_fetches(state, woken);
}

fn wake_fetches(state: &State, woken: &mut Woken) {
    for fetch in &state.fetches {
        woken.fetch(fetch.clone());
    }
}
