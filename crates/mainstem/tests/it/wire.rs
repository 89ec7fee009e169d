//! A client that sends what it is told, and reads when it is told.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use mainstem_protocol::batch::{BatchBuilder, BatchOptions};
use mainstem_protocol::frame::{decode_response_header, encode_request};
use mainstem_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use mainstem_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use mainstem_protocol::messages::{FetchRequest, ProduceRequest};
use mainstem_protocol::{Decoder, ErrorCode, Message, RecordBatches, Request, Str};

use crate::node::Node;

/// How long the node may take for anything here, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Wire(pub(crate) TcpStream);

impl Wire {
    pub(crate) fn to(node: &Node) -> Self {
        let stream = TcpStream::connect(&node.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    /// Sends bytes; false when the node would not take them.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    /// The next frame; `None` when the node closed the connection.
    pub(crate) fn frame(&mut self) -> Option<Bytes> {
        let mut length = [0; 4];
        match self.0.read_exact(&mut length) {
            Ok(()) => {}
            Err(error) => {
                let silent = matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                );
                assert!(!silent, "the node says nothing and does not close");
                return None;
            }
        }
        let mut frame = vec![0; usize::try_from(i32::from_be_bytes(length)).unwrap()];
        self.0.read_exact(&mut frame).ok()?;
        Some(Bytes::from(frame))
    }

    pub(crate) fn ask<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        assert!(self.send(&request_bytes(version, request)));
        let frame = self.frame().expect("an answer");
        let (_, mut decoder) =
            decode_response_header(R::KEY, version, Decoder::new(frame)).unwrap();
        R::Response::decode(&mut decoder, version).unwrap()
    }

    /// Produces one record with acks = all; its offset.
    pub(crate) fn produce(&mut self, topic: &str, value: &[u8]) -> i64 {
        let response = self.ask(9, &produce_request(topic, batch(value)));
        let answer = &response.responses[0].partition_responses[0];
        assert_eq!(ErrorCode::from_code(answer.error_code), ErrorCode::None);
        answer.base_offset
    }

    /// Fetches from an offset; the bytes of the batches and the high watermark.
    pub(crate) fn fetch(&mut self, topic: &str, offset: i64) -> (Bytes, i64) {
        let response = self.ask(12, &fetch_request(topic, offset, 1 << 20));
        let data = &response.responses[0].partitions[0];
        assert_eq!(ErrorCode::from_code(data.error_code), ErrorCode::None);
        (
            data.records
                .clone()
                .and_then(RecordBatches::into_memory)
                .unwrap_or_default(),
            data.high_watermark,
        )
    }
}

pub(crate) fn request_bytes<R: Request>(version: i16, request: &R) -> Vec<u8> {
    let client = Some(Str::from("test"));
    let chunks = encode_request(version, 7, client, request).unwrap();
    chunks.to_bytes().to_vec()
}

/// A batch of one record.
pub(crate) fn batch(value: &[u8]) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(-1, None, Some(value), &[]);
    builder.build().unwrap()
}

/// A batch of one record that was written so long ago.
pub(crate) fn aged(age_ms: i64, value: &[u8]) -> Bytes {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    let now_ms = i64::try_from(since.as_millis()).unwrap();
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(now_ms - age_ms, None, Some(value), &[]);
    builder.build().unwrap()
}

pub(crate) fn produce_request(topic: &str, records: Bytes) -> ProduceRequest {
    let partition_data = vec![PartitionProduceData {
        index: 0,
        records: Some(records.into()),
    }];
    ProduceRequest {
        acks: -1,
        timeout_ms: 60_000,
        topic_data: vec![TopicProduceData {
            name: Str::from(topic),
            partition_data,
            ..Default::default()
        }],
        ..ProduceRequest::default()
    }
}

pub(crate) fn fetch_request(topic: &str, offset: i64, max_bytes: i32) -> FetchRequest {
    let partition = FetchPartition {
        fetch_offset: offset,
        partition_max_bytes: max_bytes,
        ..FetchPartition::default()
    };
    FetchRequest {
        max_bytes,
        session_epoch: -1,
        topics: vec![FetchTopic {
            topic: Str::from(topic),
            partitions: vec![partition],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    }
}
