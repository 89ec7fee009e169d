//! Bytes that lie: cut at every byte, counts that would take gigabytes, flips.

use bytes::Bytes;
use mainstem_protocol::messages::{MetadataRequest, ProduceRequest};
use mainstem_protocol::{DecodeError, Decoder, Message};

use super::sample::{Random, Sample, Visit};
use super::{encode, samples};

struct Damage;

impl Visit for Damage {
    fn message<M: Message + Sample + PartialEq + std::fmt::Debug>(
        &mut self,
        _kind: &'static str,
        _key: i16,
        _jar: &'static str,
    ) {
        let mut random = Random(7);
        for version in M::MIN_VERSION..=M::MAX_VERSION {
            let bytes = encode(&M::sample(&mut random, version), version);
            for end in 0..bytes.len() {
                let mut decoder = Decoder::new(bytes.slice(..end));
                assert!(
                    M::decode(&mut decoder, version).is_err(),
                    "{} {version} cut at {end} of {}",
                    M::NAME,
                    bytes.len()
                );
            }
            for at in 0..bytes.len() {
                for flip in [0x01, 0x80, 0xff] {
                    let mut changed = bytes.to_vec();
                    changed[at] ^= flip;
                    let _ = M::decode(
                        &mut Decoder::with_budget(Bytes::from(changed), 1 << 20),
                        version,
                    );
                }
            }
        }
    }
}

#[test]
fn no_damage_makes_the_decoder_panic_and_every_cut_is_noticed() {
    samples::visit_all(&mut Damage);
}

#[test]
fn a_count_that_lies_reserves_nothing() {
    // Produce 11: no transactional id, acks, timeout, then an array of 0xfffffffe elements.
    let mut bytes = vec![0u8, 0, 1, 0, 0, 0, 1];
    bytes.extend_from_slice(&[0xfe, 0xff, 0xff, 0xff, 0x0f]);
    let error = ProduceRequest::decode(&mut Decoder::new(Bytes::from(bytes)), 11).unwrap_err();
    assert!(
        matches!(
            error,
            DecodeError::Length { .. } | DecodeError::Truncated { .. }
        ),
        "{error}"
    );
    let error = MetadataRequest::decode(
        &mut Decoder::new(Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff])),
        0,
    )
    .unwrap_err();
    assert!(matches!(error, DecodeError::Truncated { .. }), "{error}");
}

#[test]
fn elements_are_charged_before_they_are_made() {
    // A million empty topic names: two bytes each on the wire, many times that in memory.
    let count = 1_000_000i32;
    let mut bytes = count.to_be_bytes().to_vec();
    bytes.resize(4 + 2_000_000, 0);
    let error = MetadataRequest::decode(&mut Decoder::with_budget(Bytes::from(bytes), 10 << 20), 1)
        .unwrap_err();
    assert!(
        matches!(
            error,
            DecodeError::Budget {
                count: 1_000_000,
                ..
            }
        ),
        "{error}"
    );
}
