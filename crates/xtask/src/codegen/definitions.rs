//! Reads the message definitions out of the jars.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::jars::KAFKA_VERSION;
use super::schema::{Default, Field, Kind, Message, Struct, Type, Versions};

/// The jars that hold definitions.
const JARS: &[&str] = &[
    "kafka-clients",
    "kafka-group-coordinator",
    "kafka-metadata",
    "kafka-raft",
    "kafka-share-coordinator",
    "kafka-storage",
    "kafka-transaction-coordinator",
];

/// Reads all messages, by name.
pub fn read(libs: &Path) -> Result<BTreeMap<String, Message>> {
    let mut messages = BTreeMap::new();
    for jar in JARS {
        let path = libs.join(format!("{jar}-{KAFKA_VERSION}.jar"));
        let file = std::fs::File::open(&path).with_context(|| format!("{}", path.display()))?;
        let mut archive = zip::ZipArchive::new(file)?;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index)?;
            let name = entry.name()?.into_owned();
            let in_folder = ["common/message/", "common/metadata/", "message/"]
                .iter()
                .any(|folder| {
                    name.strip_prefix(folder)
                        .is_some_and(|rest| !rest.contains('/'))
                });
            if !in_folder || !name.ends_with(".json") {
                continue;
            }
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            let json: Value =
                serde_json::from_str(&without_comments(&text)).with_context(|| name.clone())?;
            let message = message(&json, jar).with_context(|| name.clone())?;
            if messages.insert(message.name.clone(), message).is_some() {
                bail!("two definitions named as in {name}");
            }
        }
    }
    Ok(messages)
}

/// Blanks `//` comments, which may follow a field and hold quotes; strings may hold `//`.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let mut in_string = false;
        let mut escaped = false;
        let mut previous = ' ';
        let mut end = line.len();
        for (at, character) in line.char_indices() {
            if in_string {
                in_string = escaped || character != '"';
                escaped = !escaped && character == '\\';
            } else if character == '"' {
                in_string = true;
            } else if character == '/' && previous == '/' {
                end = at - 1;
                break;
            }
            previous = character;
        }
        out.push_str(&line[..end]);
        out.push('\n');
    }
    out
}

fn text<'a>(json: &'a Value, key: &str) -> Result<&'a str> {
    json[key]
        .as_str()
        .with_context(|| format!("{key} is not a text"))
}

fn kind(json: &Value, jar: &str) -> Result<Kind> {
    Ok(match text(json, "type")? {
        "request" => Kind::Request,
        "response" => Kind::Response,
        "header" | "data" => Kind::Data,
        "metadata" if jar == "kafka-metadata" => Kind::Metadata,
        "metadata" => Kind::RemoteLog,
        "coordinator-key" => Kind::CoordinatorKey,
        "coordinator-value" => Kind::CoordinatorValue,
        other => bail!("unknown message type {other}"),
    })
}

fn message(json: &Value, jar: &str) -> Result<Message> {
    let name = text(json, "name")?.to_owned();
    let valid = Versions::parse(text(json, "validVersions")?);
    let flexible = Versions::parse(json["flexibleVersions"].as_str().unwrap_or("none"));
    let mut structs = BTreeMap::new();
    let mut root = Struct {
        name: name.clone(),
        fields: Vec::new(),
    };
    if let Some(valid) = valid {
        for common in json["commonStructs"].as_array().into_iter().flatten() {
            let name = text(common, "name")?.to_owned();
            let fields = fields(&common["fields"], valid, &mut structs)?;
            structs.insert(name.clone(), Struct { name, fields });
        }
        root.fields = fields(&json["fields"], valid, &mut structs)?;
    }
    let key = json["apiKey"].as_i64().map(i16::try_from).transpose()?;
    Ok(Message {
        name,
        kind: kind(json, jar)?,
        jar: jar.to_owned(),
        key,
        valid,
        flexible_from: flexible.map_or(i16::MAX, |versions| versions.first),
        latest_unstable: json["latestVersionUnstable"].as_bool().unwrap_or(false),
        root,
        structs,
    })
}

