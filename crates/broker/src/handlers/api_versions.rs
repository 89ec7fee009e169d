//! ApiVersions (key 18): which APIs in which versions, and which features at which level (KIP-35, KIP-511, KIP-584, KIP-1242).

use mainstem_metadata::control::SUPPORTED_FEATURES;
use mainstem_protocol::messages::api_versions_response::{
    ApiVersion, FinalizedFeatureKey, SupportedFeatureKey,
};
use mainstem_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use mainstem_protocol::{ApiKey, ErrorCode, Str};

use crate::context::{RequestContext, Staged};
use crate::dispatch::api_ranges;

/// The answer to a version that we do not know: our range of this API alone.
pub(crate) fn unsupported() -> ApiVersionsResponse {
    ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion.code(),
        api_keys: vec![ApiVersion {
            api_key: ApiKey::ApiVersions.code(),
            min_version: ApiKey::ApiVersions.min_version(),
            max_version: ApiKey::ApiVersions.max_version(),
        }],
        ..ApiVersionsResponse::default()
    }
}

/// Names and versions of client software: letters, digits, dots and dashes, neither first nor last a mark (KIP-511).
fn is_software(text: &str) -> bool {
    let bytes = text.as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric();
    bytes.first().is_some_and(plain)
        && bytes.last().is_some_and(plain)
        && bytes
            .iter()
            .all(|byte| plain(byte) || matches!(byte, b'.' | b'-'))
}

fn refusal(cx: &RequestContext, request: &ApiVersionsRequest) -> Option<ErrorCode> {
    if cx.version >= 3
        && !(is_software(&request.client_software_name)
            && is_software(&request.client_software_version))
    {
        return Some(ErrorCode::InvalidRequest);
    }
    // A client knows both or neither.
    if request.cluster_id.is_some() != (request.node_id >= 0) {
        return Some(ErrorCode::InvalidRequest);
    }
    let other_cluster = request
        .cluster_id
        .as_ref()
        .is_some_and(|id| *id != cx.node.cluster_id);
    let other_node = request.node_id >= 0 && request.node_id != cx.node.node_id;
    (other_cluster || other_node).then_some(ErrorCode::RebootstrapRequired)
}

pub(crate) async fn handle(
    cx: RequestContext,
    request: ApiVersionsRequest,
) -> Staged<ApiVersionsResponse> {
    if let Some(code) = refusal(&cx, &request) {
        return Staged::Ready(ApiVersionsResponse {
            error_code: code.code(),
            ..ApiVersionsResponse::default()
        });
    }
    let image = cx.node.metadata.load();
    let api_keys = api_ranges().map(|range| ApiVersion {
        api_key: range.api.code(),
        min_version: range.advertised_min,
        max_version: range.max,
    });
    let mut response = ApiVersionsResponse {
        api_keys: api_keys.collect(),
        ..ApiVersionsResponse::default()
    };
    if cx.version >= 3 {
        let supported = SUPPORTED_FEATURES
            .iter()
            .map(|(name, min, max)| SupportedFeatureKey {
                name: Str::from_static(name),
                min_version: *min,
                max_version: *max,
            });
        response.supported_features = supported.collect();
        response.finalized_features_epoch = image.at.offset;
        // Another system may have set features that are not served here: they stay in the log, but clients must not count on them.
        let served = |name: &str| SUPPORTED_FEATURES.iter().any(|row| row.0 == name);
        let finalized = image
            .features()
            .filter(|(name, _)| served(name))
            .map(|(name, level)| FinalizedFeatureKey {
                name: name.clone(),
                max_version_level: level,
                min_version_level: level,
            });
        response.finalized_features = finalized.collect();
    }
    Staged::Ready(response)
}
