//! Batches there and back, damaged, and rewritten.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::ErrorCode;
use crate::compress::Codec;

type Row = (
    i64,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Vec<(Vec<u8>, Option<Vec<u8>>)>,
);

fn build(options: BatchOptions, rows: &[Row]) -> Bytes {
    let mut builder = BatchBuilder::new(options);
    for (timestamp, key, value, headers) in rows {
        let headers: Vec<_> = headers
            .iter()
            .map(|(key, value)| (key.as_slice(), value.as_deref()))
            .collect();
        builder.append(*timestamp, key.as_deref(), value.as_deref(), &headers);
    }
    builder.build().unwrap()
}

fn read(batch: &Bytes) -> Vec<Row> {
    let header = BatchHeader::parse(batch).unwrap();
    header.check_crc(batch).unwrap();
    let unpacked = records(&header, batch, 1 << 20).unwrap();
    let owned = |slice: Option<&[u8]>| slice.map(<[u8]>::to_vec);
    unpacked
        .iter()
        .map(|record| {
            let record = record.unwrap();
            let headers = record
                .headers
                .iter()
                .map(|h| (h.key.to_vec(), owned(h.value)))
                .collect();
            (
                record.timestamp,
                owned(record.key),
                owned(record.value),
                headers,
            )
        })
        .collect()
}

fn three() -> Vec<Row> {
    vec![
        (1_000, Some(b"k1".to_vec()), Some(b"v1".to_vec()), vec![]),
        (
            900,
            None,
            Some(vec![7; 300]),
            vec![(b"h".to_vec(), None), (b"".to_vec(), Some(b"x".to_vec()))],
        ),
        (1_200, Some(b"k3".to_vec()), None, vec![]),
    ]
}

proptest! {
    #[test]
    fn what_was_built_reads_back(
        rows in prop::collection::vec(
            (0..i64::from(u32::MAX), any::<Option<Vec<u8>>>(), any::<Option<Vec<u8>>>(),
             prop::collection::vec((any::<Vec<u8>>(), any::<Option<Vec<u8>>>()), 0..3)),
            1..20),
        codec in prop::sample::select(Codec::ALL.to_vec()),
    ) {
        let batch = build(BatchOptions { codec, base_offset: 17, ..BatchOptions::default() }, &rows);
        prop_assert_eq!(read(&batch), rows);
    }

    #[test]
    fn hostile_payloads_never_panic(payload in prop::collection::vec(any::<u8>(), 0..200), count in any::<i32>()) {
        let mut bytes = build(BatchOptions::default(), &three()).to_vec();
        bytes.truncate(HEADER_BYTES);
        bytes.extend_from_slice(&payload);
        let length = i32::try_from(bytes.len() - LOG_OVERHEAD_BYTES).unwrap();
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        bytes[57..61].copy_from_slice(&count.to_be_bytes());
        let bytes = Bytes::from(bytes);
        let header = BatchHeader::parse(&bytes).unwrap();
        for record in records(&header, &bytes, 1 << 20).unwrap().iter() {
            if record.is_err() { break; }
        }
    }
}

