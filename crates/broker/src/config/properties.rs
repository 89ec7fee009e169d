//! Properties under Kafka's names: reading a file, checking values, asking for them by type.

use std::collections::BTreeMap;

use mainstem_metadata::config::{
    ConfigError, broker_config, check_broker_together, check_broker_value,
};

use mainstem_protocol::Str;

use super::{Durability, asked, java};

/// Our own property: `disk` or `page-cache`.
const DURABILITY: &str = "durability";

/// Properties that were given, checked; others have their defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    given: BTreeMap<String, String>,
    warnings: Vec<String>,
}

/// Why a property cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PropertyError {
    /// A line that is not `name = value`.
    #[error("{place}: {line:?} is not name = value")]
    Syntax {
        /// File and line, or the option.
        place: String,
        /// The line.
        line: String,
    },
    /// Something that the node cannot give, and must not pass over.
    #[error("{name} = {value}: {why}")]
    Unserved {
        /// The property.
        name: String,
        /// As given.
        value: String,
        /// Why not.
        why: String,
    },
    /// A value that its property cannot have.
    #[error("{place}: {cause}")]
    Value {
        /// File and line, or the option.
        place: String,
        /// What is wrong.
        cause: ConfigError,
    },
}

impl Properties {
    /// Takes the text of a properties file; `file` names it in errors.
    pub fn read(&mut self, file: &str, text: &str) -> Result<(), PropertyError> {
        for (at, line) in java::lines(text) {
            let (name, value) = java::name_and_value(&line);
            self.set_at(&format!("{file} line {at}"), &line, &name, &value)?;
        }
        Ok(())
    }

    /// Takes a `name=value` option.
    pub fn set(&mut self, option: &str) -> Result<(), PropertyError> {
        let place = format!("option {option}");
        let (name, value) = option.split_once('=').unwrap_or_default();
        self.set_at(&place, option, name.trim(), value.trim())
    }

    fn set_at(
        &mut self,
        place: &str,
        line: &str,
        name: &str,
        value: &str,
    ) -> Result<(), PropertyError> {
        if name.is_empty() {
            return Err(PropertyError::Syntax {
                place: place.to_owned(),
                line: line.to_owned(),
            });
        }
        let refuse = |cause| PropertyError::Value {
            place: place.to_owned(),
            cause,
        };
        if name == DURABILITY {
            if !matches!(value, "disk" | "page-cache") {
                let choices = "disk, page-cache".to_owned();
                let (name, value) = (name.to_owned(), value.to_owned());
                return Err(refuse(ConfigError::Choice {
                    name,
                    value,
                    choices,
                }));
            }
        } else if let Some(row) = broker_config(name) {
            check_broker_value(row, value).map_err(refuse)?;
        } else {
            self.warnings
                .push(format!("{place}: unknown property {name} has no effect"));
        }
        self.given.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// Checks the values against each other, and against what a node can give, once all are there.
    pub fn check_together(&self) -> Result<(), PropertyError> {
        check_broker_together(&|name| self.given(name)).map_err(|cause| PropertyError::Value {
            place: "properties".to_owned(),
            cause,
        })?;
        asked::refuse(self)
    }

    /// These properties with those over them that may change while a node runs.
    pub(crate) fn overlaid(&self, dynamic: &BTreeMap<Str, Str>) -> Self {
        let mut overlaid = self.clone();
        for (name, value) in dynamic {
            if broker_config(name).is_some_and(|row| row.dynamic) {
                overlaid.given.insert(name.to_string(), value.to_string());
            }
        }
        overlaid
    }

    /// Notes what the node found out by itself, or was told in another way.
    pub(crate) fn note(&mut self, name: &str, value: String) {
        self.given.entry(name.to_owned()).or_insert(value);
    }

    /// What should be said about the properties: which are unknown, and which have no effect.
    pub fn warnings(&self) -> Vec<String> {
        let idle = asked::without_effect(self);
        self.warnings.iter().cloned().chain(idle).collect()
    }

    pub(super) fn all_given(&self) -> impl Iterator<Item = (&str, &str)> {
        let given = self.given.iter();
        given.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A value that was given.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }

    /// A value, or its default.
    pub fn text(&self, name: &str) -> Option<&str> {
        debug_assert!(broker_config(name).is_some(), "{name} is no property");
        self.given(name)
            .or_else(|| broker_config(name).and_then(|row| row.default))
    }

    /// A number, or its default; 0 when it has none.
    pub fn number(&self, name: &str) -> i64 {
        self.text(name)
            .and_then(|value| value.trim().parse().ok())
            .unwrap_or(0)
    }

    /// A truth value, or its default.
    pub fn flag(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
    }

    /// When a record counts as committed.
    pub fn durability(&self) -> Durability {
        match self.given(DURABILITY) {
            Some("page-cache") => Durability::PageCache,
            _ => Durability::Disk,
        }
    }
}
