//! Coordinators: the shard that every one of them runs on, and the machines.
//!
//! Pure: no clock, no I/O, no randomness of their own. Today there is one machine, the classic group with its offsets ([`group`]).
//! See `docs/adr/0005-one-version-of-state.md`.

pub mod group;
pub mod limits;
mod shard;
mod timers;

pub use shard::{
    AppendError, Context, Decision, LostLeadership, Offset, Outbound, RecordAppender, RequestId,
    Shard, StateMachine, TimerChange, Timestamp,
};
