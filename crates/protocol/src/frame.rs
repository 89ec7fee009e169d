//! Frames: an int32 length, a header, a message.

use crate::messages::{RequestHeader as Fields, ResponseHeader};
use crate::{ApiKey, Chunks, DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// The header of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestHeader {
    /// API key as it came, known or not.
    pub api_key: i16,
    /// Version as it came, known or not.
    pub api_version: i16,
    /// The client's number of the request; the response carries it back.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Option<Str>,
}

impl RequestHeader {
    /// The API, when the key is in the schema.
    pub fn api(&self) -> Option<ApiKey> {
        ApiKey::from_code(self.api_key)
    }

    /// Reads the header of a frame (behind the length). Which form it has follows from key and version; the header of an unknown
    /// version of ApiVersions is read as flexible, so that it can be answered (KIP-511).
    pub fn decode(decoder: &mut Decoder) -> Result<Self, DecodeError> {
        let mut peek = decoder.clone();
        let (key, version) = (peek.i16()?, peek.i16()?);
        let form = ApiKey::from_code(key).map_or(1, |api| api.request_header_version(version));
        let fields = Fields::decode(decoder, form)?;
        Ok(Self {
            api_key: fields.request_api_key,
            api_version: fields.request_api_version,
            correlation_id: fields.correlation_id,
            client_id: fields.client_id,
        })
    }

    fn encode(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        let form = self
            .api()
            .map_or(1, |api| api.request_header_version(self.api_version));
        let fields = Fields {
            request_api_key: self.api_key,
            request_api_version: self.api_version,
            correlation_id: self.correlation_id,
            client_id: self.client_id.clone(),
        };
        fields.encode(encoder, form)
    }
}

/// A request as a frame.
pub fn encode_request<R: Request>(
    version: i16,
    correlation_id: i32,
    client_id: Option<Str>,
    request: &R,
) -> Result<Chunks, EncodeError> {
    let header = RequestHeader {
        api_key: R::KEY.code(),
        api_version: version,
        correlation_id,
        client_id,
    };
    let mut encoder = Encoder::with_capacity(256);
    header.encode(&mut encoder)?;
    request.encode(&mut encoder, version)?;
    encoder.finish_frame()
}

/// A response as a frame.
pub fn encode_response<M: Message>(
    api: ApiKey,
    version: i16,
    correlation_id: i32,
    response: &M,
) -> Result<Chunks, EncodeError> {
    let mut encoder = Encoder::with_capacity(256);
    ResponseHeader { correlation_id }.encode(&mut encoder, api.response_header_version(version))?;
    response.encode(&mut encoder, version)?;
    encoder.finish_frame()
}

/// The correlation id of a response frame, and the decoder behind its header.
pub fn decode_response_header(
    api: ApiKey,
    version: i16,
    mut decoder: Decoder,
) -> Result<(i32, Decoder), DecodeError> {
    let header = ResponseHeader::decode(&mut decoder, api.response_header_version(version))?;
    Ok((header.correlation_id, decoder))
}
