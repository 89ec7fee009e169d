//! Request and response headers, and whole frames.

use bytes::Bytes;
use mainstem_protocol::frame::{
    RequestHeader, decode_response_header, encode_request, encode_response,
};
use mainstem_protocol::messages::api_versions_response::{ApiVersion, ApiVersionsResponse};
use mainstem_protocol::messages::{ApiVersionsRequest, MetadataRequest, MetadataResponse};
use mainstem_protocol::{ApiKey, Chunk, Decoder, Message, RecordBatches, Str};

use crate::hex;

#[test]
fn the_client_id_keeps_its_wide_length_in_flexible_headers() {
    let check = |text: &str, version: i16, client_id: Option<&'static str>| {
        let mut decoder = Decoder::new(hex::bytes(text));
        let header = RequestHeader::decode(&mut decoder).expect("a whole header");
        let expected = RequestHeader {
            api_key: 3,
            api_version: version,
            correlation_id: 7,
            client_id: client_id.map(Str::from_static),
        };
        assert_eq!(header, expected, "{text}");
        assert!(decoder.is_empty(), "{text}");
    };
    check("0003 000c 00000007 0002 6162 00", 12, Some("ab"));
    check("0003 000c 00000007 ffff 00", 12, None);
    check("0003 0001 00000007 0002 6162", 1, Some("ab"));
    // An unknown tag in the header is skipped.
    check("0003 000c 00000007 0002 6162 01 05 02 ffff", 12, Some("ab"));
}

#[test]
fn an_unknown_version_of_api_versions_has_a_flexible_header_and_an_answer() {
    // KIP-511: a client from the future asks with v99.
    let mut decoder = Decoder::new(hex::bytes("0012 0063 00000001 0001 78 00 0102030405"));
    let header =
        RequestHeader::decode(&mut decoder).expect("readable though the version is unknown");
    assert_eq!((header.api_key, header.api_version), (18, 99));
    assert_eq!(header.client_id, Some(Str::from_static("x")));
    let answer = ApiVersionsResponse {
        error_code: 35,
        api_keys: vec![ApiVersion {
            api_key: 18,
            min_version: 0,
            max_version: 5,
        }],
        ..Default::default()
    };
    let frame = encode_response(ApiKey::ApiVersions, 0, 1, &answer).expect("v0 carries it");
    let expected = "00000010 00000001 0023 00000001 0012 0000 0005";
    assert_eq!(frame.to_bytes(), hex::bytes(expected));
}

#[test]
fn api_versions_answers_without_a_tag_in_the_header() {
    let response = ApiVersionsResponse::default();
    let frame = encode_response(ApiKey::ApiVersions, 3, 9, &response).expect("defaults encode");
    // Length, correlation id and at once the error code.
    assert_eq!(frame.to_bytes().slice(4..10), hex::bytes("00000009 0000"));
    let response = MetadataResponse::default();
    let frame = encode_response(ApiKey::Metadata, 9, 9, &response).expect("defaults encode");
    assert_eq!(frame.to_bytes().slice(4..9), hex::bytes("00000009 00"));
}

#[test]
fn frames_come_back() {
    let request = MetadataRequest {
        topics: None,
        ..Default::default()
    };
    for version in 1..=MetadataRequest::MAX_VERSION {
        let client_id = Some(Str::from_static("me"));
        let frame = encode_request(version, 5, client_id.clone(), &request).expect("encodes");
        let frame = frame.to_bytes();
        let length = usize::try_from(Decoder::new(frame.clone()).i32().expect("a length"));
        assert_eq!(length, Ok(frame.len() - 4), "v{version}");
        let mut decoder = Decoder::new(frame.slice(4..));
        let header = RequestHeader::decode(&mut decoder).expect("a header");
        assert_eq!((header.correlation_id, &header.client_id), (5, &client_id));
        assert_eq!(
            MetadataRequest::decode(&mut decoder, version),
            Ok(request.clone())
        );
        assert!(decoder.is_empty(), "v{version}");
    }
    let frame = encode_response(ApiKey::Metadata, 12, 6, &MetadataResponse::default());
    let frame = frame.expect("encodes").to_bytes();
    let (correlation_id, mut decoder) =
        decode_response_header(ApiKey::Metadata, 12, Decoder::new(frame.slice(4..)))
            .expect("a header");
    assert_eq!(correlation_id, 6);
    let back = MetadataResponse::decode(&mut decoder, 12);
    assert_eq!(back, Ok(MetadataResponse::default()));
}

#[test]
fn large_bytes_are_chunks_of_their_own_and_are_not_copied() {
    use mainstem_protocol::messages::fetch_response::{
        FetchResponse, FetchableTopicResponse, PartitionData,
    };
    let records = Bytes::from(vec![7; 8192]);
    let response = FetchResponse {
        responses: vec![FetchableTopicResponse {
            partitions: vec![PartitionData {
                records: Some(records.clone().into()),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let frame = encode_response(ApiKey::Fetch, 12, 1, &response).expect("encodes");
    let shared = frame
        .as_slice()
        .iter()
        .any(|chunk| matches!(chunk, Chunk::Memory(bytes) if bytes.as_ptr() == records.as_ptr()));
    assert!(shared, "the records were copied");
    // And what is decoded shares the frame.
    let whole = frame.to_bytes();
    let (_, mut decoder) =
        decode_response_header(ApiKey::Fetch, 12, Decoder::new(whole.slice(4..)))
            .expect("a header");
    let back = FetchResponse::decode(&mut decoder, 12).expect("decodes");
    let inside = back.responses[0].partitions[0]
        .records
        .clone()
        .and_then(RecordBatches::into_memory)
        .expect("records");
    assert!(whole.as_ptr_range().contains(&inside.as_ptr()));
}

#[test]
fn what_follows_a_request_is_left_alone() {
    let mut decoder = Decoder::new(hex::bytes("00 00 02 6b 02 31 00 abcdef"));
    let request = ApiVersionsRequest::decode(&mut decoder, 3);
    // Two empty compact strings would be 01; null is refused, as these strings are not nullable.
    assert!(request.is_err());
    let mut decoder = Decoder::new(hex::bytes("02 6b 02 31 00 abcdef"));
    let request = ApiVersionsRequest::decode(&mut decoder, 3).expect("decodes");
    assert_eq!(request.client_software_name, "k");
    assert_eq!(decoder.remaining(), 3);
}