#[test]
fn every_flipped_byte_behind_the_crc_is_noticed() {
    let batch = build(BatchOptions::default(), &three());
    for at in 16..batch.len() {
        let mut changed = batch.to_vec();
        changed[at] ^= 1;
        assert!(check_produced(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn cutting_anywhere_is_noticed() {
    let batch = build(BatchOptions::default(), &three());
    for end in 0..batch.len() {
        assert!(check_produced(&batch[..end]).is_err(), "cut at {end}");
    }
    assert!(check_produced(&batch).is_ok());
}

#[test]
fn offset_and_epoch_are_patched_outside_the_crc() {
    let mut batch = build(BatchOptions::default(), &three()).to_vec();
    patch_base_offset(&mut batch, 4_711);
    patch_leader_epoch(&mut batch, 3);
    let header = BatchHeader::parse(&batch).unwrap();
    header.check_crc(&batch).unwrap();
    assert_eq!(
        (
            header.base_offset,
            header.last_offset(),
            header.next_offset()
        ),
        (4_711, 4_713, 4_714)
    );
    assert_eq!(header.leader_epoch, 3);
    assert_eq!(header.max_timestamp, 1_200);
}

#[test]
fn append_time_is_the_time_of_every_record() {
    let mut batch = build(BatchOptions::default(), &three()).to_vec();
    let header = BatchHeader::parse(&batch).unwrap();
    patch_append_time(&mut batch, &header, 5_000);
    let rows = read(&Bytes::from(batch));
    assert!(rows.iter().all(|row| row.0 == 5_000));
}

#[test]
fn another_codec_keeps_what_the_producer_said() {
    let options = BatchOptions {
        producer_id: 9,
        producer_epoch: 1,
        base_sequence: 40,
        ..BatchOptions::default()
    };
    let batch = build(options, &three());
    let header = BatchHeader::parse(&batch).unwrap();
    for codec in Codec::ALL {
        let other = recompress(&header, &batch, codec, None, 1 << 20).unwrap();
        let changed = check_produced(&other).unwrap();
        assert_eq!(changed.attributes.codec().unwrap(), codec);
        assert_eq!(
            (
                changed.producer_id,
                changed.producer_epoch,
                changed.base_sequence
            ),
            (9, 1, 40)
        );
        assert_eq!(read(&other), three());
    }
}

/// Changes a header field and mends the CRC, as a hostile client would.
fn forged(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut batch = build(BatchOptions::default(), &three()).to_vec();
    batch[at..at + bytes.len()].copy_from_slice(bytes);
    mend(&mut batch);
    batch
}

fn mend(batch: &mut [u8]) {
    let crc = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
}

#[test]
fn what_a_client_may_not_send_has_kafkas_code() {
    let check = |at: usize, bytes: &[u8], code: ErrorCode| {
        assert_eq!(
            check_produced(&forged(at, bytes)).unwrap_err().code(),
            code,
            "byte {at}"
        );
    };
    check(16, &[0], ErrorCode::InvalidRecord); // old formats
    check(16, &[1], ErrorCode::InvalidRecord);
    check(16, &[3], ErrorCode::CorruptMessage); // formats that do not exist
    check(16, &[0xff], ErrorCode::CorruptMessage);
    check(0, &5i64.to_be_bytes(), ErrorCode::InvalidRecord); // base offset
    check(0, &(-5i64).to_be_bytes(), ErrorCode::InvalidRecord);
    check(21, &[0, 1 << 5], ErrorCode::InvalidRecord); // control
    check(21, &[0, 5], ErrorCode::UnsupportedCompressionType);
    check(21, &[0, 1 << 4], ErrorCode::InvalidRecord); // transactional without a producer
    check(23, &5i32.to_be_bytes(), ErrorCode::InvalidRecord); // last offset delta
    check(57, &0i32.to_be_bytes(), ErrorCode::InvalidRecord); // count
    check(57, &i32::MIN.to_be_bytes(), ErrorCode::InvalidRecord);
    check(43, &7i64.to_be_bytes(), ErrorCode::InvalidRecord); // producer id without epoch and sequence
    for length in [0, -1, 13, 48, i32::MIN] {
        check(8, &length.to_be_bytes(), ErrorCode::CorruptMessage); // no batch is as short
    }
    check(8, &i32::MAX.to_be_bytes(), ErrorCode::InvalidRecord); // not all of it is there
}

#[test]
fn what_says_nothing_is_not_looked_at() {
    // Without a producer id, kafkajs sends epoch 0 and sequence 0, sarama epoch -1 and sequence 0.
    for (epoch, sequence) in [(0i16, 0i32), (-1, 0), (4, -1), (-1, -5)] {
        let mut batch = forged(51, &epoch.to_be_bytes());
        batch[53..57].copy_from_slice(&sequence.to_be_bytes());
        mend(&mut batch);
        assert!(check_produced(&batch).is_ok(), "{epoch} {sequence}");
    }
    // Bits that this version does not know, and a leader epoch that the leader overwrites anyway.
    assert!(check_produced(&forged(21, &[0, 0x80])).is_ok());
    assert!(check_produced(&forged(12, &7i32.to_be_bytes())).is_ok());
}

#[test]
fn a_compacted_topic_needs_keys() {
    let batch = build(BatchOptions::default(), &three());
    let header = BatchHeader::parse(&batch).unwrap();
    assert_eq!(
        check_keys(&header, &batch, 1 << 20),
        Err(BatchRejection::NoKey { index: 1 })
    );
}

#[test]
fn control_records_name_their_kind() {
    let batch = control_batch(
        BatchOptions::default(),
        ControlKind::Commit,
        1,
        &[0, 0, 0, 0, 0, 9],
    )
    .unwrap();
    let header = BatchHeader::parse(&batch).unwrap();
    assert!(header.attributes.is_control());
    let unpacked = records(&header, &batch, 100).unwrap();
    assert_eq!(
        control_kind(&unpacked.iter().next().unwrap().unwrap()),
        Some(ControlKind::Commit)
    );
}

#[test]
fn sequences_wrap() {
    let mut header = BatchHeader::parse(&build(BatchOptions::default(), &three())).unwrap();
    assert_eq!(header.last_sequence(), NO_SEQUENCE);
    header.base_sequence = i32::MAX - 1;
    assert_eq!(header.last_sequence(), 0);
}

#[test]
fn a_run_is_cut_into_batches_and_a_torn_end_is_reported() {
    let one = build(BatchOptions::default(), &three());
    let mut run = one.to_vec();
    run.extend_from_slice(&one);
    run.extend_from_slice(&one[..70]);
    let found: Vec<_> = batches(&Bytes::from(run)).collect();
    assert_eq!(found.len(), 3);
    assert!(found[0].is_ok() && found[1].is_ok());
    assert_eq!(
        found[2],
        Err(BatchError::Truncated {
            needed: one.len(),
            found: 70
        })
    );
}

#[test]
fn a_tail_that_is_no_whole_batch_is_left_out() {
    let one = build(BatchOptions::default(), &three());
    let with = |tail: &[u8]| without_tail(Bytes::from([&one[..], tail].concat()));
    for cut in 0..one.len() {
        assert_eq!(with(&one[..cut]), Ok(one.clone()), "{cut} bytes");
    }
    assert_eq!(with(&one).unwrap().len(), 2 * one.len());
    // The first is looked at by others, whatever is wrong with it.
    for cut in 0..one.len() {
        let cut = one.slice(..cut);
        assert_eq!(without_tail(cut.clone()), Ok(cut));
    }
    let mut tail = one[..20].to_vec();
    tail[16] = 3;
    assert_eq!(with(&tail), Err(BatchError::Magic { magic: 3 }));
    tail[8..12].copy_from_slice(&13_i32.to_be_bytes());
    assert_eq!(with(&tail), Err(BatchError::Length { length: 13 }));
    tail[8..12].copy_from_slice(&i32::MAX.to_be_bytes());
    tail[16] = 2;
    assert_eq!(with(&tail), Ok(one.clone()));
}
