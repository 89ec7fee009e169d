//! Beside `kafka-protocol`, a codec that we did not write: what we write it reads, and writes again to the same bytes.

use bytes::Bytes;
use kafka_protocol::messages::{ApiKey, RequestKind, ResponseKind};
use mainstem_protocol::Message;

use super::sample::{Random, Sample, Visit};
use super::{encode, samples};

#[derive(Default)]
struct Oracle {
    compared: usize,
    unknown: usize,
}

impl Oracle {
    fn compare(&mut self, name: &str, version: i16, ours: &Bytes, theirs: Option<Bytes>) {
        match theirs {
            Some(theirs) => {
                assert_eq!(theirs, *ours, "{name} {version}");
                self.compared += 1;
            }
            None => self.unknown += 1,
        }
    }
}

fn request(key: ApiKey, bytes: &Bytes, version: i16) -> Option<Bytes> {
    let mut input = bytes.clone();
    let read = RequestKind::decode(key, &mut input, version).ok()?;
    let mut out = bytes::BytesMut::new();
    read.encode(&mut out, version).ok()?;
    Some(out.freeze())
}

fn response(key: ApiKey, bytes: &Bytes, version: i16) -> Option<Bytes> {
    let mut input = bytes.clone();
    let read = ResponseKind::decode(key, &mut input, version).ok()?;
    let mut out = bytes::BytesMut::new();
    read.encode(&mut out, version).ok()?;
    Some(out.freeze())
}

impl Visit for Oracle {
    fn message<M: Message + Sample + PartialEq + std::fmt::Debug>(
        &mut self,
        kind: &'static str,
        key: i16,
        _jar: &'static str,
    ) {
        let Ok(key) = ApiKey::try_from(key) else {
            return;
        };
        for version in M::MIN_VERSION..=M::MAX_VERSION {
            for seed in 0..4u64 {
                let ours = encode(&M::sample(&mut Random(seed), version), version);
                match kind {
                    "request"
                        if key.valid_versions().min <= version
                            && version <= key.valid_versions().max =>
                    {
                        self.compare(M::NAME, version, &ours, request(key, &ours, version));
                    }
                    "response"
                        if key.valid_versions().min <= version
                            && version <= key.valid_versions().max =>
                    {
                        self.compare(M::NAME, version, &ours, response(key, &ours, version));
                    }
                    "request" | "response" => self.unknown += 1,
                    _ => return,
                }
            }
        }
    }
}

#[test]
fn the_other_codec_reads_and_writes_what_we_write() {
    let mut oracle = Oracle::default();
    samples::visit_all(&mut oracle);
    println!(
        "{} compared, {} of versions that kafka-protocol does not read",
        oracle.compared, oracle.unknown
    );
    assert!(
        oracle.compared > 2_000,
        "{} compared, {} unknown",
        oracle.compared,
        oracle.unknown
    );
}
