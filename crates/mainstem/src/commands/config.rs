//! `mainstem config …`

use mainstem_broker::{PropertyDoc, markdown, property_docs};
use mainstem_client::{Cluster, ConfigChange, ConfigEntry, ConfigTarget};
use serde_json::{Value, json};

use super::topic::split;
use super::{connect, existing_topic};
use crate::advice::unknown_property;
use crate::cli::{ConfigCommand, DocsOptions, Global, TargetOptions};
use crate::failure::Failure;
use crate::output::{Column, counted, did_you_mean, print, rows, say};

pub(crate) async fn run(global: &Global, command: ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Docs(options) => docs(global, &options),
        ConfigCommand::Where => origins(global),
        ConfigCommand::List { target, changed } => list(global, target, changed).await,
        ConfigCommand::Get { target, name } => get(global, target, &name).await,
        ConfigCommand::Set {
            target,
            values,
            dry_run,
        } => {
            let values = values.iter().map(|value| split("", value));
            let values = values.map(|value| value.map(|(name, to)| ConfigChange::Set(name, to)));
            alter(global, target, values.collect::<Result<_, _>>()?, dry_run).await
        }
        ConfigCommand::Unset {
            target,
            names,
            dry_run,
        } => unset(global, target, names, dry_run).await,
    }
}

/// Connects, and makes sure that whoever is meant is there.
async fn reach(
    global: &Global,
    options: TargetOptions,
) -> Result<(Cluster, ConfigTarget), Failure> {
    let cluster = connect(global).await?;
    let target = match (options.topic, options.broker) {
        (Some(topic), _) => {
            existing_topic(&cluster, &topic).await?;
            ConfigTarget::Topic(topic)
        }
        (None, Some(id)) => {
            let nodes = cluster.describe().await?.nodes;
            if nodes.iter().all(|node| node.id != id) {
                let there: Vec<String> = nodes.iter().map(|node| node.id.to_string()).collect();
                return Err(Failure::with_hint(
                    format!("there is no broker {id}"),
                    format!("there is: {}", there.join(", ")),
                ));
            }
            ConfigTarget::Broker(id)
        }
        (None, None) => ConfigTarget::AllBrokers,
    };
    Ok((cluster, target))
}

/// The default that is built in. Nodes do not name that of a value which has no property of the node as its like (`retention.ms` stands
/// for milliseconds, minutes and hours): then it is the one that the reference says.
fn default_of(entry: &ConfigEntry, of_topics: bool) -> Option<String> {
    let documented = || {
        let mut docs = property_docs();
        let doc = docs.find(|doc| doc.of_topics == of_topics && doc.name == entry.name)?;
        doc.default.map(str::to_owned)
    };
    let stands = || entry.is_default.then(|| entry.value.clone()).flatten();
    entry.default.clone().or_else(stands).or_else(documented)
}

fn values(global: &Global, target: &ConfigTarget, entries: &[ConfigEntry]) -> Result<(), Failure> {
    let columns = [
        Column("PROPERTY", "property", false),
        Column("VALUE", "value", false),
        Column("FROM", "source", false),
        Column("DEFAULT", "default", false),
        Column("CHANGE", "change", false),
    ];
    let of_topics = matches!(target, ConfigTarget::Topic(_));
    let table = entries.iter().map(|entry| {
        let change = if entry.read_only {
            "at a start"
        } else {
            "any time"
        };
        vec![
            json!(entry.name),
            json!(entry.value),
            json!(entry.source),
            json!(default_of(entry, of_topics)),
            json!(change),
        ]
    });
    Ok(rows(global, &columns, &table.collect::<Vec<_>>())?)
}

async fn list(global: &Global, target: TargetOptions, changed: bool) -> Result<(), Failure> {
    let (cluster, target) = reach(global, target).await?;
    let mut entries = cluster.configs(&target, None).await?;
    entries.retain(|entry| !(changed && entry.is_default));
    entries.sort_by(|left, right| left.name.cmp(&right.name));
    if entries.is_empty() && !global.json {
        say(global, "nothing is set: everything stands at its default");
    }
    values(global, &target, &entries)
}

/// The value alone, for scripts; with `--json` all that `list` says of it.
async fn get(global: &Global, target: TargetOptions, name: &str) -> Result<(), Failure> {
    let (cluster, target) = reach(global, target).await?;
    let entries = cluster.configs(&target, Some(name)).await?;
    let Some(entry) = entries.iter().find(|entry| entry.name == name) else {
        return Err(missing(&cluster, &target, name).await?);
    };
    if global.json {
        return values(global, &target, std::slice::from_ref(entry));
    }
    match &entry.value {
        Some(value) => print(&format!("{value}\n"))?,
        None if entry.is_sensitive => say(global, &format!("{name} is secret and is not shown")),
        None => say(global, &format!("{name} has no value")),
    }
    Ok(())
}

/// Why a property was not found, and what may have been meant.
async fn missing(cluster: &Cluster, target: &ConfigTarget, name: &str) -> Result<Failure, Failure> {
    if *target == ConfigTarget::AllBrokers {
        return Ok(Failure::with_hint(
            format!("{name} is not set for all brokers"),
            format!("set it: mainstem config set --brokers {name}=VALUE"),
        ));
    }
    let all = cluster.configs(target, None).await?;
    let hint = match did_you_mean(name, all.iter().map(|entry| entry.name.as_str())) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "see all: mainstem config docs".to_owned(),
    };
    Ok(Failure::with_hint(
        format!("there is no property \"{name}\" here"),
        hint,
    ))
}

