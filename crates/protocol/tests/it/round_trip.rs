//! Random values of every message in every version: encoded, decoded, equal; encoded again, equal bytes.

use crate::catalogue::rows;
use crate::sample::Random;

const VALUES_PER_VERSION: u64 = 40;

#[test]
fn every_message_in_every_version_comes_back_equal() {
    let mut versions = 0;
    for row in rows() {
        for version in row.versions() {
            versions += 1;
            for seed in 0..VALUES_PER_VERSION {
                let outcome = (row.round_trip)(&mut Random::new(seed), version);
                outcome
                    .unwrap_or_else(|what| panic!("{} v{version} seed {seed}: {what}", row.name));
            }
        }
    }
    assert!(versions > 700, "only {versions} versions were tried");
}

#[test]
fn the_schema_is_complete() {
    let count = |kind: &str| rows().iter().filter(|row| row.kind == kind).count();
    // 95 keys, 4 of them removed from both directions.
    assert_eq!(count("request"), 91);
    assert_eq!(count("response"), 91);
    let versions = |kind: &str| -> usize {
        let rows = rows();
        let of_kind = rows.iter().filter(|row| row.kind == kind);
        of_kind.map(|row| row.versions().count()).sum()
    };
    assert_eq!(versions("request"), 309);
    assert_eq!(versions("response"), 309);
}

#[test]
fn defaults_are_writable_unless_a_version_forbids_them() {
    for row in rows() {
        for version in row.versions() {
            let bytes = (row.default)(version)
                .unwrap_or_else(|error| panic!("{} v{version}: {error}", row.name));
            let decoder = mainstem_protocol::Decoder::new(bytes.clone());
            let (again, unread) = (row.again)(decoder, version)
                .unwrap_or_else(|failure| panic!("{} v{version}: {failure:?}", row.name));
            assert_eq!((again, unread), (bytes, 0), "{} v{version}", row.name);
        }
    }
}
