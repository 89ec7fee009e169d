//! What properties ask for and a node cannot give yet. What would protect data or keep it elsewhere is refused: to serve without it is not
//! what was asked for. The rest is named once.

use mainstem_metadata::config::{Served, broker_config, broker_doc};

use super::{Properties, PropertyError};

/// Of these the node does by itself what a file for one node of Apache Kafka says.
const AS_IT_IS: &[&str] = &[
    "advertised.listeners",
    "controller.listener.names",
    "controller.quorum.bootstrap.servers",
    "controller.quorum.voters",
    "inter.broker.listener.name",
    "listener.security.protocol.map",
    "listeners",
    "log.dirs",
    "process.roles",
];

/// Refuses what must not be passed over.
pub(super) fn refuse(properties: &Properties) -> Result<(), PropertyError> {
    let refuse = |name: &str, why: String| {
        Err(PropertyError::Unserved {
            name: name.to_owned(),
            value: properties.given(name).unwrap_or_default().to_owned(),
            why,
        })
    };
    let words = |name| words(properties.given(name).unwrap_or_default());
    if words("authorizer.class.name").next().is_some() {
        let why = "access control is not served yet, so everybody may do everything";
        return refuse("authorizer.class.name", why.to_owned());
    }
    for listener in words("listeners") {
        match security_protocol(properties, listener) {
            Some(protocol) if protocol.eq_ignore_ascii_case("PLAINTEXT") => {}
            Some(protocol) => {
                let why = format!("{protocol} is not served yet, only PLAINTEXT");
                return refuse("listeners", why);
            }
            None => {
                let name = name_of(listener);
                let why = format!("No security protocol defined for listener {name}");
                return refuse("listeners", why);
            }
        }
    }
    let own = properties.number("node.id").to_string();
    for voter in words("controller.quorum.voters") {
        let id = voter.split('@').next().unwrap_or_default();
        if id != own {
            let why = format!("this is node {own}, and a node is alone in its cluster so far");
            return refuse("controller.quorum.voters", why);
        }
    }
    let roles = words("process.roles").count();
    if roles == 1 {
        let why = "a node is both broker and controller so far".to_owned();
        return refuse("process.roles", why);
    }
    for name in ["log.dirs", "log.dir"] {
        if words(name).count() > 1 {
            return refuse(name, "one directory is served so far".to_owned());
        }
    }
    Ok(())
}

/// Names those that were given another value than their default, and have no effect.
pub(super) fn without_effect(properties: &Properties) -> Option<String> {
    let idle = properties.all_given().filter(|(name, value)| {
        let not_yet = broker_doc(name).is_some_and(|doc| doc.served != Served::Yes);
        let default = broker_config(name).and_then(|row| row.default);
        not_yet && !AS_IT_IS.contains(name) && *value != default.unwrap_or_default()
    });
    let names: Vec<&str> = idle.map(|(name, _)| name).collect();
    if names.is_empty() {
        return None;
    }
    let names = names.join(", ");
    Some(format!(
        "without effect yet: {names} (mainstem config docs NAME says why)"
    ))
}

fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

fn name_of(listener: &str) -> &str {
    listener.split("://").next().unwrap_or_default()
}

/// That of a listener such as `SSL://host:port`; a controller's is plain where the map does not know its name.
fn security_protocol<'a>(properties: &'a Properties, listener: &str) -> Option<&'a str> {
    let name = name_of(listener);
    let text = |property| properties.text(property).unwrap_or_default();
    let known = words(text("listener.security.protocol.map"))
        .filter_map(|pair| pair.split_once(':'))
        .find(|(known, _)| known.trim().eq_ignore_ascii_case(name));
    let mut of_controllers = words(text("controller.listener.names"));
    match known {
        Some((_, protocol)) => Some(protocol.trim()),
        None => of_controllers
            .any(|controller| controller.eq_ignore_ascii_case(name))
            .then_some("PLAINTEXT"),
    }
}
