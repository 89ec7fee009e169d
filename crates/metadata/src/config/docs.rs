//! What a property is for and whether it has its effect, looked up by name.

use super::Served;
use super::definitions::{BROKER_DOCS, TOPIC_DOCS};

/// What is said of a broker property.
#[derive(Clone, Copy, Debug)]
pub struct BrokerDoc {
    /// Its name.
    pub name: &'static str,
    /// Whether it has its effect.
    pub served: Served,
    /// What it is for.
    pub text: &'static str,
}

/// What is said of the broker properties, by area.
pub fn broker_areas() -> impl Iterator<Item = (&'static str, &'static [BrokerDoc])> {
    BROKER_DOCS.iter().copied()
}

/// What is said of a broker property.
pub fn broker_doc(name: &str) -> Option<&'static BrokerDoc> {
    BROKER_DOCS.iter().find_map(|(_, rows)| {
        let at = rows.binary_search_by(|row| row.name.cmp(name)).ok()?;
        rows.get(at)
    })
}

/// What a topic property is for.
pub fn topic_doc(name: &str) -> Option<&'static str> {
    let at = TOPIC_DOCS
        .binary_search_by(|(of, _)| (*of).cmp(name))
        .ok()?;
    TOPIC_DOCS.get(at).map(|(_, text)| *text)
}
