//! The page of all properties, in Markdown.

use std::fmt::Write as _;

use super::{
    BROKER_CONFIGS, Served, TOPIC_CONFIGS, ValueType, broker_areas, broker_config, own_properties,
    topic_doc,
};

const HEAD: &str = "# Configuration

Every property of Apache Kafka 4.4, and our own. This page is made from the tables in the code; a test holds it to them. The same on the command
line: `mainstem config docs`.

Broker properties go into the file of `mainstem server --config FILE`, or after `-o NAME=VALUE`. One that says \"while running\" may also be
changed for one broker, or for all, while they run.
";

/// The page.
pub fn markdown() -> String {
    let mut out = HEAD.to_owned();
    out.push_str("\n## Topics\n\n| property | type | default | what it is for | effect here |\n|---|---|---|---|---|\n");
    for row in TOPIC_CONFIGS {
        let text = topic_doc(row.name).unwrap_or("");
        line(
            &mut out,
            row.name,
            row.value_type,
            row.default,
            text,
            row.served,
        );
    }
    own(&mut out);
    let count = BROKER_CONFIGS.len();
    let _ = write!(out, "\n## Brokers\n\n{count} properties.\n");
    for (area, rows) in broker_areas() {
        let _ = write!(
            out,
            "\n### {area}\n\n| property | type | default | what it is for | effect here |\n|---|---|---|---|---|\n"
        );
        for doc in rows {
            let Some(row) = broker_config(doc.name) else {
                continue;
            };
            let running = if row.dynamic {
                " May change while running."
            } else {
                ""
            };
            let text = format!("{}{running}", doc.text);
            let default = row.default.unwrap_or("unset");
            line(
                &mut out,
                row.name,
                row.value_type,
                default,
                &text,
                doc.served,
            );
        }
    }
    out
}

fn own(out: &mut String) {
    out.push_str(
        "\n## Our own\n\n| property | type | default | what it is for |\n|---|---|---|---|\n",
    );
    for doc in own_properties() {
        let (name, text) = (doc.name, doc.text);
        let value_type = doc.value_type.to_ascii_lowercase();
        let default = doc.default.unwrap_or("unset");
        let _ = writeln!(out, "| `{name}` | {value_type} | `{default}` | {text} |");
    }
}

fn line(
    out: &mut String,
    name: &str,
    value_type: ValueType,
    default: &str,
    text: &str,
    served: Served,
) {
    let value_type = value_type.kafka_name().to_ascii_lowercase();
    let default = if default.is_empty() { "empty" } else { default };
    let effect = match served {
        Served::Yes => "yes".to_owned(),
        Served::NotYet(why) => format!("not yet: {why}"),
    };
    let _ = writeln!(
        out,
        "| `{name}` | {value_type} | `{default}` | {text} | {effect} |"
    );
}
