//! Bytes from somebody who means harm: nothing panics, nothing reserves memory beyond its budget, no prefix passes for a whole.

use bytes::Bytes;
use mainstem_protocol::messages::{FetchRequest, MetadataRequest, ProduceRequest};
use mainstem_protocol::{DecodeError, Decoder, Message};

use crate::catalogue::{Row, row, rows};
use crate::hex;
use crate::sample::Random;

/// A sample of moderate size, so that "at every byte" stays affordable.
fn small_sample(row: &Row, version: i16) -> Bytes {
    let candidates = (0..8).map(|seed| {
        (row.sample)(&mut Random::new(seed), version)
            .unwrap_or_else(|error| panic!("{} v{version}: {error}", row.name))
    });
    let fitting = candidates.filter(|bytes| bytes.len() <= 600);
    fitting.max_by_key(Bytes::len).unwrap_or_default()
}

#[test]
fn a_message_cut_at_any_byte_is_refused() {
    for row in rows() {
        for version in row.versions() {
            let whole = small_sample(&row, version);
            for end in 0..whole.len() {
                let outcome = (row.decode)(&mut Decoder::new(whole.slice(..end)), version);
                assert!(
                    outcome.is_err(),
                    "{} v{version} cut at {end} of {} passed",
                    row.name,
                    hex::text(&whole)
                );
            }
        }
    }
}

#[test]
fn overwritten_bytes_never_panic() {
    for row in rows() {
        for version in [row.min_version, row.max_version] {
            let whole = small_sample(&row, version);
            for at in 0..whole.len() {
                for garbage in [&[0xff; 5][..], &[0x7f], &[0x80], &[0x7f, 0xff, 0xff, 0xff]] {
                    let mut bytes = whole.to_vec();
                    for (offset, byte) in garbage.iter().enumerate() {
                        if let Some(place) = bytes.get_mut(at + offset) {
                            *place = *byte;
                        }
                    }
                    // The outcome is of no interest; that there is one is.
                    let mut decoder = Decoder::with_budget(bytes.into(), 1 << 20);
                    let _ = (row.decode)(&mut decoder, version);
                }
                for flip in [0x01, 0x80] {
                    let mut bytes = whole.to_vec();
                    bytes[at] ^= flip;
                    let mut decoder = Decoder::with_budget(bytes.into(), 1 << 20);
                    let _ = (row.decode)(&mut decoder, version);
                }
            }
        }
    }
}

#[test]
fn noise_never_panics() {
    let mut random = Random::new(7);
    for row in rows() {
        for version in row.versions() {
            for _ in 0..50 {
                let length = random.below(80);
                let noise: Vec<u8> = (0..length)
                    .map(|_| random.next().to_le_bytes()[0])
                    .collect();
                let mut decoder = Decoder::with_budget(noise.into(), 1 << 20);
                let _ = (row.decode)(&mut decoder, version);
            }
        }
    }
}

fn refusal<M: Message>(version: i16, budget_bytes: usize, bytes: Bytes) -> DecodeError {
    let mut decoder = Decoder::with_budget(bytes, budget_bytes);
    match M::decode(&mut decoder, version) {
        Ok(_) => panic!("accepted"),
        Err(error) => error,
    }
}

#[test]
fn a_count_beyond_the_bytes_left_reserves_nothing() {
    // Metadata v0: 2^31-1 topics announced, none there.
    let error = refusal::<MetadataRequest>(0, usize::MAX, hex::bytes("7fffffff"));
    assert!(matches!(error, DecodeError::Truncated { .. }), "{error}");
    // Produce v11: transactional id null, acks 1, timeout 0, then a compact count of 2^32-2 topics.
    let error =
        refusal::<ProduceRequest>(11, usize::MAX, hex::bytes("00 0001 00000000 ffffffff0f"));
    assert!(
        matches!(
            error,
            DecodeError::Length { .. } | DecodeError::Truncated { .. }
        ),
        "{error}"
    );
}

