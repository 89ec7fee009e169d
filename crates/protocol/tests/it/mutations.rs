//! The targets under thousands of mutated samples.

use std::path::Path;

use mainstem_protocol::batch::{BatchBuilder, BatchOptions};
use mainstem_protocol::compress::{Codec, compress, decompress};

use crate::catalogue::rows;
use crate::mutate::drive;
use crate::sample::Random;
use crate::{checksum, hex, targets};

#[test]
fn messages_of_every_kind_and_version() {
    let rows = rows();
    let mut random = Random::new(11);
    let mut samples = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        for version in row.versions() {
            let sample = (0..10)
                .map(|_| (row.sample)(&mut random, version).unwrap())
                .find(|sample| sample.len() < 2_000);
            let mut bytes = u16::try_from(at).unwrap().to_be_bytes().to_vec();
            bytes.push(u8::try_from(version - row.min_version).unwrap());
            bytes.extend_from_slice(&sample.unwrap_or_default());
            samples.push(bytes);
        }
    }
    drive("messages", 200_000, &samples, |bytes| {
        targets::message(&rows, bytes);
    });
}

/// Batches of other clients, and ours with everything that a batch can have.
fn batches() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/batches");
    let mut found: Vec<Vec<u8>> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hex"))
        .map(|path| hex::bytes(&std::fs::read_to_string(path).unwrap()).to_vec())
        .collect();
    found.sort();
    for codec in Codec::ALL {
        let mut builder = BatchBuilder::new(BatchOptions {
            codec,
            producer_id: 5,
            producer_epoch: 1,
            base_sequence: 7,
            ..BatchOptions::default()
        });
        builder.append(
            1,
            None,
            None,
            &[(&b"h"[..], None), (&b""[..], Some(&b"v"[..]))],
        );
        builder.append(0, Some(b"key"), Some(&[7; 300]), &[]);
        found.push(builder.build().unwrap().to_vec());
    }
    found
}

#[test]
fn batches_of_producers() {
    drive("produced", 50_000, &batches(), |bytes| {
        targets::produced(bytes);
        let mut mended = bytes.to_vec();
        checksum::mend(&mut mended);
        targets::produced(&mended);
    });
}

#[test]
fn records_of_batches() {
    drive("walk", 50_000, &batches(), targets::walk);
}

#[test]
fn packed_bytes() {
    let text = "some text that packs, some text that packs ".repeat(30);
    let mut samples = Vec::new();
    for (at, codec) in Codec::ALL.into_iter().enumerate() {
        for bytes in [&b""[..], b"x", text.as_bytes(), &[0; 300_000]] {
            let mut sample = vec![u8::try_from(at).unwrap()];
            let mut packed = Vec::new();
            compress(codec, None, bytes, &mut packed).unwrap();
            assert_eq!(decompress(codec, &packed, 1 << 20).unwrap(), bytes);
            sample.extend_from_slice(&packed);
            samples.push(sample);
        }
    }
    drive("unpack", 20_000, &samples, targets::unpack);
}
