//! No record is passed over, whatever an answer says of other partitions.

use bytes::Bytes;
use mainstem_client::{Consumer, ConsumerOptions, Start};
use mainstem_protocol::batch::{BatchBuilder, BatchOptions};
use mainstem_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use mainstem_protocol::messages::{FetchRequest, FetchResponse};
use mainstem_protocol::{ApiKey, ErrorCode, Str};

use crate::broker::{Asked, Broker, Reply};

/// A batch of records with these values, at this offset.
fn batch(base_offset: i64, values: &[&str]) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions {
        base_offset,
        ..BatchOptions::default()
    });
    for value in values {
        builder.append(1_000, None, Some(value.as_bytes()), &[]);
    }
    builder.build().unwrap().to_vec()
}

/// Answers a fetch with bytes and a code for each partition.
fn answer(asked: &Asked, partitions: &[(Vec<u8>, ErrorCode)]) -> Reply {
    let partitions = (0..)
        .zip(partitions)
        .map(|(index, (bytes, code))| PartitionData {
            partition_index: index,
            error_code: code.code(),
            records: Some(Bytes::from(bytes.clone()).into()),
            ..Default::default()
        });
    asked.answer::<FetchRequest>(&FetchResponse {
        responses: vec![FetchableTopicResponse {
            topic: Str::from_static("t"),
            partitions: partitions.collect(),
            ..Default::default()
        }],
        ..Default::default()
    })
}

/// The offsets that a fetch asks for, of partitions 0 and 1.
fn offsets(asked: &Asked) -> Vec<i64> {
    let request: FetchRequest = asked.request();
    let partitions = &request.topics[0].partitions;
    partitions.iter().map(|one| one.fetch_offset).collect()
}

async fn consumer(mut script: impl FnMut(&Asked) -> Reply + Send + 'static) -> Consumer {
    let broker = Broker::start(move |asked| {
        if asked.is(ApiKey::Fetch) {
            script(asked)
        } else {
            Reply::AsUsual
        }
    })
    .await;
    let mut consumer = Consumer::new(broker.connect().await, ConsumerOptions::default());
    let topic = Str::from_static("t");
    for partition in [0, 1] {
        consumer
            .assign(&topic, partition, Start::Offset(5))
            .await
            .unwrap();
    }
    consumer
}

async fn values(consumer: &mut Consumer) -> Vec<(i64, String)> {
    let records = consumer.poll().await.unwrap();
    let value = |value: Option<Bytes>| String::from_utf8(value.unwrap().to_vec()).unwrap();
    records
        .into_iter()
        .map(|record| (record.offset, value(record.value)))
        .collect()
}

#[tokio::test]
async fn what_is_good_is_handed_out_before_what_is_bad() {
    let mut round = 0;
    let mut consumer = consumer(move |asked| {
        round += 1;
        if round == 1 {
            let good = (batch(5, &["a", "b"]), ErrorCode::None);
            return answer(asked, &[good, (Vec::new(), ErrorCode::NotLeaderOrFollower)]);
        }
        assert_eq!(offsets(asked), [7, 5]);
        let both = [
            (Vec::new(), ErrorCode::None),
            (batch(5, &["c"]), ErrorCode::None),
        ];
        answer(asked, &both)
    })
    .await;
    assert_eq!(
        values(&mut consumer).await,
        [(5, "a".to_owned()), (6, "b".to_owned())]
    );
    let error = consumer.poll().await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::NotLeaderOrFollower));
    assert_eq!(values(&mut consumer).await, [(5, "c".to_owned())]);
}

#[tokio::test]
async fn records_before_the_position_and_a_cut_batch_are_left() {
    let mut consumer = consumer(|asked| {
        // The batch begins below what is asked; behind it stands the beginning of another.
        let mut bytes = batch(3, &["x", "y", "a"]);
        bytes.extend(&batch(6, &["b"])[..30]);
        answer(
            asked,
            &[(bytes, ErrorCode::None), (Vec::new(), ErrorCode::None)],
        )
    })
    .await;
    assert_eq!(values(&mut consumer).await, [(5, "a".to_owned())]);
    let position = consumer.positions().get(&(Str::from_static("t"), 0));
    assert_eq!(position, Some(&6));
}

#[tokio::test]
async fn a_damaged_batch_is_named_and_not_passed_over() {
    let mut consumer = consumer(|asked| {
        let mut bytes = batch(5, &["a"]);
        *bytes.last_mut().unwrap() ^= 1;
        answer(
            asked,
            &[(Vec::new(), ErrorCode::None), (bytes, ErrorCode::None)],
        )
    })
    .await;
    let error = consumer.poll().await.unwrap_err();
    assert!(error.to_string().starts_with("t-1: "), "{error}");
    assert!(!error.is_retriable());
    let position = consumer.positions().get(&(Str::from_static("t"), 1));
    assert_eq!(position, Some(&5));
}
