//! Asks a system the same thousands of requests, of every API and version that Mainstem serves, and prints what it answers, so that
//! Mainstem's answers can be held to Apache Kafka's: `cargo run -p mainstem-protocol --example differential -- HOST:PORT SEED`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a tool may fail loudly"
)]

mod sample;
#[rustfmt::skip]
#[path = "../../tests/it/samples/mod.rs"]
mod samples;
mod wire;

use std::collections::BTreeMap;
use std::fmt::Debug;

use bytes::Bytes;
use mainstem_protocol::{ApiKey, Decoder, Encoder, Message};

use sample::{Random, Sample, Visit};
use wire::Wire;

/// Requests of one API and version.
const CASES: u64 = 60;
/// APIs that are asked; those whose answers wait for others, or end what is asked about, are left out.
const APIS: &[i16] = &[
    1, 2, 3, 8, 9, 10, 15, 16, 18, 19, 20, 21, 22, 23, 29, 30, 31, 32, 33, 34, 35, 37, 42, 43, 44,
    45, 46, 47, 48, 50, 55, 57, 60, 61, 66, 74, 75, 0,
];

type Make = fn(&mut Random, i16) -> Option<(Bytes, String)>;
type Read = fn(&mut Decoder, i16) -> String;

#[derive(Default)]
struct Messages {
    requests: BTreeMap<i16, Make>,
    responses: BTreeMap<i16, Read>,
}

fn make<M: Message + Sample + Debug>(random: &mut Random, version: i16) -> Option<(Bytes, String)> {
    let message = M::sample(random, version);
    let mut encoder = Encoder::new();
    message.encode(&mut encoder, version).ok()?;
    Some((encoder.finish().to_bytes(), format!("{message:?}")))
}

fn read<M: Message + Debug>(decoder: &mut Decoder, version: i16) -> String {
    match M::decode(decoder, version) {
        Ok(message) => format!("{message:?}"),
        Err(error) => format!("cannot be read: {error}"),
    }
}

impl Visit for Messages {
    fn message<M: Message + Sample + PartialEq + Debug>(
        &mut self,
        kind: &'static str,
        key: i16,
        _: &'static str,
    ) {
        match kind {
            "request" => drop(self.requests.insert(key, make::<M>)),
            "response" => drop(self.responses.insert(key, read::<M>)),
            _ => {}
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().expect("HOST:PORT");
    let seed: u64 = arguments.next().map_or(1, |seed| seed.parse().unwrap());
    let mut messages = Messages::default();
    samples::visit_all(&mut messages);
    let mut wire = Wire::to(&address);
    for key in APIS {
        let api = ApiKey::from_code(*key).unwrap();
        let (make, read) = (messages.requests[key], messages.responses[key]);
        let last = api.max_version() - i16::from(api.latest_version_unstable());
        for version in api.min_version()..=last {
            let ids = wire.set_up();
            for case in 0..CASES {
                let mut random =
                    Random::new(seed + case * 1_000 + u64::from(version.unsigned_abs()));
                random.ids = ids.iter().map(|(id, _)| *id).collect();
                let Some((body, asked)) = make(&mut random, version) else {
                    continue;
                };
                let answer = wire.ask(api, version, &body, read);
                let mut line = format!("{} v{version} #{case} {asked} => {answer}", api.name());
                for (id, name) in &ids {
                    line = line.replace(&id.to_string(), &format!("ID-{name}"));
                }
                println!("{line}");
            }
        }
    }
}
