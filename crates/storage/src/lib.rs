//! One partition's log on disk, in Apache Kafka's own layout.
//!
//! Synchronous throughout: the caller decides which thread blocks. A [`Log`] is used under its partition's lock; what takes
//! long is handed out to be done without it: [`SyncTicket::sync`], [`Span::read`], [`TimeSpan::search`], [`Doomed::remove`]. See `docs/adr/0003-durability.md`.

#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::unwrap_used
)]

mod append;
mod checkpoint;
mod config;
pub mod disk;
mod leader_epochs;
pub mod limits;
mod log;
pub mod log_dir;
mod offset_index;
mod producers;
mod read;
mod recovery;
mod retention;
mod scan;
mod segment;
pub mod span;
mod stored;
mod sync;
mod time_index;
mod time_span;
mod transactions;
mod validate;

pub use append::{AppendError, Appended};
pub use checkpoint::{read_offsets, write_offsets};
pub use config::{CompressionPolicy, LogConfig};
pub use leader_epochs::LeaderEpochs;
pub use log::{Log, LogError};
pub use producers::{ProducerEntry, ProducerError};
pub use read::{LogSlice, ReadError, TimestampedOffset};
pub use recovery::{OpenError, OpenMode, Repair};
pub use retention::Doomed;
pub use span::Span;
pub use stored::{FoundBatches, StoredBatches};
pub use sync::SyncTicket;
pub use time_span::{GoesOn, MaxTimestampSpan, TimeSpan};
pub use transactions::AbortedTransaction;
pub use validate::{Invalid, ValidBatch, validate_internal, validate_produced};
