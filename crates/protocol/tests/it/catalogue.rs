//! Every message of the schema as a row of functions, so that tests are loops.

use std::fmt::Debug;

use bytes::Bytes;
use mainstem_protocol::{DecodeError, Decoder, EncodeError, Encoder, Message};

use crate::sample::{Random, Sample, Visit};
use crate::samples::visit_all;

/// One message.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) key: i16,
    pub(crate) min_version: i16,
    pub(crate) max_version: i16,
    /// Bytes of a random value.
    pub(crate) sample: fn(&mut Random, i16) -> Result<Bytes, EncodeError>,
    /// Bytes of the default value.
    pub(crate) default: fn(i16) -> Result<Bytes, EncodeError>,
    /// Decodes and encodes again; also says how many bytes were left unread.
    pub(crate) again: fn(Decoder, i16) -> Result<(Bytes, usize), Failure>,
    /// Fails with a text when a random value does not come back equal.
    pub(crate) round_trip: fn(&mut Random, i16) -> Result<(), String>,
    /// Decodes only; the work that hostile bytes get.
    pub(crate) decode: fn(&mut Decoder, i16) -> Result<(), DecodeError>,
}

/// Why bytes did not survive decoding and encoding.
#[derive(Debug)]
#[allow(dead_code, reason = "the fields are read by Debug in a failing test")]
pub(crate) enum Failure {
    Decode(DecodeError),
    Encode(EncodeError),
}

impl Row {
    pub(crate) fn versions(&self) -> std::ops::RangeInclusive<i16> {
        self.min_version..=self.max_version
    }
}

fn encode<M: Message>(message: &M, version: i16) -> Result<Bytes, EncodeError> {
    let mut encoder = Encoder::new();
    message.encode(&mut encoder, version)?;
    Ok(encoder.finish().to_bytes())
}

fn sample<M: Message + Sample>(random: &mut Random, version: i16) -> Result<Bytes, EncodeError> {
    encode(&M::sample(random, version), version)
}

fn again<M: Message>(mut decoder: Decoder, version: i16) -> Result<(Bytes, usize), Failure> {
    let message = M::decode(&mut decoder, version).map_err(Failure::Decode)?;
    let bytes = encode(&message, version).map_err(Failure::Encode)?;
    Ok((bytes, decoder.remaining()))
}

fn round_trip<M: Message + Sample + PartialEq + Debug>(
    random: &mut Random,
    version: i16,
) -> Result<(), String> {
    let value = M::sample(random, version);
    let bytes = encode(&value, version).map_err(|error| format!("{error} in {value:?}"))?;
    let mut decoder = Decoder::new(bytes.clone());
    let back = M::decode(&mut decoder, version).map_err(|error| format!("{error} of {value:?}"))?;
    if back != value {
        return Err(format!("{value:?} became {back:?}"));
    }
    if !decoder.is_empty() {
        return Err(format!("{} bytes unread", decoder.remaining()));
    }
    match encode(&back, version) {
        Ok(second) if second == bytes => Ok(()),
        other => Err(format!("{bytes:?} became {other:?}")),
    }
}

fn decode<M: Message>(decoder: &mut Decoder, version: i16) -> Result<(), DecodeError> {
    M::decode(decoder, version).map(drop)
}

#[derive(Default)]
struct Rows(Vec<Row>);

impl Visit for Rows {
    fn message<M: Message + Sample + PartialEq + Debug>(
        &mut self,
        kind: &'static str,
        key: i16,
        _jar: &'static str,
    ) {
        self.0.push(Row {
            name: M::NAME,
            kind,
            key,
            min_version: M::MIN_VERSION,
            max_version: M::MAX_VERSION,
            sample: sample::<M>,
            default: |version| encode(&M::default(), version),
            again: again::<M>,
            round_trip: round_trip::<M>,
            decode: decode::<M>,
        });
    }
}

/// All rows, by name.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Rows::default();
    visit_all(&mut rows);
    rows.0
}

/// The row of a name.
pub(crate) fn row(name: &str) -> Row {
    rows()
        .into_iter()
        .find(|row| row.name == name)
        .unwrap_or_else(|| panic!("no message {name}"))
}
