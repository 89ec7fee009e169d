//! The client against a broker that misbehaves as it is told to. That it works with real brokers is tested with the binary.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod broker;
mod connecting;
mod consuming;
mod producing;
