//! A connection that is made again when it is lost, and what must be there before anything is asked.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use mainstem_protocol::batch::{BatchBuilder, BatchOptions};
use mainstem_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use mainstem_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use mainstem_protocol::messages::{
    CreateTopicsRequest, MetadataRequest, OffsetCommitRequest, ProduceRequest, metadata_request,
    offset_commit_request,
};
use mainstem_protocol::{ApiKey, Decoder, Encoder, Message, RecordBatches, Request, Str, Uuid};

/// Longer than any answer takes that is not waited for.
const PATIENCE: Duration = Duration::from_secs(1);
const TOPICS: &[(&str, i32, &str)] = &[
    ("orders", 3, "delete"),
    ("payments", 1, "delete"),
    ("compacted", 1, "compact"),
];

pub(crate) struct Wire {
    address: String,
    stream: TcpStream,
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

impl Wire {
    pub(crate) fn to(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            stream: connect(address),
        }
    }

    /// The answer as text, or that there is none.
    pub(crate) fn ask(
        &mut self,
        api: ApiKey,
        version: i16,
        body: &Bytes,
        read: fn(&mut Decoder, i16) -> String,
    ) -> String {
        match self.exchange(api, version, body) {
            Some(answer) => {
                let mut decoder = Decoder::new(answer);
                decoder.i32().unwrap();
                if api.response_header_version(version) == 1 {
                    decoder.i8().unwrap();
                }
                let text = read(&mut decoder, version);
                match decoder.remaining() {
                    0 => text,
                    left => format!("{text} and {left} bytes"),
                }
            }
            None => {
                self.stream = connect(&self.address);
                "no answer".to_owned()
            }
        }
    }

    fn exchange(&mut self, api: ApiKey, version: i16, body: &Bytes) -> Option<Bytes> {
        let mut frame = Vec::new();
        frame.extend_from_slice(&api.code().to_be_bytes());
        frame.extend_from_slice(&version.to_be_bytes());
        frame.extend_from_slice(&7i32.to_be_bytes());
        frame.extend_from_slice(&4i16.to_be_bytes());
        frame.extend_from_slice(b"test");
        if api.request_header_version(version) == 2 {
            frame.push(0);
        }
        frame.extend_from_slice(body);
        self.stream
            .write_all(&u32::try_from(frame.len()).unwrap().to_be_bytes())
            .ok()?;
        self.stream.write_all(&frame).ok()?;
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).ok()?;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut answer).ok()?;
        Some(Bytes::from(answer))
    }

    fn typed<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        let mut encoder = Encoder::new();
        request.encode(&mut encoder, version).unwrap();
        let body = encoder.finish().to_bytes();
        let answer = self.exchange(R::KEY, version, &body).unwrap();
        let mut decoder = Decoder::new(answer);
        decoder.i32().unwrap();
        if R::KEY.response_header_version(version) == 1 {
            decoder.i8().unwrap();
        }
        R::Response::decode(&mut decoder, version).unwrap()
    }

    /// Makes topics with ten records each and a group that has committed, where they are not there; returns the topics' ids.
    pub(crate) fn set_up(&mut self) -> Vec<(Uuid, &'static str)> {
        self.stream = connect(&self.address);
        let topics = TOPICS
            .iter()
            .map(|(name, partitions, policy)| CreatableTopic {
                name: Str::from_static(name),
                num_partitions: *partitions,
                replication_factor: 1,
                configs: vec![CreatableTopicConfig {
                    name: Str::from_static("cleanup.policy"),
                    value: Some(Str::from_static(policy)),
                }],
                ..CreatableTopic::default()
            });
        let made = self.typed(
            7,
            &CreateTopicsRequest {
                topics: topics.collect(),
                timeout_ms: 5_000,
                ..CreateTopicsRequest::default()
            },
        );
        std::thread::sleep(Duration::from_millis(200));
        for topic in made.topics.iter().filter(|topic| topic.error_code == 0) {
            self.fill(&topic.name);
        }
        self.commit();
        let names = TOPICS
            .iter()
            .map(|(name, ..)| metadata_request::MetadataRequestTopic {
                name: Some(Str::from_static(name)),
                ..Default::default()
            });
        let answer = self.typed(
            12,
            &MetadataRequest {
                topics: Some(names.collect()),
                ..MetadataRequest::default()
            },
        );
        answer
            .topics
            .iter()
            .filter_map(|topic| {
                let (name, ..) = TOPICS
                    .iter()
                    .find(|(name, ..)| topic.name.as_deref() == Some(*name))?;
                Some((topic.topic_id, *name))
            })
            .collect()
    }

    fn fill(&mut self, topic: &Str) {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        for at in 0..10 {
            builder.append(1_700_000_000_000 + at, Some(b"key"), Some(b"value"), &[]);
        }
        let records = RecordBatches::Memory(builder.build().unwrap());
        let data = PartitionProduceData {
            index: 0,
            records: Some(records),
        };
        let request = ProduceRequest {
            acks: -1,
            timeout_ms: 5_000,
            topic_data: vec![TopicProduceData {
                name: topic.clone(),
                partition_data: vec![data],
                ..TopicProduceData::default()
            }],
            ..ProduceRequest::default()
        };
        let answer = self.typed(9, &request);
        assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
    }

    fn commit(&mut self) {
        for group in ["live", "idle"] {
            let partition = offset_commit_request::OffsetCommitRequestPartition {
                partition_index: 0,
                committed_offset: 3,
                ..Default::default()
            };
            let request = OffsetCommitRequest {
                group_id: Str::from_static(group),
                generation_id_or_member_epoch: -1,
                topics: vec![offset_commit_request::OffsetCommitRequestTopic {
                    name: Str::from_static("orders"),
                    partitions: vec![partition],
                    ..Default::default()
                }],
                ..OffsetCommitRequest::default()
            };
            for _ in 0..50 {
                let answer = self.typed(8, &request);
                if answer.topics[0].partitions[0].error_code == 0 {
                    break;
                }
                // The topic of offsets is made when somebody looks for the coordinator.
                let find = mainstem_protocol::messages::FindCoordinatorRequest {
                    coordinator_keys: vec![Str::from_static(group)],
                    ..Default::default()
                };
                self.typed(4, &find);
                std::thread::sleep(Duration::from_millis(200));
            }
        }
    }
}
