//! Every configuration property that Apache Kafka 4.4 knows, and what a value of it must satisfy.
//!
//! Tables of facts are in `definitions`; this file looks up, parses and checks.

mod definitions;

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

/// Checks that `value` has the type.
pub fn check_type(name: &str, value_type: ValueType, value: &str) -> Result<(), ConfigError> {
    let trimmed = value.trim();
    let fits = match value_type {
        ValueType::Bool => matches!(trimmed.to_ascii_lowercase().as_str(), "true" | "false"),
        ValueType::Short => trimmed.parse::<i16>().is_ok(),
        ValueType::Int => trimmed.parse::<i32>().is_ok(),
        ValueType::Long => trimmed.parse::<i64>().is_ok(),
        ValueType::Double => trimmed.parse::<f64>().is_ok(),
        ValueType::String | ValueType::List | ValueType::Class | ValueType::Password => true,
    };
    if fits {
        return Ok(());
    }
    Err(ConfigError::Type {
        name: name.to_owned(),
        value: value.to_owned(),
        wanted: value_type,
    })
}

/// Checks a value of a broker property. Its bounds are those of the topic property that it gives the default of.
pub fn check_broker_value(row: &BrokerConfig, value: &str) -> Result<(), ConfigError> {
    check_type(row.name, row.value_type, value)?;
    let of_topics = TOPIC_CONFIGS.iter().find(|topic| {
        // Values in hours and minutes have another type, and bounds of their own.
        topic.synonyms.contains(&row.name) && topic.value_type == row.value_type
    });
    of_topics.map_or(Ok(()), |topic| check_bounds(topic, row.name, value))
}

/// Checks a value of a topic property.
pub fn check_topic_value(name: &str, value: &str) -> Result<(), ConfigError> {
    let Some(row) = topic_config(name) else {
        return Err(ConfigError::Unknown {
            name: name.to_owned(),
        });
    };
    check_type(name, row.value_type, value)?;
    check_bounds(row, name, value)
}

fn check_bounds(row: &TopicConfig, name: &str, value: &str) -> Result<(), ConfigError> {
    let trimmed = value.trim();
    if let Ok(number) = trimmed.parse::<f64>() {
        let bound = |words: &str, bound: i64| ConfigError::Range {
            name: name.to_owned(),
            value: value.to_owned(),
            bound: format!("{words} {bound}"),
        };
        #[allow(
            clippy::cast_precision_loss,
            reason = "bounds are small or far from any value"
        )]
        if let Some(min) = row.min
            && number < min as f64
        {
            return Err(bound("at least", min));
        }
        #[allow(
            clippy::cast_precision_loss,
            reason = "bounds are small or far from any value"
        )]
        if let Some(max) = row.max
            && number > max as f64
        {
            return Err(bound("at most", max));
        }
    }
    let parts: Vec<&str> = match row.value_type {
        ValueType::List => trimmed
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect(),
        _ => vec![trimmed],
    };
    if !row.choices.is_empty()
        && let Some(part) = parts.iter().find(|part| !row.choices.contains(*part))
    {
        return Err(ConfigError::Choice {
            name: name.to_owned(),
            value: (*part).to_owned(),
            choices: row.choices.join(", "),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
