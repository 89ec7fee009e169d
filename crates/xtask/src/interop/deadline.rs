//! An end for processes that do not end: they are killed when their time is over.

use std::process::{Child, Command};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Watches over a process; drop it, or ask whether it [`Deadline::passed`], when the process has ended.
#[derive(Debug)]
pub struct Deadline {
    ended: Sender<()>,
    watch: JoinHandle<bool>,
}

impl Deadline {
    /// Kills the process unless it ends within the limit.
    pub fn of(child: &Child, limit: Duration) -> Self {
        let (ended, end) = channel();
        let process = child.id().to_string();
        let watch = std::thread::spawn(move || {
            let is_over = end.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
            if is_over {
                let _ = Command::new("kill").args(["-KILL", &process]).status();
            }
            is_over
        });
        Self { ended, watch }
    }

    /// Ends the watch; whether the process was killed.
    pub fn passed(self) -> bool {
        drop(self.ended);
        self.watch.join().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    //! A process that sleeps, and one that does not.

    use super::*;

    #[test]
    fn a_process_that_hangs_is_killed_and_another_is_left_alone() {
        for (seconds, limit_ms, killed) in [("600", 50, true), ("0", 600_000, false)] {
            let mut child = Command::new("sleep").arg(seconds).spawn().unwrap();
            let deadline = Deadline::of(&child, Duration::from_millis(limit_ms));
            let status = child.wait().unwrap();
            assert_eq!((deadline.passed(), status.success()), (killed, !killed));
        }
    }
}
