//! The node as its peers see it: requests over real sockets, hostile bytes, restarts.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "a test may fail loudly and list many cases"
)]

mod administration;
mod beside_kafka;
#[allow(dead_code, reason = "the tests of the codec use all of it")]
#[path = "../../../protocol/tests/it/catalogue.rs"]
mod catalogue;
mod checkpoints;
#[path = "../../../protocol/tests/it/checksum.rs"]
mod checksum;
mod compatibility;
mod configuration;
mod configurations;
mod controller;
mod data_dir;
mod descriptors;
mod epochs;
mod faulty_disk;
mod groups;
#[allow(dead_code, reason = "the tests of the codec use all of it")]
#[path = "../../../protocol/tests/it/hex.rs"]
mod hex;
mod hostile;
mod housekeeping;
mod kafka_directory;
mod kafka_transactions;
mod metrics;
#[path = "../../../protocol/tests/it/mutate.rs"]
mod mutate;
mod mutations;
mod power;
mod properties;
#[path = "../../../protocol/tests/it/sample.rs"]
mod sample;
#[rustfmt::skip]
#[path = "../../../protocol/tests/it/samples/mod.rs"]
mod samples;
mod scarce;
mod serving;
mod snapshots;
mod wire;
