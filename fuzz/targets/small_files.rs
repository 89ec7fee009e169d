//! See `targets::small_files`.

#![no_main]
#![allow(dead_code)]

#[path = "../../crates/storage/tests/it/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::small_files(bytes));
