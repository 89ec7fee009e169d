//! Agreement with an independent codec, the `kafka-protocol` crate: it must read what we write and write the same bytes again.
//!
//! It knows no streams groups and lacks the newest versions of a few APIs; those are judged by Apache's own code only
//! (`cargo xtask interop codec`).

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey as TheirKey, RequestKind, ResponseKind};

use crate::catalogue::{Row, rows};
use crate::hex;
use crate::sample::Random;

const VALUES_PER_VERSION: u64 = 12;

/// What it says of versions that its own table of versions claims, but its messages lack (three of them).
const DISOWNED: &str = "specified version not supported";

/// What the other codec makes of our bytes; `Err` says why it would not.
fn through(row: &Row, key: TheirKey, version: i16, ours: &Bytes) -> Result<(Bytes, usize), String> {
    let mut input = ours.clone();
    let mut output = BytesMut::new();
    let outcome = if row.kind == "request" {
        RequestKind::decode(key, &mut input, version)
            .and_then(|request| request.encode(&mut output, version))
    } else {
        ResponseKind::decode(key, &mut input, version)
            .and_then(|response| response.encode(&mut output, version))
    };
    match outcome {
        Ok(()) => Ok((output.freeze(), input.len())),
        Err(error) => Err(format!("{error:#}")),
    }
}

#[test]
fn the_other_codec_writes_the_same_bytes() {
    let mut pairs: u32 = 0;
    let mut differences = Vec::new();
    for row in rows() {
        if row.kind != "request" && row.kind != "response" {
            continue;
        }
        let Ok(key) = TheirKey::try_from(row.key) else {
            continue;
        };
        let known = key.valid_versions();
        for version in row.versions() {
            if version < known.min || version > known.max {
                continue;
            }
            pairs += 1;
            let mut disowned = false;
            for seed in 0..VALUES_PER_VERSION {
                let ours = (row.sample)(&mut Random::new(seed), version)
                    .unwrap_or_else(|error| panic!("{} v{version}: {error}", row.name));
                let theirs = through(&row, key, version, &ours);
                if theirs.as_ref().is_err_and(|why| why.contains(DISOWNED)) {
                    disowned = true;
                    break;
                }
                if theirs != Ok((ours.clone(), 0)) {
                    differences.push(format!(
                        "{} v{version} seed {seed}: {} became {:?}",
                        row.name,
                        hex::text(&ours).chars().take(300).collect::<String>(),
                        theirs.map(|(bytes, left)| (hex::text(&bytes), left))
                    ));
                    break;
                }
            }
            pairs -= u32::from(disowned);
        }
    }
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
    assert!(pairs >= 570, "only {pairs} were compared");
}
