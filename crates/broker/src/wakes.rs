//! Telling runtimes what they wait for: once each, however much became ready.
//!
//! A sync makes many things ready at once: producers whose batches are committed, fetches that have something to read. Waking a task of
//! another thread costs a system call, so each runtime has a list of what became ready and one task that is woken when the list was
//! empty. That task fires the rest on its own thread, where waking costs nothing.
//!
//! Invariant: what is on a list is fired by the next run of its task; the task is woken whenever a list that was empty gets something.

use std::sync::{Arc, Mutex, PoisonError};

use mainstem_protocol::ErrorCode;
use tokio::sync::{Notify, oneshot};

/// Who waits for an offset to be committed.
pub(crate) type Committed = oneshot::Sender<Result<(), ErrorCode>>;

/// A runtime of the node: the cores by their numbers, then the one of control.
pub(crate) type RuntimeId = usize;

/// A fetch that waits for a high watermark to move.
#[derive(Debug)]
pub(crate) struct FetchWait {
    runtime: RuntimeId,
    moved: Notify,
}

impl FetchWait {
    pub(crate) fn new(runtime: RuntimeId) -> Self {
        Self {
            runtime,
            moved: Notify::new(),
        }
    }

    /// Waits until one of its partitions has something new, or had since the last wait.
    pub(crate) async fn moved(&self) {
        self.moved.notified().await;
    }
}

/// Something that became ready.
#[derive(Debug)]
enum Ready {
    Commit(Committed, Result<(), ErrorCode>),
    Fetch(Arc<FetchWait>),
}

impl Ready {
    fn fire(self) {
        match self {
            Self::Commit(waiter, result) => {
                let _ = waiter.send(result);
            }
            Self::Fetch(wait) => wait.moved.notify_one(),
        }
    }
}

/// What became ready in one section, by runtime.
#[derive(Debug, Default)]
pub(crate) struct Woken(Vec<(RuntimeId, Ready)>);

impl Woken {
    pub(crate) fn commit(
        &mut self,
        (runtime, waiter): (RuntimeId, Committed),
        result: Result<(), ErrorCode>,
    ) {
        self.0.push((runtime, Ready::Commit(waiter, result)));
    }

    pub(crate) fn fetch(&mut self, wait: Arc<FetchWait>) {
        self.0.push((wait.runtime, Ready::Fetch(wait)));
    }
}

#[derive(Debug, Default)]
struct Runtime {
    ready: Mutex<Vec<Ready>>,
    filled: Notify,
}

/// The lists of all runtimes.
#[derive(Debug)]
pub(crate) struct Wakes {
    runtimes: Vec<Runtime>,
}

impl Wakes {
    /// Lists for `cores` cores and for control.
    pub(crate) fn new(cores: usize) -> Self {
        Self {
            runtimes: (0..=cores).map(|_| Runtime::default()).collect(),
        }
    }

    /// The runtime of control: groups, the controller's answers, HTTP.
    pub(crate) fn control(&self) -> RuntimeId {
        self.runtimes.len() - 1
    }

    /// Puts what became ready on the lists, and wakes each runtime that is concerned at most once.
    pub(crate) fn wake(&self, woken: Woken) {
        let mut woken = woken.0;
        // Mostly one runtime; sorting is stable, so what waits longest goes first.
        woken.sort_by_key(|(runtime, _)| *runtime);
        let mut woken = woken.into_iter().peekable();
        while let Some((id, first)) = woken.next() {
            let Some(runtime) = self.runtimes.get(id) else {
                first.fire();
                continue;
            };
            let was_empty = {
                let mut ready = runtime.ready.lock().unwrap_or_else(PoisonError::into_inner);
                let was_empty = ready.is_empty();
                ready.push(first);
                while let Some((_, next)) = woken.next_if(|(next, _)| *next == id) {
                    ready.push(next);
                }
                was_empty
            };
            if was_empty {
                runtime.filled.notify_one();
            }
        }
    }

    /// The task of a runtime.
    pub(crate) async fn serve(&self, id: RuntimeId) {
        let Some(runtime) = self.runtimes.get(id) else {
            return;
        };
        loop {
            runtime.filled.notified().await;
            let ready =
                std::mem::take(&mut *runtime.ready.lock().unwrap_or_else(PoisonError::into_inner));
            for ready in ready {
                ready.fire();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_woken_once_for_all_that_became_ready() {
        let wakes = Arc::new(Wakes::new(2));
        let (first, mut first_told) = oneshot::channel();
        let (second, mut second_told) = oneshot::channel();
        let fetch = Arc::new(FetchWait::new(0));
        let mut woken = Woken::default();
        woken.commit((0, first), Ok(()));
        woken.commit((2, second), Err(ErrorCode::KafkaStorageError));
        woken.fetch(fetch.clone());
        wakes.wake(woken);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            assert!(first_told.try_recv().is_err(), "its runtime fires it");
            let serve = |id| {
                let wakes = wakes.clone();
                tokio::spawn(async move { wakes.serve(id).await })
            };
            serve(0);
            assert_eq!((&mut first_told).await, Ok(Ok(())));
            fetch.moved().await;
            assert!(
                second_told.try_recv().is_err(),
                "another runtime's is not touched"
            );
            serve(wakes.control());
            assert_eq!(
                (&mut second_told).await,
                Ok(Err(ErrorCode::KafkaStorageError))
            );
        });
    }
}
