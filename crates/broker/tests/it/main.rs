//! The node as its peers see it: requests over real sockets, hostile bytes, restarts.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "a test may fail loudly and list many cases"
)]

mod compatibility;
mod data_dir;
mod hostile;
mod serving;
mod wire;
