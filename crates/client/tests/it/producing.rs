//! Batches arrive in order and once, whatever is answered; what fails for good stays failed.

use std::sync::{Arc, Mutex};

use mainstem_client::{ClientError, Producer, ProducerOptions};
use mainstem_protocol::batch::{BatchHeader, batches};
use mainstem_protocol::messages::produce_response::{
    PartitionProduceResponse, TopicProduceResponse,
};
use mainstem_protocol::messages::{ProduceRequest, ProduceResponse};
use mainstem_protocol::{ApiKey, ErrorCode, RecordBatches, Str};

use crate::broker::{Asked, Broker, PARTITIONS, Reply};

/// The batch of a request for one partition.
fn batch(asked: &Asked) -> BatchHeader {
    let request: ProduceRequest = asked.request();
    let records = request.topic_data[0].partition_data[0].records.clone();
    let records = records.and_then(RecordBatches::into_memory).unwrap();
    let mut found = batches(&records);
    let (header, bytes) = found.next().unwrap().unwrap();
    header.check_crc(&bytes).unwrap();
    header
}

fn answer(asked: &Asked, code: ErrorCode) -> Reply {
    let request: ProduceRequest = asked.request();
    let topic = &request.topic_data[0];
    asked.answer::<ProduceRequest>(&ProduceResponse {
        responses: vec![TopicProduceResponse {
            name: topic.name.clone(),
            partition_responses: vec![PartitionProduceResponse {
                index: topic.partition_data[0].index,
                error_code: code.code(),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    })
}

/// A producer of small batches against a broker that answers each Produce with the next of `codes`, then with none. What it sends to
/// partition 0, as (base sequence, records), is noted.
async fn producer(
    codes: &'static [ErrorCode],
    options: ProducerOptions,
) -> (Producer, Arc<Mutex<Vec<(i32, i32)>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = seen.clone();
    let mut codes = codes.iter();
    let broker = Broker::start(move |asked| {
        if !asked.is(ApiKey::Produce) {
            return Reply::AsUsual;
        }
        let header = batch(asked);
        let mut note = note.lock().unwrap();
        note.push((header.base_sequence, header.last_offset_delta + 1));
        match asked.request::<ProduceRequest>().acks {
            0 => Reply::Silence,
            _ => answer(asked, codes.next().copied().unwrap_or(ErrorCode::None)),
        }
    })
    .await;
    let producer = Producer::new(broker.connect().await, options).await;
    (producer.unwrap(), seen)
}

fn small() -> ProducerOptions {
    ProducerOptions {
        batch_bytes: 200,
        ..ProducerOptions::default()
    }
}

async fn send(producer: &mut Producer, records: usize) -> Result<(), ClientError> {
    let topic = Str::from_static("t");
    for _ in 0..records {
        let record = (None, Some([b'x'; 50].as_slice()));
        producer.send(&topic, Some(0), 1_000, record, &[]).await?;
    }
    producer.flush().await.map(|_| ())
}

#[tokio::test]
async fn a_batch_is_tried_again_as_it_was_before_the_next_goes() {
    let codes = &[
        ErrorCode::NotLeaderOrFollower,
        ErrorCode::NotEnoughReplicas,
        ErrorCode::None,
        ErrorCode::DuplicateSequenceNumber, // stored by an earlier try
    ];
    let (mut producer, seen) = producer(codes, small()).await;
    send(&mut producer, 6).await.unwrap();
    assert_eq!(
        *seen.lock().unwrap(),
        [(0, 2), (0, 2), (0, 2), (2, 2), (4, 2)]
    );
    assert_eq!(producer.produced().records, 6);
}

#[tokio::test]
async fn nothing_is_stored_behind_a_hole() {
    let (mut producer, seen) = producer(&[ErrorCode::MessageTooLarge], small()).await;
    let error = send(&mut producer, 6).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::MessageTooLarge));
    assert_eq!(seen.lock().unwrap().len(), 1);
    let error = send(&mut producer, 1).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::MessageTooLarge));
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_producer_that_failed_sends_nothing_when_it_lingers() {
    let options = ProducerOptions {
        acks: 1,
        idempotent: false, // a broker would store what follows
        linger: std::time::Duration::ZERO,
        ..small()
    };
    let (mut producer, seen) = producer(&[ErrorCode::MessageTooLarge], options).await;
    send(&mut producer, 6).await.unwrap_err();
    let error = producer.linger().unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::MessageTooLarge));
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn many_partitions_with_little_each_are_all_sent_when_the_buffer_is_full() {
    let options = ProducerOptions {
        batch_bytes: 1_000_000,
        buffer_bytes: 1_000,
        ..ProducerOptions::default()
    };
    let (mut producer, seen) = producer(&[], options).await;
    let topic = Str::from_static("t");
    for at in 0..100 {
        let record = (None, Some([b'x'; 50].as_slice()));
        let partition = Some(at % PARTITIONS);
        let sent = producer.send(&topic, partition, 1_000, record, &[]).await;
        sent.unwrap();
    }
    assert_eq!(producer.flush().await.unwrap().records, 100);
    let mut seen = seen.lock().unwrap().clone();
    assert!(seen.len() > 8, "the buffer holds 17 records: {seen:?}");
    // Each partition's batches follow on one another: as many began at a number as ended there.
    seen.sort_unstable();
    let next = |sent: &(i32, i32)| sent.0 + sent.1;
    let mut ends: Vec<i32> = seen.iter().map(next).filter(|end| *end < 50).collect();
    let begins: Vec<i32> = seen
        .iter()
        .map(|sent| sent.0)
        .filter(|at| *at > 0)
        .collect();
    ends.sort_unstable();
    assert_eq!(ends, begins);
}

#[tokio::test]
async fn without_acks_nothing_is_waited_for() {
    let options = ProducerOptions {
        acks: 0,
        idempotent: false,
        ..small()
    };
    let (mut producer, _) = producer(&[], options).await;
    send(&mut producer, 6).await.unwrap();
    assert_eq!(producer.produced().records, 6);
}

#[tokio::test]
async fn a_large_record_has_a_batch_of_its_own() {
    let (mut producer, seen) = producer(&[], small()).await;
    let topic = Str::from_static("t");
    for size in [50, 500, 50] {
        let value = vec![b'x'; size];
        let record = (None, Some(value.as_slice()));
        let sent = producer.send(&topic, Some(0), 1_000, record, &[]).await;
        sent.unwrap();
    }
    producer.flush().await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [(0, 1), (1, 1), (2, 1)]);
}

#[tokio::test]
async fn the_buffer_is_bounded_open_batches_included() {
    let options = ProducerOptions {
        batch_bytes: 1_000_000,
        buffer_bytes: 1_000,
        ..ProducerOptions::default()
    };
    let (mut producer, seen) = producer(&[], options).await;
    send(&mut producer, 100).await.unwrap();
    // 50 bytes and a few of framing each: about 17 records fit into the buffer.
    let seen = seen.lock().unwrap();
    assert!(seen.iter().all(|(_, records)| *records < 25), "{seen:?}");
    assert_eq!(seen.iter().map(|(_, records)| records).sum::<i32>(), 100);
}
