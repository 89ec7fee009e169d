//! What a message definition says, after parsing: plain data.

use std::collections::BTreeMap;

/// An inclusive range of versions; `last` is `i16::MAX` when it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// First version.
    pub first: i16,
    /// Last version.
    pub last: i16,
}

impl Versions {
    /// Reads "N", "N-M", "N+"; `None` for "none".
    pub fn parse(text: &str) -> Option<Self> {
        if text == "none" || text.is_empty() {
            return None;
        }
        if let Some(first) = text.strip_suffix('+') {
            return Some(Self {
                first: first.parse().ok()?,
                last: i16::MAX,
            });
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Some(Self {
            first: first.parse().ok()?,
            last: last.parse().ok()?,
        })
    }

    /// The versions in both.
    pub fn intersect(self, other: Self) -> Option<Self> {
        let both = Self {
            first: self.first.max(other.first),
            last: self.last.min(other.last),
        };
        (both.first <= both.last).then_some(both)
    }

    /// True when every version of `other` is in this range.
    pub fn covers(self, other: Self) -> bool {
        self.first <= other.first && self.last >= other.last
    }
}

/// The kinds of messages, which decide where a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A request.
    Request,
    /// A response.
    Response,
    /// A header, or data inside other messages.
    Data,
    /// A record of the cluster metadata.
    Metadata,
    /// A record of the remote log metadata topic, whose numbers overlap with the cluster metadata's.
    RemoteLog,
    /// Key of a coordinator's record.
    CoordinatorKey,
    /// Value of a coordinator's record.
    CoordinatorValue,
}

/// A message.
#[derive(Debug, Clone)]
pub struct Message {
    /// Name in the schema.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// The jar it came from, without version, such as `kafka-group-coordinator`.
    pub jar: String,
    /// API key or record type.
    pub key: Option<i16>,
    /// Versions; `None` for an API that was removed.
    pub valid: Option<Versions>,
    /// First flexible version; `i16::MAX` when there is none.
    pub flexible_from: i16,
    /// True when the highest version is not yet stable.
    pub latest_unstable: bool,
    /// The struct of the message itself.
    pub root: Struct,
    /// All structs inside, by name.
    pub structs: BTreeMap<String, Struct>,
}

/// A struct.
#[derive(Debug, Clone)]
pub struct Struct {
    /// Name in the schema.
    pub name: String,
    /// Its fields, in the order of the wire.
    pub fields: Vec<Field>,
}

/// Type of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `bool`.
    Bool,
    /// `int8`.
    Int8,
    /// `int16`.
    Int16,
    /// `uint16`.
    Uint16,
    /// `int32`.
    Int32,
    /// `uint32`.
    Uint32,
    /// `int64`.
    Int64,
    /// `float64`.
    Float64,
    /// `string`.
    String,
    /// `bytes`.
    Bytes,
    /// `uuid`.
    Uuid,
    /// `records`.
    Records,
    /// A struct by name.
    Struct(String),
    /// An array.
    Array(Box<Type>),
}

/// Default of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Default {
    /// Zero, empty, or a default struct.
    Zero,
    /// Null.
    Null,
    /// As written.
    Literal(String),
}

/// A field.
#[derive(Debug, Clone)]
pub struct Field {
    /// Name in the schema.
    pub name: String,
    /// Its type.
    pub field_type: Type,
    /// Versions that have it.
    pub versions: Versions,
    /// Versions in which it may be null.
    pub nullable: Option<Versions>,
    /// Tag, when it is a tagged field.
    pub tag: Option<u32>,
    /// Default.
    pub default: Default,
    /// True when it is dropped silently in versions that lack it.
    pub ignorable: bool,
    /// True when its length is never compact.
    pub never_flexible: bool,
}

impl Field {
    /// True when the Rust type is an `Option`.
    pub fn is_optional(&self) -> bool {
        self.nullable.is_some() || self.field_type == Type::Records
    }
}
