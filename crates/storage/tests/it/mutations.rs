//! The targets under thousands of mutated files.

use crate::checksum;
use crate::mutate::drive;
use crate::targets::{damaged_log, small_files, sound_log};

/// Samples of the files of a log, each named by its place; `clean` says whether the log counts as closed.
fn samples(clean: u8, wanted: impl Fn(&str) -> bool) -> Vec<Vec<u8>> {
    let files = sound_log();
    let chosen = files
        .iter()
        .enumerate()
        .filter(|(_, (name, _))| wanted(name));
    let samples: Vec<Vec<u8>> = chosen
        .map(|(at, (_, bytes))| {
            let place = u8::try_from(at).unwrap() << 1 | clean;
            [&[place], bytes.as_slice()].concat()
        })
        .collect();
    assert!(!samples.is_empty());
    samples
}

/// Puts the right checksum into everything that looks like a batch, so that what comes behind the checksum is reached as well.
fn mend(log: &mut [u8]) {
    let mut rest = log;
    while let Some(length) = rest.get(8..12) {
        let length = i32::from_be_bytes([length[0], length[1], length[2], length[3]]);
        let size = usize::try_from(length).unwrap_or(0).saturating_add(12);
        if size < 61 || size > rest.len() {
            return;
        }
        let (batch, behind) = rest.split_at_mut(size);
        checksum::mend(batch);
        rest = behind;
    }
}

/// A checksum that does not fit ends most batches at once; so the same damage comes again under one that fits.
fn as_they_are_and_mended(bytes: &[u8]) {
    damaged_log(bytes);
    let mut mended = bytes.to_vec();
    if let Some(log) = mended.get_mut(1..) {
        mend(log);
    }
    damaged_log(&mended);
}

#[test]
fn segments_are_recovered_from_any_bytes() {
    let segments = samples(0, |name| name.ends_with(".log"));
    drive("segments", 10_000, &segments, as_they_are_and_mended);
}

#[test]
fn segments_that_were_closed_cleanly_may_be_anything() {
    let segments = samples(1, |name| name.ends_with(".log"));
    drive("closed segments", 10_000, &segments, as_they_are_and_mended);
}

#[test]
fn indexes_may_be_anything() {
    for clean in [0, 1] {
        let indexes = samples(clean, |name| name.ends_with("index"));
        drive("indexes", 10_000, &indexes, damaged_log);
    }
}

#[test]
fn snapshots_and_epochs_may_be_anything() {
    for clean in [0, 1] {
        let others = samples(clean, |name| {
            name.ends_with(".snapshot") || name.starts_with("leader")
        });
        drive("snapshots", 10_000, &others, damaged_log);
    }
}

#[test]
fn checkpoints_and_properties_may_be_anything() {
    let samples = [
        "0\n2\norders 0 4711\norders 1 4688\n",
        "cluster.id=abc\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAA\nnode.id=1\nversion=1\n",
        "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA",
    ];
    let samples: Vec<Vec<u8>> = samples
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
    drive("small files", 50_000, &samples, small_files);
}
