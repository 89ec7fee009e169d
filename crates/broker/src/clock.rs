//! The node's clock: the one place that reads it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Sixteen random bytes.
pub(crate) fn random_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    // Without randomness ids could repeat: better to stop than to go on.
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

/// A random id.
pub(crate) fn random_uuid() -> mainstem_protocol::Uuid {
    mainstem_protocol::Uuid::from_random(random_bytes())
}
