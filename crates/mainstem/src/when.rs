//! Time as people say it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Reads `10s`, `5m`, `1h`, `7d`, `250ms`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let split = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: u64 = number
        .parse()
        .map_err(|_| format!("{text:?} is no duration; write 10s, 5m, 1h, 7d"))?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" | "" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => {
            return Err(format!(
                "{unit:?} is no unit of time; write ms, s, m, h or d"
            ));
        }
    };
    number
        .checked_mul(milliseconds)
        .map(Duration::from_millis)
        .ok_or_else(|| format!("{text:?} is too long"))
}

/// Reads a point in time as milliseconds since 1970: `-1h`, `now`, `today`, `yesterday`, `2026-01-01`, `2026-01-01T08:00`,
/// `2026-01-01T08:00Z`, or the milliseconds themselves.
pub(crate) fn time(text: &str) -> Result<i64, String> {
    at(text, &Zoned::now())
}

fn at(text: &str, now: &Zoned) -> Result<i64, String> {
    let wrong = || {
        format!(
            "{text:?} is no time; write -1h, today, 2026-01-01, 2026-01-01T08:00Z or milliseconds"
        )
    };
    let now_ms = now.timestamp().as_millisecond();
    if let Some(ago) = text.strip_prefix('-') {
        let ago = duration(ago).map_err(|_| wrong())?;
        return Ok(now_ms.saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX)));
    }
    if let Ok(milliseconds) = text.parse::<i64>() {
        return Ok(milliseconds);
    }
    let zone = now.time_zone().clone();
    let start_of = |date: Date| local(date.at(0, 0, 0, 0), &zone).ok_or_else(wrong);
    match text {
        "now" => return Ok(now_ms),
        "today" => return start_of(now.date()),
        "yesterday" => return start_of(now.date().yesterday().map_err(|_| wrong())?),
        _ => {}
    }
    if let Ok(date) = text.parse::<Date>()
        && text.len() == "2026-01-01".len()
    {
        return start_of(date);
    }
    // Minutes may be the last that is said.
    let (body, zulu) = text
        .strip_suffix('Z')
        .map_or((text, ""), |body| (body, "Z"));
    let full = if body.len() == "2026-01-01T08:00".len() {
        format!("{body}:00{zulu}")
    } else {
        text.to_owned()
    };
    if let Ok(timestamp) = full.parse::<Timestamp>() {
        return Ok(timestamp.as_millisecond());
    }
    let civil = full.parse::<DateTime>().map_err(|_| wrong())?;
    local(civil, &zone).ok_or_else(wrong)
}

fn local(civil: DateTime, zone: &TimeZone) -> Option<i64> {
    civil
        .to_zoned(zone.clone())
        .ok()
        .map(|zoned| zoned.timestamp().as_millisecond())
}

/// RFC 3339 with milliseconds, in UTC.
pub(crate) fn rfc3339(milliseconds: i64) -> String {
    match Timestamp::from_millisecond(milliseconds) {
        Ok(timestamp) => format!("{timestamp:.3}"),
        Err(_) => milliseconds.to_string(),
    }
}

/// Seconds as people read them: `0.3 s`, `12 s`, `5 min`, `3 h`, `2 d`.
pub(crate) fn span(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1_000;
    match seconds {
        0..10 => format!("{}.{} s", seconds, (milliseconds.max(0) % 1_000) / 100),
        10..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;
