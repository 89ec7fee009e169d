//! What a property is for and whether it has its effect, looked up by name.

use super::definitions::{BROKER_DOCS, TOPIC_DOCS};
use super::{BROKER_CONFIGS, Served, TOPIC_CONFIGS};

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

/// Everything that is known of a property, for people.
#[derive(Clone, Copy, Debug)]
pub struct PropertyDoc {
    /// True for a topic's, false for a broker's.
    pub of_topics: bool,
    /// Its name.
    pub name: &'static str,
    /// Type of its value, in Apache Kafka's word.
    pub value_type: &'static str,
    /// Its default; `None` when it is unset.
    pub default: Option<&'static str>,
    /// True when it may change while the node runs.
    pub dynamic: bool,
    /// What it is for.
    pub text: &'static str,
    /// Why it has no effect yet; `None` when it has.
    pub not_yet: Option<&'static str>,
}

/// What Apache Kafka has no property for.
const OWN: &[PropertyDoc] = &[PropertyDoc {
    of_topics: false,
    name: "durability",
    value_type: "STRING",
    default: Some("disk"),
    dynamic: false,
    text: "When a record is acknowledged and seen: `disk`, when it is on disk; `page-cache`, as soon as the operating system has it, as in Apache Kafka.",
    not_yet: None,
}];

/// Properties that Apache Kafka does not know.
pub fn own_properties() -> &'static [PropertyDoc] {
    OWN
}

/// All properties: those of topics, those of brokers, by name, and our own.
pub fn property_docs() -> impl Iterator<Item = PropertyDoc> {
    let why = |served| match served {
        Served::Yes => None,
        Served::NotYet(why) => Some(why),
    };
    let topics = TOPIC_CONFIGS.iter().map(move |row| PropertyDoc {
        of_topics: true,
        name: row.name,
        value_type: row.value_type.kafka_name(),
        default: Some(row.default),
        dynamic: true,
        text: topic_doc(row.name).unwrap_or(""),
        not_yet: why(row.served),
    });
    let brokers = BROKER_CONFIGS.iter().filter_map(move |row| {
        let doc = broker_doc(row.name)?;
        Some(PropertyDoc {
            of_topics: false,
            name: row.name,
            value_type: row.value_type.kafka_name(),
            default: row.default,
            dynamic: row.dynamic,
            text: doc.text,
            not_yet: why(doc.served),
        })
    });
    topics.chain(brokers).chain(OWN.iter().copied())
}
