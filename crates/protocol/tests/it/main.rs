//! Proofs about the codec: what it writes it reads back, others agree with it byte for byte, and no byte can hurt it.
//!
//! The messages' random values are generated (`samples`); what is done with them is one table of functions (`catalogue`).

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "a test may fail loudly and list many cases"
)]

mod batches;
mod captured;
mod catalogue;
mod checksum;
mod errors;
mod headers;
mod hex;
mod hostile;
mod judge;
mod mutate;
mod mutations;
mod other_codec;
mod records;
mod round_trip;
mod rules;
mod sample;
#[rustfmt::skip]
mod samples;
mod targets;
