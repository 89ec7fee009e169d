//! The codec: every message in every version, there and back, cut at every byte, and beside a codec that we did not write.

mod hostile;
mod oracle;
mod rules;
mod sample;
#[rustfmt::skip]
mod samples;

use bytes::Bytes;
use mainstem_protocol::{Decoder, Encoder, Message};

use sample::{Random, Sample, Visit};

/// Bytes of a message.
fn encode<M: Message>(message: &M, version: i16) -> Bytes {
    let mut encoder = Encoder::new();
    message
        .encode(&mut encoder, version)
        .unwrap_or_else(|error| panic!("{} {version}: {error}", M::NAME));
    encoder.finish().to_bytes()
}

/// The message of bytes, all of which must be used.
fn decode<M: Message>(bytes: &Bytes, version: i16) -> M {
    let mut decoder = Decoder::new(bytes.clone());
    let message = M::decode(&mut decoder, version)
        .unwrap_or_else(|error| panic!("{} {version}: {error}", M::NAME));
    assert!(
        decoder.is_empty(),
        "{} {version}: {} bytes are left",
        M::NAME,
        decoder.remaining()
    );
    message
}

struct RoundTrips(usize);

impl Visit for RoundTrips {
    fn message<M: Message + Sample + PartialEq + std::fmt::Debug>(
        &mut self,
        _kind: &'static str,
        _key: i16,
        _jar: &'static str,
    ) {
        for version in M::MIN_VERSION..=M::MAX_VERSION {
            for seed in 0..12u64 {
                let message = M::sample(
                    &mut Random(seed * 1_000 + version.unsigned_abs() as u64),
                    version,
                );
                let bytes = encode(&message, version);
                let read: M = decode(&bytes, version);
                assert_eq!(read, message, "{} {version}", M::NAME);
                assert_eq!(encode(&read, version), bytes, "{} {version}", M::NAME);
            }
            let message = M::default();
            // What has no null in a version cannot be written with it; everything else goes there and back.
            let mut encoder = Encoder::new();
            if message.encode(&mut encoder, version).is_ok() {
                let _: M = decode(&encoder.finish().to_bytes(), version);
            }
            self.0 += 1;
        }
    }
}

#[test]
fn every_message_goes_there_and_back_in_every_version() {
    let mut visit = RoundTrips(0);
    samples::visit_all(&mut visit);
    assert!(visit.0 > 690, "{} message versions", visit.0);
}