#[test]
fn many_small_elements_are_charged_at_their_size_in_memory() {
    // 200,000 topics of two bytes each (the empty name): 400 kB on the wire, tens of megabytes as structs.
    let count: u32 = 200_000;
    let mut bytes = count.to_be_bytes().to_vec();
    bytes.resize(4 + 2 * 200_000, 0);
    let error = refusal::<MetadataRequest>(0, 4 << 20, bytes.clone().into());
    let DecodeError::Budget {
        count,
        element_bytes,
        ..
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(count, 200_000);
    assert!(element_bytes > 16);
    // The same bytes pass with a budget that covers them.
    let mut decoder = Decoder::with_budget(bytes.into(), 64 << 20);
    let request = MetadataRequest::decode(&mut decoder, 0).expect("within the budget");
    assert_eq!(request.topics.map(|topics| topics.len()), Some(200_000));
}

#[test]
fn replaced_text_is_charged_too() {
    // One name of 30,000 bytes that are not UTF-8: 90,000 bytes once replaced.
    let mut bytes = hex::bytes("00000001 7530").to_vec();
    bytes.resize(6 + 30_000, 0xff);
    let error = refusal::<MetadataRequest>(0, 80_000, bytes.clone().into());
    assert!(
        matches!(error, DecodeError::Budget { count: 90_000, .. }),
        "{error}"
    );
    let mut decoder = Decoder::with_budget(bytes.into(), 91_000);
    assert!(MetadataRequest::decode(&mut decoder, 0).is_ok());
}

#[test]
fn the_budget_is_for_all_collections_of_a_message_together() {
    // Fetch v4: 100 topics, each of 1,000 partitions; each list alone is small.
    let mut bytes = hex::bytes("ffffffff 00000000 00000000 00000000 00 00000064").to_vec();
    for _ in 0..100 {
        bytes.extend_from_slice(&hex::bytes("0000 000003e8"));
        bytes.resize(bytes.len() + 1000 * 16, 0);
    }
    let error = refusal::<FetchRequest>(4, 1 << 20, bytes.into());
    assert!(matches!(error, DecodeError::Budget { .. }), "{error}");
}

#[test]
fn a_tag_cannot_read_beyond_its_bytes() {
    // Fetch v15 ends with a tag section; tag 1 (ReplicaState) of one byte, though the struct needs 12 and more.
    let body = "00000000 00000000 00000000 00 00000000 ffffffff 01 01 01";
    let lying = format!("{body} 01 01 01 00 00000000 00000000 00000000");
    let error = refusal::<FetchRequest>(15, 1 << 20, hex::bytes(&lying));
    assert!(matches!(error, DecodeError::Truncated { .. }), "{error}");
    // A tag that announces more than there is.
    let error = refusal::<FetchRequest>(15, 1 << 20, hex::bytes(&format!("{body} 01 63 7f 00")));
    assert!(matches!(error, DecodeError::Truncated { .. }), "{error}");
}

#[test]
fn arrays_and_tag_sections_end_where_apache_ends_them() {
    let array = |count: u32| {
        let mut bytes = count.to_be_bytes().to_vec();
        bytes.resize(4 + 2 * usize::try_from(count).expect("fits"), 0);
        let mut decoder = Decoder::with_budget(bytes.into(), 1 << 30);
        MetadataRequest::decode(&mut decoder, 0).map(drop)
    };
    assert_eq!(array(1_000_000), Ok(()));
    let error = array(1_000_001).expect_err("too many");
    assert!(
        matches!(
            error,
            DecodeError::Count {
                limit: 1_000_000,
                ..
            }
        ),
        "{error}"
    );

    // ApiVersions v3: two names, then unknown tags of two bytes each.
    let tags = |count: u32| {
        let mut bytes = hex::bytes("02 6b 02 31").to_vec();
        bytes.extend([
            count.to_le_bytes()[0] & 0x7f | 0x80,
            u8::try_from(count >> 7).expect("14 bits"),
        ]);
        bytes.resize(6 + 2 * usize::try_from(count).expect("fits"), 0);
        (row("ApiVersionsRequest").decode)(&mut Decoder::new(bytes.into()), 3)
    };
    assert_eq!(tags(10_000), Ok(()));
    let error = tags(10_001).expect_err("too many");
    assert!(
        matches!(error, DecodeError::Count { limit: 10_000, .. }),
        "{error}"
    );
}
