//! Which version of an API this client speaks at most.

use mainstem_protocol::ApiKey;

/// The highest version that the client's code fills in rightly. Produce, Fetch and the offset APIs stay below the versions that name
/// topics by id alone, so that a name is enough everywhere.
pub(crate) fn highest(api: ApiKey) -> i16 {
    match api {
        ApiKey::Produce | ApiKey::Fetch => 12,
        ApiKey::FindCoordinator => 3,
        ApiKey::OffsetCommit => 9,
        ApiKey::OffsetFetch => 7,
        ApiKey::ApiVersions => 4,
        ApiKey::DeleteTopics => 5,
        _ if api.latest_version_unstable() => api.max_version() - 1,
        _ => api.max_version(),
    }
}

/// The version to use with a broker that serves `min` to `max`; `None` when there is none in common.
pub(crate) fn common(api: ApiKey, min: i16, max: i16) -> Option<i16> {
    let version = highest(api).min(max);
    (version >= min.max(api.min_version())).then_some(version)
}
