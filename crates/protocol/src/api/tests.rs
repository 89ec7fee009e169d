//! The table of APIs.

use crate::ApiKey;

#[test]
fn keys_count_from_zero_without_a_gap() {
    for (at, key) in ApiKey::all().enumerate() {
        assert_eq!(usize::try_from(key.code()).unwrap(), at, "{key}");
        assert_eq!(ApiKey::from_code(key.code()), Some(key));
    }
    assert_eq!(ApiKey::all().count(), 95);
    assert_eq!(ApiKey::from_code(95), None);
    assert_eq!(ApiKey::from_code(-1), None);
}

#[test]
fn header_versions_follow_flexibility() {
    let check = |key: ApiKey, version, request, response| {
        assert_eq!(
            key.request_header_version(version),
            request,
            "{key} {version}"
        );
        assert_eq!(
            key.response_header_version(version),
            response,
            "{key} {version}"
        );
    };
    check(ApiKey::ApiVersions, 2, 1, 0);
    check(ApiKey::ApiVersions, 3, 2, 0);
    check(ApiKey::Produce, 8, 1, 0);
    check(ApiKey::Produce, 9, 2, 1);
    check(ApiKey::SaslHandshake, 1, 1, 0);
    check(ApiKey::OffsetDelete, 0, 1, 0);
}
