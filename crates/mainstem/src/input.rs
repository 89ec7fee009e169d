//! From standard input to records: lines, JSON objects, CSV rows.

use std::io::BufRead;

use serde_json::{Map, Number, Value};

use crate::cli::{InputFormat, ProduceOptions};
use crate::failure::Failure;

/// Key and value of a record.
pub(crate) type KeyValue = (Option<Vec<u8>>, Vec<u8>);

/// Calls `take` with each record of the input, until it ends or `take` fails.
pub(crate) fn each_record(
    options: &ProduceOptions,
    input: impl BufRead,
    mut take: impl FnMut(KeyValue) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if options.format != InputFormat::Lines && options.key_separator.is_some() {
        return Err(Failure::usage(
            "--key-separator is for lines",
            "with --format json or csv name the field: --key FIELD",
        ));
    }
    match options.format {
        InputFormat::Lines => lines(options, input, &mut take),
        InputFormat::Json => json(options, input, &mut take),
        InputFormat::Csv => csv_rows(options, input, &mut take),
    }
}

fn lines(
    options: &ProduceOptions,
    mut input: impl BufRead,
    take: &mut impl FnMut(KeyValue) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut line = Vec::new();
    for number in 1u64.. {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        trim_newline(&mut line);
        match &options.key_separator {
            None => take((None, line.clone()))?,
            Some(separator) => {
                let at = find(&line, separator.as_bytes());
                let Some(at) = at else {
                    let message =
                        format!("line {number} has no {separator:?} between key and value");
                    return Err(Failure::with_hint(
                        message,
                        "records before it were sent; leave --key-separator out for lines without keys",
                    ));
                };
                let (key, rest) = line.split_at(at);
                take((Some(key.to_vec()), rest[separator.len()..].to_vec()))?;
            }
        }
    }
    Ok(())
}

fn trim_newline(line: &mut Vec<u8>) {
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
}

fn find(line: &[u8], wanted: &[u8]) -> Option<usize> {
    if wanted.is_empty() {
        return None;
    }
    line.windows(wanted.len())
        .position(|window| window == wanted)
}

/// The text of a field that is the key: a string as it is, anything else as JSON; null gives no key.
fn key_of(
    object: &Map<String, Value>,
    field: &str,
    place: &str,
) -> Result<Option<Vec<u8>>, Failure> {
    match object.get(field) {
        None => {
            let there: Vec<&str> = object.keys().map(String::as_str).collect();
            Err(Failure::with_hint(
                format!("{place} has no field {field:?}"),
                format!("its fields are {}", there.join(", ")),
            ))
        }
        Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone().into_bytes())),
        Some(other) => Ok(Some(other.to_string().into_bytes())),
    }
}

fn json(
    options: &ProduceOptions,
    input: impl BufRead,
    take: &mut impl FnMut(KeyValue) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for (number, line) in (1u64..).zip(input.lines()) {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let place = format!("line {number}");
        let value: Value = serde_json::from_str(&line).map_err(|error| {
            Failure::with_hint(
                format!("{place} is not JSON: {error}"),
                "records before it were sent",
            )
        })?;
        let key = match (&options.key, value.as_object()) {
            (None, _) => None,
            (Some(field), Some(object)) => key_of(object, field, &place)?,
            (Some(_), None) => {
                return Err(Failure::no(format!(
                    "{place} is not an object, so it has no key field"
                )));
            }
        };
        take((key, line.into_bytes()))?;
    }
    Ok(())
}

/// A cell as JSON: null, a number if it reads as one (unless its field stays text), else text.
fn cell(text: &str, is_text: bool, null: Option<&str>) -> Value {
    if text.is_empty() || null == Some(text) {
        return Value::Null;
    }
    if !is_text && let Some(number) = number(text) {
        return Value::Number(number);
    }
    Value::String(text.to_owned())
}

/// Numbers as JSON writes them: no leading zeros or plus, no spaces, nothing that a reader could not turn back.
fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let leads_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if leads_zero || !digits.starts_with(|character: char| character.is_ascii_digit()) {
        return None;
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(Number::from(number));
    }
    let number: f64 = text.parse().ok()?;
    Number::from_f64(number)
}

fn csv_rows(
    options: &ProduceOptions,
    input: impl BufRead,
    take: &mut impl FnMut(KeyValue) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut reader = csv::Reader::from_reader(input);
    let wrong = |error: csv::Error| {
        Failure::with_hint(format!("not CSV: {error}"), "records before it were sent")
    };
    let header = reader.headers().map_err(wrong)?.clone();
    for field in options.key.iter().chain(&options.text) {
        if !header.iter().any(|name| name == field) {
            let names: Vec<&str> = header.iter().collect();
            return Err(Failure::usage(
                format!("the header has no field {field:?}"),
                format!("its fields are {}", names.join(", ")),
            ));
        }
    }
    let mut row = csv::StringRecord::new();
    while reader.read_record(&mut row).map_err(wrong)? {
        let mut object = Map::new();
        let mut key = None;
        for (name, text) in header.iter().zip(row.iter()) {
            let is_text = options.text.iter().any(|field| field == name);
            let value = cell(text, is_text, options.null.as_deref());
            if options.key.as_deref() == Some(name) && !value.is_null() {
                key = Some(text.as_bytes().to_vec()); // the field's own text, whatever it became
            }
            object.insert(name.to_owned(), value);
        }
        take((key, Value::Object(object).to_string().into_bytes()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
