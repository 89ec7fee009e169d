//! What a broker's properties may be changed to while it runs: rules between them, and steps of counts of threads, as Apache Kafka's
//! `DynamicBrokerConfig` has them and in its words.

use std::collections::BTreeMap;

use mainstem_metadata::config::check_broker_together;
use mainstem_metadata::{ConfigResource, MetadataImage};
use mainstem_protocol::Str;

use super::{Properties, dynamic_configs, effective};

/// Counts of threads that may at most double or halve at a time.
const THREADS: &[&str] = &[
    "num.network.threads",
    "num.io.threads",
    "num.recovery.threads.per.data.dir",
    "background.threads",
    "num.replica.fetchers",
];
/// One more, in other words.
const CLEANER: &str = "log.cleaner.threads";

/// Properties of listeners that are not of TLS or SASL.
const LISTENERS: &[&str] = &[
    "listener.security.protocol.map",
    "listeners",
    "principal.builder.class",
];

/// Checks the values of one broker, or of all of them, as they are to be; `given` is what this node was started with.
pub(crate) fn check_change(
    given: &Properties,
    node_id: i32,
    image: &MetadataImage,
    resource: &ConfigResource,
    after: &BTreeMap<Str, Str>,
) -> Result<(), String> {
    check_places(resource, after)?;
    let [own, all] = dynamic_configs(image, node_id);
    let layers = match resource.name.is_empty() {
        true => [Some(after), own.map(|own| &**own)],
        false => [all.map(|all| &**all), Some(after)],
    };
    let mut new = given.clone();
    for values in layers.into_iter().flatten() {
        new = new.overlaid(values);
    }
    check_broker_together(&|name| new.given(name)).map_err(|error| error.kafka_words())?;
    check_listeners(&new, after)?;
    check_threads(&effective(given, image, node_id), &new)
}

/// Counts of threads are changed in steps.
fn check_threads(current: &Properties, new: &Properties) -> Result<(), String> {
    let step = |name| (current.number(name), new.number(name));
    for name in THREADS {
        let failed = |what: String| {
            let new = new.number(name);
            let what = format!(
                "Dynamic thread count update validation failed for {name}={new}, value should {what}"
            );
            Err(invalid(&what))
        };
        match step(name) {
            (old, new) if old == new => {}
            (_, new) if new <= 0 => return failed("be at least 1".to_owned()),
            (old, new) if new < old / 2 => {
                return failed(format!("be at least half the current value {old}"));
            }
            (old, new) if new > old * 2 => {
                return failed(format!(
                    "not be greater than double the current value {old}"
                ));
            }
            _ => {}
        }
    }
    let what = match step(CLEANER) {
        (old, new) if old == new => return Ok(()),
        (_, new) if new < 1 => "Log cleaner threads should be at least 1".to_owned(),
        (old, new) if new < old / 2 => {
            format!(
                "Log cleaner threads cannot be reduced to less than half the current value {old}"
            )
        }
        (old, new) if new > old * 2 => {
            format!(
                "Log cleaner threads cannot be increased to more than double the current value {old}"
            )
        }
        _ => return Ok(()),
    };
    Err(invalid(&what))
}

/// Some properties are a listener's or a broker's own.
fn check_places(resource: &ConfigResource, after: &BTreeMap<Str, Str>) -> Result<(), String> {
    let is_store = |name: &str| {
        name == "ssl.key.password"
            || name.starts_with("ssl.keystore.")
            || name.starts_with("ssl.truststore.")
    };
    let is_own = |name: &str| {
        name.starts_with("ssl.") || name.starts_with("sasl.") || LISTENERS.contains(&name)
    };
    let refuse = |what: &str, of: &dyn Fn(&str) -> bool| {
        let names: Vec<&str> = after
            .keys()
            .map(Str::as_str)
            .filter(|name| of(name))
            .collect();
        match names.is_empty() {
            true => Ok(()),
            false => Err(format!("{what}: [{}]", names.join(", "))),
        }
    };
    refuse(
        "These security configs can be dynamically updated only per-listener using the listener prefix",
        &is_store,
    )?;
    match resource.name.is_empty() {
        true => refuse(
            "Cannot update these configs at default cluster level, broker id must be specified",
            &is_own,
        ),
        false => Ok(()),
    }
}

/// Every listener has a protocol, and a node that is a controller too names the controller's.
fn check_listeners(new: &Properties, after: &BTreeMap<Str, Str>) -> Result<(), String> {
    let Some(listeners) = after.get("listeners") else {
        return Ok(());
    };
    let words = |list: &'static str| new.text(list).unwrap_or_default().split(',').map(str::trim);
    let listeners: Vec<&str> = listeners.split(',').map(str::trim).collect();
    let name_of = |listener: &&str| listener.split("://").next().unwrap_or_default().to_owned();
    let names: Vec<String> = listeners.iter().map(name_of).collect();
    for name in &names {
        let mut protocols = words("listener.security.protocol.map");
        if !protocols.any(|pair| pair.split(':').next() == Some(name.as_str())) {
            return Err(format!(
                "Error creating broker listeners from '[{}]': No security protocol defined for listener {name}",
                listeners.join(", ")
            ));
        }
    }
    if words("controller.listener.names").any(|name| names.iter().any(|there| there == name)) {
        return Ok(());
    }
    let what = "requirement failed: controller.listener.names must contain at least one value appearing in the 'listeners' configuration when running the KRaft controller role";
    Err(what.to_owned())
}

fn invalid(what: &str) -> String {
    format!(
        "Invalid value org.apache.kafka.common.config.ConfigException: {what} for configuration Invalid dynamic configuration"
    )
}
