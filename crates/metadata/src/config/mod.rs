//! Every configuration property that Apache Kafka 4.4 knows, and what a value of it must satisfy.
//!
//! Tables of facts are in `definitions`; this file looks up, parses and checks.

mod check;
mod definitions;
mod docs;
mod markdown;
mod rules;

pub use check::{check_broker_value, check_topic_value, check_type};
pub use docs::{
    BrokerDoc, PropertyDoc, broker_areas, broker_doc, own_properties, property_docs, topic_doc,
};
pub use markdown::markdown;
pub use rules::check_broker_together;

pub use definitions::{BROKER_CONFIGS, TOPIC_CONFIGS};

/// Types of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// `true` or `false`.
    Bool,
    /// 16 bits.
    Short,
    /// 32 bits.
    Int,
    /// 64 bits.
    Long,
    /// A number with a fraction.
    Double,
    /// Text.
    String,
    /// Texts between commas.
    List,
    /// Name of a Java class.
    Class,
    /// Text that is not shown.
    Password,
}

impl ValueType {
    /// Number on the wire (`DescribeConfigs`).
    pub fn code(self) -> i8 {
        match self {
            Self::Bool => 1,
            Self::String => 2,
            Self::Int => 3,
            Self::Short => 4,
            Self::Long => 5,
            Self::Double => 6,
            Self::List => 7,
            Self::Class => 8,
            Self::Password => 9,
        }
    }

    /// Apache Kafka's name.
    fn kafka_name(self) -> &'static str {
        match self {
            Self::Bool => "BOOLEAN",
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Short => "SHORT",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::List => "LIST",
            Self::Class => "CLASS",
            Self::Password => "PASSWORD",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Short | Self::Int | Self::Long => "a whole number",
            Self::Double => "a number",
            Self::String | Self::List | Self::Class | Self::Password => "text",
        }
    }
}

/// Whether a property has its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// It has.
    Yes,
    /// It is kept and shown, and has no effect for this reason.
    NotYet(&'static str),
}

/// A topic property.
#[derive(Clone, Copy, Debug)]
pub struct TopicConfig {
    /// Its name.
    pub name: &'static str,
    /// Type of its value.
    pub value_type: ValueType,
    /// Its default when no broker property gives another.
    pub default: &'static str,
    /// Lowest number.
    pub min: Option<i64>,
    /// Highest number.
    pub max: Option<i64>,
    /// The texts it may be.
    pub choices: &'static [&'static str],
    /// Broker properties that give its default; the first that is set counts.
    pub synonyms: &'static [&'static str],
    /// Whether it has its effect.
    pub served: Served,
}

/// A broker property.
#[derive(Clone, Copy, Debug)]
pub struct BrokerConfig {
    /// Its name.
    pub name: &'static str,
    /// Type of its value.
    pub value_type: ValueType,
    /// Its default; `None` is null.
    pub default: Option<&'static str>,
    /// True when it may change while the node runs.
    pub dynamic: bool,
    /// True when its value is not shown.
    pub secret: bool,
}

/// Why a value is not one of its property.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// There is no such property.
    #[error("unknown property {name}")]
    Unknown {
        /// As given.
        name: String,
    },
    /// The value has another type.
    #[error("{name} = \"{value}\" is not {}", wanted.words())]
    Type {
        /// The property.
        name: String,
        /// As given.
        value: String,
        /// Its type.
        wanted: ValueType,
    },
    /// The value is out of bounds.
    #[error("{name} = {value} is not {bound}")]
    Range {
        /// The property.
        name: String,
        /// As given.
        value: String,
        /// In words.
        bound: String,
    },
    /// A level of gzip: within bounds, or -1.
    #[error("{name} = {value} is not between 1 and 9, or -1")]
    GzipLevel {
        /// The property.
        name: String,
        /// As given.
        value: String,
    },
    /// The value breaks a rule of its own, or one with another property.
    #[error("{name} = {value}: {rule}")]
    Rule {
        /// The property.
        name: String,
        /// As given, or its default.
        value: String,
        /// What must hold.
        rule: String,
    },
    /// A list that must name something is empty.
    #[error("{name} is empty")]
    Empty {
        /// The property.
        name: String,
    },
    /// A list names a value twice.
    #[error("{name} names a value twice")]
    Twice {
        /// The property.
        name: String,
    },
    /// Not a list of replicas.
    #[error("{name} = \"{value}\" is neither * nor partition:broker between commas")]
    Replicas {
        /// The property.
        name: String,
        /// As given.
        value: String,
    },
    /// The value is none of the choices.
    #[error("{name} = \"{value}\" is none of {choices}")]
    Choice {
        /// The property.
        name: String,
        /// As given.
        value: String,
        /// The choices.
        choices: String,
    },
}

impl ConfigError {
    /// What Apache Kafka's clients are told.
    pub fn kafka_words(&self) -> String {
        match self {
            Self::Unknown { name } => format!("Unknown topic config name: {name}"),
            Self::Type {
                name,
                value,
                wanted,
            } => {
                let why = match wanted {
                    ValueType::Bool => "Expected value to be either true or false".to_owned(),
                    other => format!("Not a number of type {}", other.kafka_name()),
                };
                format!("Invalid value {value} for configuration {name}: {why}")
            }
            Self::Range { name, value, bound } => {
                let bound = bound.replace("at most", "no more than");
                format!("Invalid value {value} for configuration {name}: Value must be {bound}")
            }
            Self::GzipLevel { name, value } => format!(
                "Invalid value {value} for configuration {name}: Value must be between 1 and 9 or equal to -1"
            ),
            Self::Rule { rule, .. } => format!("requirement failed: {rule}"),
            Self::Empty { name } => format!(
                "Configuration '{name}' must not be empty. Valid values include: any non-empty value"
            ),
            Self::Twice { name } => {
                format!("Configuration '{name}' values must not be duplicated.")
            }
            Self::Replicas { name, value } => format!(
                "Invalid value [{}] for configuration {name}: {name} must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
                value
                    .split(',')
                    .map(str::trim)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            Self::Choice {
                name,
                value,
                choices,
            } => format!(
                "Invalid value {value} for configuration {name}: String must be one of: {choices}"
            ),
        }
    }
}

/// The topic property of a name.
pub fn topic_config(name: &str) -> Option<&'static TopicConfig> {
    TOPIC_CONFIGS
        .binary_search_by(|row| row.name.cmp(name))
        .ok()
        .and_then(|at| TOPIC_CONFIGS.get(at))
}

/// The broker property of a name.
pub fn broker_config(name: &str) -> Option<&'static BrokerConfig> {
    BROKER_CONFIGS
        .binary_search_by(|row| row.name.cmp(name))
        .ok()
        .and_then(|at| BROKER_CONFIGS.get(at))
}

#[cfg(test)]
mod tests;
