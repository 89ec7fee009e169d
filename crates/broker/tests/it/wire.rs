//! A node on a free port of loopback, and a client that sends what it is told, right or wrong.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use mainstem_broker::{NodeConfig, Properties, RunningNode, start};
use mainstem_protocol::batch::{BatchBuilder, BatchOptions};
use mainstem_protocol::frame::{decode_response_header, encode_request};
use mainstem_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use mainstem_protocol::messages::produce_response::PartitionProduceResponse;
use mainstem_protocol::messages::{
    MetadataRequest, MetadataResponse, ProduceRequest, metadata_request,
};
use mainstem_protocol::{Decoder, ErrorCode, Message, Request, Str};

pub(crate) fn node(dir: &Path) -> RunningNode {
    start(config(dir, &[])).unwrap()
}

/// That of a node with these properties, each `name=value`.
pub(crate) fn config(dir: &Path, options: &[&str]) -> NodeConfig {
    let mut properties = Properties::default();
    for option in options {
        properties.set(option).unwrap();
    }
    NodeConfig {
        properties,
        ..NodeConfig::for_tests(dir.to_owned())
    }
}

pub(crate) struct Wire(TcpStream);

impl Wire {
    pub(crate) fn to(node: &RunningNode) -> Self {
        let stream = TcpStream::connect(node.kafka_address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self(stream)
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        // The node may close before it has read everything.
        let _ = self.0.write_all(bytes);
    }

    /// Says that nothing more will be sent, if that is so.
    pub(crate) fn finish_if(&mut self, finished: bool) {
        if finished {
            let _ = self.0.shutdown(std::net::Shutdown::Write);
        }
    }

    /// The next frame; `None` when the node closed the connection.
    pub(crate) fn frame(&mut self) -> Option<Bytes> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).ok()?;
        let mut frame = vec![0; usize::try_from(i32::from_be_bytes(length)).unwrap()];
        self.0.read_exact(&mut frame).ok()?;
        Some(Bytes::from(frame))
    }

    pub(crate) fn ask<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        self.send(&request_bytes(version, request));
        self.answer(version, request)
    }

    /// The answer to a request that was sent.
    pub(crate) fn answer<R: Request>(&mut self, version: i16, _: &R) -> R::Response {
        let frame = self.frame().expect("an answer");
        let (id, mut decoder) =
            decode_response_header(R::KEY, version, Decoder::new(frame)).unwrap();
        assert_eq!(id, 7);
        let response = R::Response::decode(&mut decoder, version).unwrap();
        assert!(decoder.is_empty(), "the whole answer is read");
        response
    }
}

pub(crate) fn request_bytes<R: Request>(version: i16, request: &R) -> Vec<u8> {
    encode_request(version, 7, Some(Str::from("test")), request)
        .unwrap()
        .to_bytes()
        .to_vec()
}

/// Asks for a topic, which is made if it is not there.
pub(crate) fn topic(wire: &mut Wire, name: &str) -> MetadataResponse {
    let topics = vec![metadata_request::MetadataRequestTopic {
        name: Some(Str::from(name)),
        ..Default::default()
    }];
    wire.ask(
        9,
        &MetadataRequest {
            topics: Some(topics),
            ..MetadataRequest::default()
        },
    )
}

/// A batch of one record.
pub(crate) fn batch(value: &[u8]) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(-1, Some(b"key"), Some(value), &[]);
    builder.build().unwrap()
}

/// A batch of one record of an idempotent producer.
pub(crate) fn sequenced(producer_id: i64, producer_epoch: i16, base_sequence: i32) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions {
        producer_id,
        producer_epoch,
        base_sequence,
        ..BatchOptions::default()
    });
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    let now_ms = i64::try_from(since.as_millis()).unwrap();
    builder.append(now_ms, Some(b"key"), Some(b"value"), &[]);
    builder.build().unwrap()
}

pub(crate) fn produce_request(topic: &str, records: Bytes) -> ProduceRequest {
    let partition_data = vec![PartitionProduceData {
        index: 0,
        records: Some(records.into()),
    }];
    ProduceRequest {
        acks: -1,
        timeout_ms: 10_000,
        topic_data: vec![TopicProduceData {
            name: Str::from(topic),
            partition_data,
            ..Default::default()
        }],
        ..ProduceRequest::default()
    }
}

pub(crate) fn produce(wire: &mut Wire, topic: &str, records: Bytes) -> PartitionProduceResponse {
    let response = wire.ask(9, &produce_request(topic, records));
    response.responses[0].partition_responses[0].clone()
}

pub(crate) fn code(response: &PartitionProduceResponse) -> ErrorCode {
    ErrorCode::from_code(response.error_code)
}
