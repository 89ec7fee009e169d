//! Telling that there was no descriptor to open a file with from everything else that can go wrong with it.
//!
//! Invariant: only opening says so. Then nothing was read, written or synced yet, and it can be tried again; a write or a sync that failed
//! never looks like it, whatever number the system gave.

use std::fmt;
use std::io;

use rustix::io::Errno;

#[derive(Debug)]
struct NoDescriptor(io::Error);

impl fmt::Display for NoDescriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for NoDescriptor {}

/// What opening a file or directory said; that the process or the system has too many open is marked.
pub(super) fn mark(error: io::Error) -> io::Error {
    match Errno::from_io_error(&error) {
        Some(Errno::MFILE | Errno::NFILE) => io::Error::new(error.kind(), NoDescriptor(error)),
        _ => error,
    }
}

/// True when nothing was begun because there was no descriptor for it.
pub fn is_no_descriptor(error: &io::Error) -> bool {
    let marked = error.get_ref();
    marked.is_some_and(|marked| marked.is::<NoDescriptor>())
}

/// The error of a file that could not be opened for want of a descriptor: for disks that stand in for the real one.
pub fn no_descriptor() -> io::Error {
    mark(Errno::MFILE.into())
}
