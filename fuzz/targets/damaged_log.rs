//! See `targets::damaged_log`.

#![no_main]
#![allow(dead_code)]

#[path = "../../crates/storage/tests/it/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::damaged_log(bytes));
