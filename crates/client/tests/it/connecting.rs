//! Versions are agreed on; what is late, closed or of another number is said, and the next try begins anew.

use std::time::Duration;

use bytes::Bytes;
use mainstem_client::{ClientError, Cluster};
use mainstem_protocol::frame::encode_response;
use mainstem_protocol::messages::api_versions_response::ApiVersion;
use mainstem_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use mainstem_protocol::{ApiKey, ErrorCode};

use crate::broker::{Broker, Reply, versions};

#[tokio::test]
async fn an_older_broker_is_asked_again_in_its_version() {
    let broker = Broker::start(|asked| {
        if !asked.is(ApiKey::ApiVersions) {
            return Reply::AsUsual;
        }
        let (version, id) = (asked.header.api_version, asked.header.correlation_id);
        if version > 2 {
            let refusal = ApiVersionsResponse {
                error_code: ErrorCode::UnsupportedVersion.code(),
                api_keys: vec![ApiVersion {
                    api_key: ApiKey::ApiVersions.code(),
                    min_version: 0,
                    max_version: 2,
                }],
                ..Default::default()
            };
            let frame = encode_response(ApiKey::ApiVersions, 0, id, &refusal).unwrap();
            return Reply::Bytes(frame.to_bytes());
        }
        let mut api_keys = versions();
        for api in &mut api_keys {
            if api.api_key == ApiKey::Metadata.code() {
                api.max_version = 4; // as Kafka 0.11 had it
            }
        }
        asked.answer::<ApiVersionsRequest>(&ApiVersionsResponse {
            api_keys,
            ..Default::default()
        })
    })
    .await;
    let cluster = broker.connect().await;
    assert_eq!(cluster.partition_count("t").await.unwrap(), 2);
}

#[tokio::test]
async fn a_broker_that_shares_no_version_is_named() {
    let broker = Broker::start(|asked| {
        if !asked.is(ApiKey::ApiVersions) {
            return Reply::AsUsual;
        }
        let mut api_keys = versions();
        api_keys.retain(|api| api.api_key != ApiKey::Metadata.code());
        asked.answer::<ApiVersionsRequest>(&ApiVersionsResponse {
            api_keys,
            ..Default::default()
        })
    })
    .await;
    let error = Cluster::connect(broker.options()).await.unwrap_err();
    assert!(matches!(error, ClientError::Unsupported { .. }), "{error}");
}

#[tokio::test]
async fn a_broker_that_misbehaves_is_lost() {
    let check = async |reply: fn(i32) -> Reply| {
        let broker = Broker::start(move |asked| {
            if asked.is(ApiKey::Metadata) {
                reply(asked.header.correlation_id)
            } else {
                Reply::AsUsual
            }
        })
        .await;
        let error = Cluster::connect(broker.options()).await.unwrap_err();
        assert!(matches!(error, ClientError::Lost { .. }), "{error}");
        assert!(error.is_retriable());
    };
    check(|_| Reply::Close).await;
    // Another number than that of the request.
    check(|id| {
        let mut frame = 4i32.to_be_bytes().to_vec();
        frame.extend((id + 1).to_be_bytes());
        Reply::Bytes(frame.into())
    })
    .await;
    // Lengths that cannot be.
    check(|_| Reply::Bytes(Bytes::from_static(&[0xff; 4]))).await;
    check(|_| Reply::Bytes(Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff]))).await;
    // An empty frame, which has no number.
    check(|_| Reply::Bytes(Bytes::from_static(&[0; 4]))).await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_no_reason_to_try_again() {
    let broker = Broker::start(|asked| {
        if !asked.is(ApiKey::Metadata) {
            return Reply::AsUsual;
        }
        let mut frame = 9i32.to_be_bytes().to_vec();
        frame.extend(asked.header.correlation_id.to_be_bytes());
        frame.extend([0, 0xff, 0xff, 0xff, 0xff]);
        Reply::Bytes(frame.into())
    })
    .await;
    let error = Cluster::connect(broker.options()).await.unwrap_err();
    assert!(matches!(error, ClientError::Decode { .. }), "{error}");
    assert!(!error.is_retriable());
}

#[tokio::test]
async fn after_a_late_answer_a_new_connection_is_made() {
    let mut silent = true;
    let broker = Broker::start(move |asked| {
        if asked.is(ApiKey::Metadata) && std::mem::take(&mut silent) {
            Reply::Silence
        } else {
            Reply::AsUsual
        }
    })
    .await;
    let mut options = broker.options();
    options.timeout = Duration::from_millis(200);
    let error = Cluster::connect(options.clone()).await.unwrap_err();
    assert!(matches!(error, ClientError::Timeout { .. }), "{error}");
    let cluster = Cluster::connect(options).await.unwrap();
    assert_eq!(cluster.partition_count("t").await.unwrap(), 2);
    assert_eq!(broker.connections(), 2);
}
