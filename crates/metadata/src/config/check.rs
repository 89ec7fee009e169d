//! Whether a value is one of its property: type, bounds, choices.

use super::definitions::BROKER_BOUNDS;
use super::rules::check_alone;
use super::{BrokerConfig, ConfigError, ValueType, topic_config};

/// What a value must be, besides its type.
struct Wanted<'a> {
    name: &'a str,
    value_type: ValueType,
    min: Option<i64>,
    max: Option<i64>,
    choices: &'static [&'static str],
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

/// Lists that name their values once and may not be empty.
const NOT_EMPTY: &[&str] = &["listeners", "log.dirs"];

/// What lists of brokers must satisfy when nothing else is asked of them.
fn check_list(name: &str, value: &str) -> Result<(), ConfigError> {
    let parts: Vec<&str> = value.split(',').map(str::trim).collect();
    if !NOT_EMPTY.contains(&name) {
        return Ok(());
    }
    if value.trim().is_empty() {
        return Err(ConfigError::Empty {
            name: name.to_owned(),
        });
    }
    let is_twice =
        |(at, part): (usize, &&str)| parts.iter().skip(at + 1).any(|later| later == part);
    match parts.iter().enumerate().any(is_twice) {
        true => Err(ConfigError::Twice {
            name: name.to_owned(),
        }),
        false => Ok(()),
    }
}

/// Checks a value of a broker property.
pub fn check_broker_value(row: &BrokerConfig, value: &str) -> Result<(), ConfigError> {
    check_type(row.name, row.value_type, value)?;
    check_alone(row.name, value)?;
    check_list(row.name, value)?;
    let found = BROKER_BOUNDS.binary_search_by(|bounds| bounds.name.cmp(row.name));
    let Some(bounds) = found.ok().and_then(|at| BROKER_BOUNDS.get(at)) else {
        return Ok(());
    };
    let wanted = Wanted {
        name: row.name,
        value_type: row.value_type,
        min: bounds.min,
        max: bounds.max,
        choices: bounds.choices,
    };
    check_wanted(&wanted, value)
}

/// Checks a value of a topic property.
pub fn check_topic_value(name: &str, value: &str) -> Result<(), ConfigError> {
    let Some(row) = topic_config(name) else {
        return Err(ConfigError::Unknown {
            name: name.to_owned(),
        });
    };
    check_type(name, row.value_type, value)?;
    if name.ends_with(".replication.throttled.replicas") {
        return check_replicas(name, value);
    }
    let wanted = Wanted {
        name,
        value_type: row.value_type,
        min: row.min,
        max: row.max,
        choices: row.choices,
    };
    check_wanted(&wanted, value)
}

/// `*`, nothing, or `partition:broker` between commas.
fn check_replicas(name: &str, value: &str) -> Result<(), ConfigError> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_replica = |part: &str| {
        part.split_once(':')
            .is_some_and(|(partition, broker)| is_number(partition) && is_number(broker))
    };
    let trimmed = value.trim();
    if trimmed.is_empty() || trimmed == "*" || trimmed.split(',').all(|p| is_replica(p.trim())) {
        return Ok(());
    }
    Err(ConfigError::Replicas {
        name: name.to_owned(),
        value: value.to_owned(),
    })
}

fn check_wanted(wanted: &Wanted<'_>, value: &str) -> Result<(), ConfigError> {
    let is_gzip = wanted.name == "compression.gzip.level";
    if is_gzip && value.trim() == "-1" {
        return Ok(());
    }
    match check_number(wanted, value) {
        Err(ConfigError::Range { name, value, .. }) if is_gzip => {
            Err(ConfigError::GzipLevel { name, value })
        }
        Err(error) => Err(error),
        Ok(()) => check_choices(wanted, value),
    }
}

fn check_number(wanted: &Wanted<'_>, value: &str) -> Result<(), ConfigError> {
    let trimmed = value.trim();
    if let Ok(number) = trimmed.parse::<f64>() {
        let bound = |words: &str, bound: i64| ConfigError::Range {
            name: wanted.name.to_owned(),
            value: value.to_owned(),
            bound: format!("{words} {bound}"),
        };
        #[allow(
            clippy::cast_precision_loss,
            reason = "bounds are small or far from any value"
        )]
        if let Some(min) = wanted.min
            && number < min as f64
        {
            return Err(bound("at least", min));
        }
        #[allow(
            clippy::cast_precision_loss,
            reason = "bounds are small or far from any value"
        )]
        if let Some(max) = wanted.max
            && number > max as f64
        {
            return Err(bound("at most", max));
        }
    }
    Ok(())
}

fn check_choices(wanted: &Wanted<'_>, value: &str) -> Result<(), ConfigError> {
    if wanted.choices.is_empty() {
        return Ok(());
    }
    let trimmed = value.trim();
    let parts: Vec<&str> = match wanted.value_type {
        ValueType::List => trimmed
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect(),
        _ => vec![trimmed],
    };
    let mut rest = parts.as_slice();
    while let Some((first, others)) = rest.split_first() {
        if others.contains(first) {
            return Err(ConfigError::Twice {
                name: wanted.name.to_owned(),
            });
        }
        rest = others;
    }
    // Choices in capitals are Apache Kafka's way to say that capitals do not matter.
    let fits = |part: &str| {
        let is_choice = |choice: &&str| match choice.bytes().all(|byte| !byte.is_ascii_lowercase())
        {
            true => choice.eq_ignore_ascii_case(part),
            false => *choice == part,
        };
        wanted.choices.iter().any(is_choice)
    };
    match parts.iter().find(|part| !fits(part)) {
        None => Ok(()),
        Some(part) => Err(ConfigError::Choice {
            name: wanted.name.to_owned(),
            value: (*part).to_owned(),
            choices: wanted.choices.join(", "),
        }),
    }
}
