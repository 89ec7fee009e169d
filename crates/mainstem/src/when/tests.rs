//! Time there and back.

use super::*;

#[test]
fn times_are_read_as_people_say_them() {
    let now: Zoned = "2026-03-04T12:00:00+01:00[+01:00]".parse().unwrap();
    let check = |text: &str, expected: &str| {
        let expected: Timestamp = expected.parse().unwrap();
        assert_eq!(at(text, &now), Ok(expected.as_millisecond()), "{text}");
    };
    check("now", "2026-03-04T11:00:00Z");
    check("-90s", "2026-03-04T10:58:30Z");
    check("-1h", "2026-03-04T10:00:00Z");
    check("today", "2026-03-03T23:00:00Z");
    check("yesterday", "2026-03-02T23:00:00Z");
    check("2026-01-01", "2025-12-31T23:00:00Z");
    check("2026-01-01T08:00", "2026-01-01T07:00:00Z");
    check("2026-01-01T08:00Z", "2026-01-01T08:00:00Z");
    check("2026-01-01T08:00:30Z", "2026-01-01T08:00:30Z");
    assert_eq!(at("1700000000000", &now), Ok(1_700_000_000_000));
    assert!(at("soon", &now).unwrap_err().contains("is no time"));
}

#[test]
fn durations_have_units() {
    assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
    assert_eq!(duration("7d"), Ok(Duration::from_secs(604_800)));
    assert!(duration("7y").is_err() && duration("d").is_err());
    assert_eq!(
        [span(340), span(12_000), span(600_000), span(90_000_000)],
        ["0.3 s", "12 s", "10 min", "25 h"]
    );
    assert_eq!(rfc3339(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
}
