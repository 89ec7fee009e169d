//! Every codec there and back, cut, and as a bomb.

use super::{Codec, CompressError, compress, decompress};

fn packed(codec: Codec, input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    compress(codec, None, input, &mut out).unwrap();
    out
}

fn text(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| b"flights leave, flights arrive. "[(at * at / 7) % 31])
        .collect()
}

#[test]
fn what_was_packed_unpacks() {
    for codec in Codec::ALL {
        for length in [0, 1, 100, 32 * 1024, 200_000] {
            let input = text(length);
            let there = packed(codec, &input);
            assert_eq!(
                decompress(codec, &there, length).unwrap(),
                input,
                "{codec} {length}"
            );
        }
    }
}

#[test]
fn raw_snappy_is_read_too() {
    let input = text(5_000);
    let raw = snap::raw::Encoder::new().compress_vec(&input).unwrap();
    assert_eq!(decompress(Codec::Snappy, &raw, 5_000).unwrap(), input);
}

#[test]
fn a_bomb_is_refused_at_the_limit() {
    let bomb = vec![0u8; 64 * 1024 * 1024];
    for codec in Codec::ALL {
        let there = packed(codec, &bomb);
        assert_eq!(
            decompress(codec, &there, 1_000_000),
            Err(CompressError::TooLarge {
                codec,
                limit_bytes: 1_000_000
            }),
        );
    }
}

#[test]
fn cut_or_changed_bytes_never_panic() {
    let input = text(3_000);
    for codec in Codec::ALL {
        let there = packed(codec, &input);
        for end in 0..there.len() {
            let _ = decompress(codec, &there[..end], 10_000);
        }
        for at in 0..there.len() {
            let mut changed = there.clone();
            changed[at] ^= 0x5a;
            let _ = decompress(codec, &changed, 10_000);
        }
    }
}

#[test]
fn a_lying_snappy_length_reserves_nothing() {
    // A varint of 4 GiB - 1 before one byte.
    let lie = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00];
    assert!(matches!(
        decompress(Codec::Snappy, &lie, usize::MAX),
        Err(CompressError::Corrupt { .. })
    ));
}
