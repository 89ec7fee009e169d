//! A broker of a few lines: one node, one topic, and answers that a test may replace.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use mainstem_client::{Cluster, ClusterOptions};
use mainstem_protocol::frame::{RequestHeader, encode_response};
use mainstem_protocol::messages::api_versions_response::ApiVersion;
use mainstem_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use mainstem_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, InitProducerIdRequest, InitProducerIdResponse,
    MetadataRequest, MetadataResponse,
};
use mainstem_protocol::{ApiKey, Decoder, Request, Str};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Partitions of topic `t`.
pub(crate) const PARTITIONS: i32 = 2;

/// A request that came.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) header: RequestHeader,
    body: Decoder,
}

impl Asked {
    pub(crate) fn is(&self, api: ApiKey) -> bool {
        self.header.api_key == api.code()
    }

    /// The request, which must be of this kind.
    pub(crate) fn request<R: Request>(&self) -> R {
        R::decode(&mut self.body.clone(), self.header.api_version).unwrap()
    }

    /// An answer in the version that was asked.
    pub(crate) fn answer<R: Request>(&self, response: &R::Response) -> Reply {
        let (version, id) = (self.header.api_version, self.header.correlation_id);
        let frame = encode_response(R::KEY, version, id, response).unwrap();
        Reply::Bytes(frame.to_bytes())
    }
}

/// What the broker does about a request.
pub(crate) enum Reply {
    /// What a broker would do.
    AsUsual,
    /// These bytes.
    Bytes(Bytes),
    /// Nothing.
    Silence,
    /// The connection is closed.
    Close,
}

type Script = Arc<Mutex<dyn FnMut(&Asked) -> Reply + Send>>;

/// The broker, as long as its runtime lives.
pub(crate) struct Broker {
    pub(crate) address: String,
    connections: Arc<AtomicUsize>,
}

impl Broker {
    /// Listens; `script` sees each request first.
    pub(crate) async fn start(script: impl FnMut(&Asked) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        let script: Script = Arc::new(Mutex::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, port, script.clone()));
            }
        });
        Self {
            address: format!("127.0.0.1:{port}"),
            connections,
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn options(&self) -> ClusterOptions {
        ClusterOptions {
            bootstrap: self.address.clone(),
            timeout: Duration::from_secs(10),
            ..ClusterOptions::default()
        }
    }

    pub(crate) async fn connect(&self) -> Cluster {
        Cluster::connect(self.options()).await.unwrap()
    }
}

async fn serve(mut stream: TcpStream, port: u16, script: Script) {
    while let Ok(length) = stream.read_i32().await {
        let mut frame = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut frame).await.unwrap();
        let mut body = Decoder::new(Bytes::from(frame));
        let header = RequestHeader::decode(&mut body).unwrap();
        let asked = Asked { header, body };
        let reply = (script.lock().unwrap())(&asked);
        let bytes = match reply {
            Reply::Silence => continue,
            Reply::Close => return,
            Reply::Bytes(bytes) => bytes,
            Reply::AsUsual => match usual(&asked, port) {
                Reply::Bytes(bytes) => bytes,
                _ => return,
            },
        };
        stream.write_all(&bytes).await.unwrap();
    }
}

/// What the broker speaks.
pub(crate) fn versions() -> Vec<ApiVersion> {
    let served = ApiKey::all().filter(|api| api.max_version() >= 0);
    served
        .map(|api| ApiVersion {
            api_key: api.code(),
            min_version: api.min_version(),
            max_version: api.max_version(),
        })
        .collect()
}

fn usual(asked: &Asked, port: u16) -> Reply {
    if asked.is(ApiKey::ApiVersions) {
        return asked.answer::<ApiVersionsRequest>(&ApiVersionsResponse {
            api_keys: versions(),
            ..Default::default()
        });
    }
    if asked.is(ApiKey::InitProducerId) {
        return asked.answer::<InitProducerIdRequest>(&InitProducerIdResponse {
            producer_id: 7,
            ..Default::default()
        });
    }
    if asked.is(ApiKey::Metadata) {
        // Brokers list partitions in no order in particular.
        let partitions = (0..PARTITIONS)
            .rev()
            .map(|partition_index| MetadataResponsePartition {
                partition_index,
                leader_id: 1,
                replica_nodes: vec![1],
                isr_nodes: vec![1],
                ..Default::default()
            });
        return asked.answer::<MetadataRequest>(&MetadataResponse {
            brokers: vec![MetadataResponseBroker {
                node_id: 1,
                host: Str::from_static("127.0.0.1"),
                port: i32::from(port),
                ..Default::default()
            }],
            controller_id: 1,
            topics: vec![MetadataResponseTopic {
                name: Some(Str::from_static("t")),
                partitions: partitions.collect(),
                ..Default::default()
            }],
            ..Default::default()
        });
    }
    Reply::Close
}
