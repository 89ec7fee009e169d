//! One connection to a broker: requests are pipelined, answers come in their order.
//!
//! Must not know what is asked. Invariants: the place in the queue of those who wait and the place on the wire are taken together, and
//! each answer must carry the number of the first in the queue; once anything is in doubt (a request half written, an answer that is
//! late or of another number) the connection is lost for all who wait, and the next request opens a new one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use mainstem_protocol::frame::{decode_response_header, encode_request};
use mainstem_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use mainstem_protocol::{ApiKey, Chunk, Decoder, ErrorCode, Message, Request, Str};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Semaphore, oneshot};

use crate::ClientError;
use crate::limits::{READ_STEP_BYTES, REQUESTS_IN_FLIGHT, RESPONSE_BYTES_MAX};
use crate::versions::common;

/// Those who wait for answers, each with the number of its request; `None` once the connection is lost.
type Waiting = Arc<Mutex<Option<VecDeque<(i32, oneshot::Sender<Bytes>)>>>>;

/// Loses the connection unless it is told that all went well: also when whoever asked stops asking half-way.
struct InDoubt<'a>(Option<&'a Waiting>);

impl InDoubt<'_> {
    fn settled(mut self) {
        self.0 = None;
    }
}

impl Drop for InDoubt<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = self.0 {
            end(waiting);
        }
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) address: String,
    client_id: Str,
    timeout: Duration,
    writer: tokio::sync::Mutex<OwnedWriteHalf>,
    waiting: Waiting,
    in_flight: Semaphore,
    next_id: AtomicI32,
    versions: BTreeMap<i16, (i16, i16)>,
    reader: tokio::task::JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Connection {
    /// Connects and learns what the broker speaks.
    pub(crate) async fn open(
        address: &str,
        client_id: &Str,
        timeout: Duration,
    ) -> Result<Self, ClientError> {
        let failed = |cause: String| ClientError::Connect {
            address: address.to_owned(),
            cause,
        };
        let connecting = tokio::time::timeout(timeout, TcpStream::connect(address)).await;
        let stream = connecting
            .map_err(|_| failed("no answer in time".to_owned()))?
            .map_err(|error| failed(plain(&error)))?;
        let _ = stream.set_nodelay(true);
        let (reader, writer) = stream.into_split();
        let waiting: Waiting = Arc::new(Mutex::new(Some(VecDeque::new())));
        let mut connection = Self {
            address: address.to_owned(),
            client_id: client_id.clone(),
            timeout,
            writer: tokio::sync::Mutex::new(writer),
            waiting: waiting.clone(),
            in_flight: Semaphore::new(REQUESTS_IN_FLIGHT),
            next_id: AtomicI32::new(0),
            versions: BTreeMap::new(),
            reader: tokio::spawn(read(reader, waiting)),
        };
        connection.versions = connection.learn_versions().await?;
        Ok(connection)
    }

    /// Asks with the newest version we know; a broker that does not know it answers in version 0 with what it speaks (KIP-511).
    async fn learn_versions(&self) -> Result<BTreeMap<i16, (i16, i16)>, ClientError> {
        let api = ApiKey::ApiVersions;
        let request = ApiVersionsRequest {
            client_software_name: Str::from_static("mainstem"),
            client_software_version: Str::from_static(env!("CARGO_PKG_VERSION")),
            ..ApiVersionsRequest::default()
        };
        let mut version = crate::versions::highest(api);
        loop {
            let frame = self
                .exchange(api, (version, self.timeout), &request)
                .await?;
            let decode =
                |version: i16| -> Result<ApiVersionsResponse, mainstem_protocol::DecodeError> {
                    let (_, mut decoder) =
                        decode_response_header(api, version, Decoder::new(frame.clone()))?;
                    ApiVersionsResponse::decode(&mut decoder, version)
                };
            let response = match decode(version) {
                Ok(response) if response.error_code == 0 => response,
                _ => decode(0).map_err(|cause| ClientError::Decode { api, cause })?,
            };
            let keys = response
                .api_keys
                .iter()
                .map(|key| (key.api_key, (key.min_version, key.max_version)));
            let versions: BTreeMap<i16, (i16, i16)> = keys.collect();
            if response.error_code == 0 {
                return Ok(versions);
            }
            let code = ErrorCode::from_code(response.error_code);
            let offered = versions.get(&api.code()).map(|(_, max)| *max);
            match offered {
                Some(max) if code == ErrorCode::UnsupportedVersion && max < version => {
                    version = max;
                }
                _ => return Err(ClientError::refused(self.address.clone(), code, None)),
            }
        }
    }

    /// The version that is spoken for an API.
    pub(crate) fn version(&self, api: ApiKey) -> Result<i16, ClientError> {
        let unsupported = || ClientError::Unsupported {
            address: self.address.clone(),
            api,
        };
        let (min, max) = self
            .versions
            .get(&api.code())
            .copied()
            .ok_or_else(unsupported)?;
        common(api, min, max).ok_or_else(unsupported)
    }

    /// True when nothing can be asked any more.
    pub(crate) fn is_lost(&self) -> bool {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none()
    }

    /// Asks and waits for the answer. `fill` gets the version, since some fields exist only in some.
    pub(crate) async fn ask<R: Request>(
        &self,
        fill: impl FnOnce(i16) -> R,
    ) -> Result<R::Response, ClientError> {
        self.ask_within(Duration::ZERO, fill).await
    }

    /// As [`Self::ask`], where the broker may take `longer` than usual: it waits for other members of a group.
    pub(crate) async fn ask_within<R: Request>(
        &self,
        longer: Duration,
        fill: impl FnOnce(i16) -> R,
    ) -> Result<R::Response, ClientError> {
        let api = R::KEY;
        let version = self.version(api)?;
        let within = self.timeout.saturating_add(longer);
        let frame = self
            .exchange(api, (version, within), &fill(version))
            .await?;
        let decoded = decode_response_header(api, version, Decoder::new(frame))
            .and_then(|(_, mut decoder)| R::Response::decode(&mut decoder, version));
        decoded.map_err(|cause| ClientError::Decode { api, cause })
    }

    /// Sends a request that gets no answer: Produce with acks = 0.
    pub(crate) async fn tell<R: Request>(
        &self,
        fill: impl FnOnce(i16) -> R,
    ) -> Result<(), ClientError> {
        let api = R::KEY;
        let version = self.version(api)?;
        let request = fill(version);
        let sent = self.send(api, version, &request, None);
        match tokio::time::timeout(self.timeout, sent).await {
            Ok(sent) => sent,
            Err(_) => Err(self.late(api, self.timeout)),
        }
    }

    fn lost(&self, cause: impl ToString) -> ClientError {
        ClientError::Lost {
            address: self.address.clone(),
            cause: cause.to_string(),
        }
    }

    fn late(&self, api: ApiKey, within: Duration) -> ClientError {
        ClientError::Timeout {
            address: self.address.clone(),
            api,
            seconds: within.as_secs(),
        }
    }

    async fn exchange<R: Request>(
        &self,
        api: ApiKey,
        (version, within): (i16, Duration),
        request: &R,
    ) -> Result<Bytes, ClientError> {
        let _permit = self
            .in_flight
            .acquire()
            .await
            .map_err(|_| self.lost("closed"))?;
        let (sender, receiver) = oneshot::channel();
        let exchanged = async {
            self.send(api, version, request, Some(sender)).await?;
            receiver
                .await
                .map_err(|_| self.lost("the broker closed it"))
        };
        match tokio::time::timeout(within, exchanged).await {
            Ok(exchanged) => exchanged,
            Err(_) => {
                // A broker that is late once is late for all who stand behind, and may be gone: begin anew, as Kafka's clients do.
                end(&self.waiting);
                Err(self.late(api, within))
            }
        }
    }

    /// Writes a request; with `answer` its place in the queue is taken too.
    async fn send<R: Request>(
        &self,
        api: ApiKey,
        version: i16,
        request: &R,
        answer: Option<oneshot::Sender<Bytes>>,
    ) -> Result<(), ClientError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let chunks = encode_request(version, id, Some(self.client_id.clone()), request)
            .map_err(|cause| ClientError::Encode { api, cause })?;
        let mut writer = self.writer.lock().await;
        match &mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(waiting) => waiting.extend(answer.map(|answer| (id, answer))),
            None => return Err(self.lost("the broker closed it")),
        }
        let in_doubt = InDoubt(Some(&self.waiting));
        for chunk in chunks.as_slice() {
            let Chunk::Memory(bytes) = chunk else {
                return Err(self.lost("records that are not in memory cannot be sent"));
            };
            writer
                .write_all(bytes)
                .await
                .map_err(|error| self.lost(plain(&error)))?;
        }
        in_doubt.settled();
        Ok(())
    }
}

/// What the system says, without its number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string().to_lowercase();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

/// Hands frames to those who wait, in order, until the connection ends.
async fn read(mut reader: OwnedReadHalf, waiting: Waiting) {
    let mut buffer = BytesMut::new();
    loop {
        while let Some(length) = buffer.first_chunk::<4>() {
            let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
                return end(&waiting);
            };
            if length > RESPONSE_BYTES_MAX {
                return end(&waiting);
            }
            if buffer.len() < length + 4 {
                buffer.reserve((length + 4 - buffer.len()).min(READ_STEP_BYTES));
                break;
            }
            buffer.advance(4);
            let frame = buffer.split_to(length).freeze();
            let next = match &mut *waiting.lock().unwrap_or_else(PoisonError::into_inner) {
                Some(waiting) => waiting.pop_front(),
                None => None,
            };
            match next {
                Some((id, next)) if frame.first_chunk() == Some(&id.to_be_bytes()) => {
                    let _ = next.send(frame); // whoever asked may have gone
                }
                _ => return end(&waiting),
            }
        }
        match reader.read_buf(&mut buffer).await {
            Ok(count) if count > 0 => {}
            _ => return end(&waiting),
        }
    }
}

fn end(waiting: &Waiting) {
    waiting
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
}