async fn alter(
    global: &Global,
    target: TargetOptions,
    changes: Vec<ConfigChange>,
    dry_run: bool,
) -> Result<(), Failure> {
    let (cluster, target) = reach(global, target).await?;
    cluster.alter_configs(&target, &changes, dry_run).await?;
    for change in &changes {
        if let ConfigChange::Set(name, _) = change
            && !is_documented(&target, name)
        {
            // Brokers keep what they do not know, as Apache Kafka's do for plug-ins.
            let hint = unknown_property(name, false);
            eprintln!("warning: nobody reads a property \"{name}\"; {hint}");
        }
    }
    changed(global, &changes, dry_run);
    Ok(())
}

/// Whether there is such a property of a topic, or of brokers.
fn is_documented(target: &ConfigTarget, name: &str) -> bool {
    let of_topics = matches!(target, ConfigTarget::Topic(_));
    property_docs().any(|doc| doc.of_topics == of_topics && doc.name == name)
}

/// Puts back what is set for the target itself. What is not set stays as it is, and is said; what nobody knows is refused.
async fn unset(
    global: &Global,
    target: TargetOptions,
    names: Vec<String>,
    dry_run: bool,
) -> Result<(), Failure> {
    let (cluster, target) = reach(global, target).await?;
    let entries = cluster.configs(&target, None).await?;
    let own = match target {
        ConfigTarget::Topic(_) => "topic",
        ConfigTarget::Broker(_) => "broker",
        ConfigTarget::AllBrokers => "all brokers",
    };
    let mut changes = Vec::new();
    for name in names {
        let entry = entries.iter().find(|entry| entry.name == name);
        match entry {
            Some(entry) if entry.source == own => changes.push(ConfigChange::Delete(name)),
            Some(entry) => {
                let from = entry.source;
                say(
                    global,
                    &format!("{name} is not set here: its value is from {from}"),
                );
            }
            None if is_documented(&target, &name) => say(global, &format!("{name} is not set")),
            None => {
                let hint = unknown_property(&name, own == "topic");
                let what = format!("there is no property \"{name}\" here");
                return Err(Failure::with_hint(what, hint));
            }
        }
    }
    if !changes.is_empty() {
        cluster.alter_configs(&target, &changes, dry_run).await?;
    }
    changed(global, &changes, dry_run);
    Ok(())
}

fn changed(global: &Global, changes: &[ConfigChange], dry_run: bool) {
    let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
    let done = if dry_run { "can be changed" } else { "changed" };
    say(global, &format!("{} {done}", counted(count, "value")));
}

/// The options of this very command line, so `--bootstrap` tells of itself as well.
fn origins(global: &Global) -> Result<(), Failure> {
    let columns = [
        Column("OPTION", "option", false),
        Column("VALUE", "value", false),
        Column("FROM", "from", false),
    ];
    let table = global.origins.iter().map(|origin| {
        vec![
            json!(origin.option),
            json!(origin.value),
            json!(origin.from),
        ]
    });
    Ok(rows(global, &columns, &table.collect::<Vec<_>>())?)
}

fn docs(global: &Global, options: &DocsOptions) -> Result<(), Failure> {
    if options.markdown {
        return print(&markdown());
    }
    let columns = [
        Column("OF", "of", false),
        Column("PROPERTY", "property", false),
        Column("TYPE", "type", false),
        Column("DEFAULT", "default", false),
        Column("WHAT IT IS FOR", "text", false),
        Column("EFFECT", "effect", false),
    ];
    let table: Vec<Vec<Value>> = wanted(options)?.iter().map(cells).collect();
    Ok(rows(global, &columns, &table)?)
}

/// The property of the name; if there is none, those whose names begin so.
fn wanted(options: &DocsOptions) -> Result<Vec<PropertyDoc>, Failure> {
    let all: Vec<PropertyDoc> = property_docs()
        .filter(|doc| !(options.topic && !doc.of_topics || options.broker && doc.of_topics))
        .collect();
    let Some(name) = options.name.as_deref() else {
        return Ok(all);
    };
    let is_named = all.iter().any(|doc| doc.name == name);
    let found: Vec<PropertyDoc> = all
        .iter()
        .filter(|doc| doc.name == name || (!is_named && doc.name.starts_with(name)))
        .copied()
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let hint = match did_you_mean(name, all.iter().map(|doc| doc.name)) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "see all: mainstem config docs".to_owned(),
    };
    Err(Failure::with_hint(
        format!("there is no property \"{name}\""),
        hint,
    ))
}

fn cells(doc: &PropertyDoc) -> Vec<Value> {
    let effect = match doc.not_yet {
        None => "yes".to_owned(),
        Some(why) => format!("not yet: {why}"),
    };
    vec![
        json!(if doc.of_topics { "topic" } else { "broker" }),
        json!(doc.name),
        json!(doc.value_type.to_ascii_lowercase()),
        json!(doc.default),
        json!(doc.text),
        json!(effect),
    ]
}
