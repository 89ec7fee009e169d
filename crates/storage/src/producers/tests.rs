//! Which batch may follow which.

use mainstem_protocol::batch::{BatchBuilder, BatchHeader, BatchOptions};

use super::*;

fn batch(epoch: i16, sequence: i32, count: i32, base_offset: i64) -> BatchHeader {
    let mut builder = BatchBuilder::new(BatchOptions {
        producer_id: 7,
        producer_epoch: epoch,
        base_sequence: sequence,
        base_offset,
        ..BatchOptions::default()
    });
    for _ in 0..count {
        builder.append(1_000, None, Some(b"v"), &[]);
    }
    BatchHeader::parse(&builder.build().unwrap()).unwrap()
}

fn after(batches: &[BatchHeader]) -> Producers {
    let mut producers = Producers::default();
    for header in batches {
        producers.note(header);
    }
    producers
}

#[test]
fn sequences_follow_each_other() {
    let producers = after(&[batch(0, 0, 3, 0), batch(0, 3, 2, 3)]);
    assert_eq!(producers.check(&batch(0, 5, 1, 0)), Ok(Standing::New));
    assert_eq!(
        producers.check(&batch(0, 6, 1, 0)),
        Err(ProducerError::Sequence {
            producer_id: 7,
            expected: 5,
            found: 6
        })
    );
    assert_eq!(producers.check(&batch(1, 0, 1, 0)), Ok(Standing::New));
    assert_eq!(
        producers.check(&batch(1, 4, 1, 0)).unwrap_err().code(),
        ErrorCode::OutOfOrderSequenceNumber
    );
}

#[test]
fn the_last_five_batches_are_known_again() {
    let sent: Vec<_> = (0..6)
        .map(|at| batch(0, at * 2, 2, i64::from(at) * 2))
        .collect();
    let producers = after(&sent);
    for (at, header) in sent.iter().enumerate().skip(1) {
        let Ok(Standing::Duplicate(known)) = producers.check(header) else {
            panic!("batch {at} is new")
        };
        assert_eq!(
            (known.first_offset(), known.last_offset),
            (header.base_offset, header.last_offset())
        );
    }
    assert!(
        producers.check(&sent[0]).is_err(),
        "the sixth last is forgotten"
    );
}

#[test]
fn an_older_epoch_is_fenced() {
    let producers = after(&[batch(3, 0, 1, 0)]);
    assert_eq!(
        producers.check(&batch(2, 1, 1, 0)).unwrap_err().code(),
        ErrorCode::InvalidProducerEpoch
    );
}

#[test]
fn an_unknown_producer_may_begin_anywhere() {
    assert_eq!(
        Producers::default().check(&batch(0, 99, 1, 0)),
        Ok(Standing::New)
    );
}

#[test]
fn sequences_wrap_to_zero() {
    let producers = after(&[batch(0, i32::MAX - 1, 2, 0)]);
    assert_eq!(producers.check(&batch(0, 0, 1, 2)), Ok(Standing::New));
}

#[test]
fn a_snapshot_keeps_the_last_batch_and_knows_damage() {
    let producers = after(&[batch(0, 0, 3, 0), batch(0, 3, 2, 3)]);
    let bytes = producers.snapshot();
    let read = Producers::from_snapshot(&bytes).unwrap();
    assert!(matches!(
        read.check(&batch(0, 3, 2, 0)),
        Ok(Standing::Duplicate(_))
    ));
    assert_eq!(read.check(&batch(0, 5, 1, 0)), Ok(Standing::New));
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert_eq!(Producers::from_snapshot(&damaged), None, "byte {at}");
        assert_eq!(Producers::from_snapshot(&bytes[..at]), None, "cut at {at}");
    }
}
