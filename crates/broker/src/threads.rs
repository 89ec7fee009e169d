//! The node's threads: one runtime for each core, one for control, and plain threads with a name.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Notify;

use crate::node::StartError;
use crate::wakes::{RuntimeId, Wakes};

/// How many cores there are.
pub(crate) fn core_count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A thread with a runtime of its own.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) handle: Handle,
    stop: Arc<Notify>,
    thread: JoinHandle<()>,
}

impl Core {
    /// Starts it; what becomes ready for it is fired there.
    pub(crate) fn start(
        name: String,
        wakes: &Arc<Wakes>,
        id: RuntimeId,
    ) -> Result<Self, StartError> {
        let thread_error = |cause| StartError::Thread { cause };
        let runtime: Runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(thread_error)?;
        let handle = runtime.handle().clone();
        let wakes = wakes.clone();
        handle.spawn(async move { wakes.serve(id).await });
        let stop = Arc::new(Notify::new());
        let stopped = stop.clone();
        let thread = spawn(&name, move || {
            runtime.block_on(stopped.notified());
            runtime.shutdown_timeout(Duration::from_millis(100));
        })?;
        Ok(Self {
            handle,
            stop,
            thread,
        })
    }

    /// Ends it with all its tasks.
    pub(crate) fn stop(self) {
        self.stop.notify_one();
        let _ = self.thread.join();
    }
}

/// One for each core.
pub(crate) fn start_cores(wakes: &Arc<Wakes>) -> Result<Vec<Core>, StartError> {
    (0..core_count())
        .map(|at| Core::start(format!("core-{at}"), wakes, at))
        .collect()
}

/// A thread with a name.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, StartError> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    thread.map_err(|cause| StartError::Thread { cause })
}
