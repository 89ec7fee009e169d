//! A file of properties: taken, or refused with the name of the file and the line.

#![no_main]

#[path = "../../crates/broker/tests/it/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::properties(bytes));
