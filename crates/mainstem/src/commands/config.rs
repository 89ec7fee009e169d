//! `mainstem config …`

use mainstem_broker::{PropertyDoc, markdown, property_docs};
use serde_json::{Value, json};

use crate::cli::{ConfigCommand, DocsOptions, Global};
use crate::failure::Failure;
use crate::output::{Column, did_you_mean, rows};

pub(crate) fn run(global: &Global, command: ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Docs(options) => docs(global, &options),
    }
}

fn docs(global: &Global, options: &DocsOptions) -> Result<(), Failure> {
    if options.markdown {
        print!("{}", markdown());
        return Ok(());
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
