//! What the schema says of an API.

use crate::generated::ApiKey;
use crate::generated::api_key::{ROWS, Row};

impl ApiKey {
    /// Every API, in the order of the keys; those that were removed included.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| row.key)
    }

    /// The API of a key.
    pub fn from_code(code: i16) -> Option<Self> {
        usize::try_from(code)
            .ok()
            .and_then(|at| ROWS.get(at))
            .map(|row| row.key)
    }

    /// The key.
    pub const fn code(self) -> i16 {
        self as i16
    }

    fn row(self) -> &'static Row {
        // Keys count from 0 without a gap; a test holds the table to it.
        ROWS.get(self as usize).unwrap_or(&ROWS[0])
    }

    /// Name in the schema, such as `Produce`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Lowest version.
    pub fn min_version(self) -> i16 {
        self.row().min_version
    }

    /// Highest version; -1 when the API was removed.
    pub fn max_version(self) -> i16 {
        self.row().max_version
    }

    /// True when the highest version is not stable and is served only on demand.
    pub fn latest_version_unstable(self) -> bool {
        self.row().latest_unstable
    }

    /// True when the version has compact lengths and tagged fields.
    pub fn is_flexible(self, version: i16) -> bool {
        version >= self.row().flexible_from
    }

    /// Version of the header before a request: 2 exactly when the version is flexible.
    pub fn request_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) { 2 } else { 1 }
    }

    /// Version of the header before a response. ApiVersions stays at 0, so that a client that knows nothing yet can read it.
    pub fn response_header_version(self, version: i16) -> i16 {
        if self != Self::ApiVersions && self.is_flexible(version) {
            1
        } else {
            0
        }
    }
}

impl std::fmt::Display for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests;
