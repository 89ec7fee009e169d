//! What the standard library lacks. Knows no Kafka word, does no I/O.

mod backoff;
mod offset_waiters;
pub mod transcript;

pub use backoff::Backoff;
pub use offset_waiters::OffsetWaiters;