fn fields(
    json: &Value,
    parent: Versions,
    structs: &mut BTreeMap<String, Struct>,
) -> Result<Vec<Field>> {
    let mut fields = Vec::new();
    for field_json in json.as_array().into_iter().flatten() {
        if let Some(field) = field(field_json, parent, structs)? {
            fields.push(field);
        }
    }
    Ok(fields)
}

/// One field; `None` when no version of the message has it.
fn field(
    json: &Value,
    parent: Versions,
    structs: &mut BTreeMap<String, Struct>,
) -> Result<Option<Field>> {
    let name = text(json, "name")?.to_owned();
    // Five tagged fields have no `versions`: theirs are the tagged ones.
    let versions = json["versions"]
        .as_str()
        .or_else(|| json["taggedVersions"].as_str());
    let versions = versions
        .and_then(Versions::parse)
        .with_context(|| format!("versions of {name}"))?;
    let Some(versions) = versions.intersect(parent) else {
        return Ok(None);
    };
    let field_type = field_type(text(json, "type")?);
    let tag = json["tag"].as_u64().map(u32::try_from).transpose()?;
    if tag.is_some() {
        let tagged = json["taggedVersions"].as_str().and_then(Versions::parse);
        if !tagged.is_some_and(|tagged| tagged.covers(versions)) {
            bail!(
                "{name} is tagged in only some of its versions, which this generator does not know"
            );
        }
    }
    if !json["fields"].is_null()
        && let Some(struct_name) = struct_name(&field_type)
    {
        let fields = fields(&json["fields"], versions, structs)?;
        structs.insert(
            struct_name.to_owned(),
            Struct {
                name: struct_name.to_owned(),
                fields,
            },
        );
    }
    let nullable = json["nullableVersions"].as_str().and_then(Versions::parse);
    Ok(Some(Field {
        nullable: nullable.and_then(|nullable| nullable.intersect(versions)),
        tag,
        default: default(&json["default"], &field_type)?,
        ignorable: json["ignorable"].as_bool().unwrap_or(false),
        never_flexible: json["flexibleVersions"].as_str() == Some("none"),
        name,
        field_type,
        versions,
    }))
}

fn struct_name(field_type: &Type) -> Option<&str> {
    match field_type {
        Type::Struct(name) => Some(name),
        Type::Array(element) => struct_name(element),
        _ => None,
    }
}

fn field_type(text: &str) -> Type {
    if let Some(element) = text.strip_prefix("[]") {
        return Type::Array(Box::new(field_type(element)));
    }
    match text {
        "bool" => Type::Bool,
        "int8" => Type::Int8,
        "int16" => Type::Int16,
        "uint16" => Type::Uint16,
        "int32" => Type::Int32,
        "uint32" => Type::Uint32,
        "int64" => Type::Int64,
        "float64" => Type::Float64,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "uuid" => Type::Uuid,
        "records" => Type::Records,
        name => Type::Struct(name.to_owned()),
    }
}

/// A bare `null` means "no default given" to Apache's generator; only the text "null" is null.
fn default(json: &Value, field_type: &Type) -> Result<Default> {
    let literal = match json {
        Value::Null if *field_type == Type::Records => return Ok(Default::Null),
        Value::Null => return Ok(Default::Zero),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        other => bail!("a default of an unknown form: {other}"),
    };
    Ok(match (literal.as_str(), field_type) {
        ("null", _) => Default::Null,
        ("" | "0" | "false", _) => Default::Zero,
        (_, Type::Array(_) | Type::Struct(_) | Type::Bytes | Type::Uuid) => {
            bail!("default {literal} of a type that has none")
        }
        _ => Default::Literal(literal),
    })
}
