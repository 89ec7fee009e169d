//! Why bytes are not a message, or a message cannot become bytes.

/// Why bytes could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a field.
    #[error("{needed} more bytes needed at byte {position}, {remaining} are left")]
    Truncated {
        /// Where.
        position: usize,
        /// Bytes needed.
        needed: usize,
        /// Bytes there.
        remaining: usize,
    },
    /// A length or count that no message can have.
    #[error("length {length} at byte {position} is impossible")]
    Length {
        /// Where.
        position: usize,
        /// As read.
        length: i64,
    },
    /// Null where the version does not allow it.
    #[error("null at byte {position}, where null is not allowed")]
    Null {
        /// Where.
        position: usize,
    },
    /// A variable-length integer of more bytes than its type can fill.
    #[error("a variable-length integer at byte {position} has no end")]
    Varint {
        /// Where.
        position: usize,
    },
    /// More elements or tagged fields than are ever read.
    #[error("{count} elements at byte {position}, at most {limit} are read")]
    Count {
        /// Where.
        position: usize,
        /// Elements announced.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// Collections of more elements than the budget allows.
    #[error(
        "{count} elements of {element_bytes} bytes at byte {position} are beyond the decode budget"
    )]
    Budget {
        /// Where.
        position: usize,
        /// Elements announced.
        count: usize,
        /// Memory of one.
        element_bytes: usize,
    },
    /// The message has no such version.
    #[error("{message} has no version {version}")]
    Version {
        /// Name in the schema.
        message: &'static str,
        /// As asked.
        version: i16,
    },
    /// A record of a type that is not in the schema.
    #[error("unknown {space} record type {kind}")]
    RecordType {
        /// The number space.
        space: &'static str,
        /// As read.
        kind: i64,
    },
}

/// Why a message could not be encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The message has no such version.
    #[error("{message} has no version {version}")]
    Version {
        /// Name in the schema.
        message: &'static str,
        /// As asked.
        version: i16,
    },
    /// A field is set that the version cannot carry, and that must not be dropped.
    #[error("{message} cannot carry {field} in version {version}")]
    Field {
        /// Name in the schema.
        message: &'static str,
        /// Name in the schema.
        field: &'static str,
        /// As asked.
        version: i16,
    },
    /// Null in a field that is not nullable in the version.
    #[error("{field} of {message} must not be null in version {version}")]
    Null {
        /// Name in the schema.
        message: &'static str,
        /// Name in the schema.
        field: &'static str,
        /// As asked.
        version: i16,
    },
    /// Text of more than 32,767 bytes, or bytes or arrays of more than 2 GiB.
    #[error("{length} bytes or elements are more than the wire can carry")]
    Length {
        /// The length.
        length: usize,
    },
}
