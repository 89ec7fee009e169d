//! See `targets::walk`.

#![no_main]
#![allow(dead_code)]

#[path = "../../crates/protocol/tests/it/catalogue.rs"]
mod catalogue;
#[path = "../../crates/protocol/tests/it/sample.rs"]
mod sample;
#[rustfmt::skip]
#[path = "../../crates/protocol/tests/it/samples/mod.rs"]
mod samples;
#[path = "../../crates/protocol/tests/it/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::walk(bytes));
