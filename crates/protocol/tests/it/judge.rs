//! Writes what Apache Kafka's own code is to judge: random values of everything, the error codes, the header versions.
//!
//! `cargo xtask codegen --oracle` runs this test and hands the file to `interop/java-oracle/CodecOracle.java`. The lines:
//!
//! | line | what is claimed |
//! |---|---|
//! | `message NAME VERSION HEX` | these bytes are a value of the message; Apache reads all of them and writes the same |
//! | `damaged NAME VERSION OUTCOME HEX` | bytes with a few overwritten: `accepted` or `refused` |
//! | `error CODE NAME RETRIABLE` | an error code |
//! | `api KEY NAME MIN MAX UNSTABLE` | the versions of an API |
//! | `header KEY VERSION REQUEST RESPONSE` | the versions of the headers |

use std::fmt::Write as _;
use std::path::PathBuf;

use mainstem_protocol::{ApiKey, Decoder, ErrorCode};

use crate::catalogue::{Row, rows};
use crate::hex;
use crate::sample::Random;

const VALUES_PER_VERSION: u64 = 10;
const DAMAGED_PER_VERSION: u64 = 40;

/// A random value with one to three bytes overwritten, and what becomes of it.
fn damaged(row: &Row, version: i16, seed: u64) -> (Vec<u8>, &'static str) {
    let mut random = Random::new(seed);
    let bytes = (row.sample)(&mut random, version)
        .unwrap_or_else(|error| panic!("{} v{version}: {error}", row.name));
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(u64::try_from(bytes.len().max(1)).expect("small"));
        let garbage = [0xff, 0x80, 0x7f, 0x00, 0x01, random.next().to_le_bytes()[0]];
        let byte = garbage[usize::try_from(random.below(6)).expect("small")];
        if let Some(place) = bytes.get_mut(usize::try_from(at).expect("small")) {
            *place = byte;
        }
    }
    let outcome = match (row.decode)(&mut Decoder::new(bytes.clone().into()), version) {
        Ok(()) => "accepted",
        Err(_) => "refused",
    };
    (bytes, outcome)
}

fn claims() -> String {
    let mut out = String::new();
    let mut line = |text: std::fmt::Arguments<'_>| writeln!(out, "{text}").expect("a String grows");
    for error in ErrorCode::ALL {
        line(format_args!(
            "error {} {} {}",
            error.code(),
            error.name(),
            error.is_retriable()
        ));
    }
    for key in ApiKey::all().filter(|key| key.max_version() >= 0) {
        let (min, max) = (key.min_version(), key.max_version());
        let unstable = key.latest_version_unstable();
        line(format_args!(
            "api {} {key} {min} {max} {unstable}",
            key.code()
        ));
        for version in min..=max {
            let request = key.request_header_version(version);
            let response = key.response_header_version(version);
            line(format_args!(
                "header {} {version} {request} {response}",
                key.code()
            ));
        }
    }
    for row in rows() {
        for version in row.versions() {
            for seed in 1000..1000 + VALUES_PER_VERSION {
                let bytes = (row.sample)(&mut Random::new(seed), version)
                    .unwrap_or_else(|error| panic!("{} v{version}: {error}", row.name));
                line(format_args!(
                    "message {} {version} {}",
                    row.name,
                    hex::text(&bytes)
                ));
            }
            for seed in 0..DAMAGED_PER_VERSION {
                let (bytes, outcome) = damaged(&row, version, seed);
                let bytes = hex::text(&bytes);
                line(format_args!(
                    "damaged {} {version} {outcome} {bytes}",
                    row.name
                ));
            }
            let bytes = (row.default)(version).expect("another test holds this");
            line(format_args!(
                "message {} {version} {}",
                row.name,
                hex::text(&bytes)
            ));
        }
    }
    out
}

#[test]
fn claims_for_apache_to_judge_are_written() {
    let default = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("codec-claims.txt");
    let path = std::env::var_os("MAINSTEM_CODEC_CLAIMS").map_or(default, PathBuf::from);
    let claims = claims();
    assert!(claims.lines().count() > 7000);
    std::fs::write(path, claims).expect("writable");
}
