//! Patience while descriptors are short, for what cannot be refused: the node's own records, whose role ends when they are not written.
//!
//! It holds up the thread that asks, for two seconds at most, while nothing could be opened anyway.

use std::thread::sleep;

use crate::limits::{DESCRIPTOR_RETRY, DESCRIPTOR_TRIES};

/// Tries until there is a descriptor, a number of times.
pub(crate) fn patiently<R, E>(
    is_short: impl Fn(&E) -> bool,
    mut attempt: impl FnMut() -> Result<R, E>,
) -> Result<R, E> {
    for _ in 1..DESCRIPTOR_TRIES {
        match attempt() {
            Err(error) if is_short(&error) => sleep(DESCRIPTOR_RETRY),
            done => return done,
        }
    }
    attempt()
}
