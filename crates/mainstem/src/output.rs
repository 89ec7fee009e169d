//! Tables for eyes, tab-separated lines for pipes, JSON for programs.

use std::io::{self, IsTerminal, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width};
use serde_json::Value;

use crate::cli::Global;

/// A terminal that is narrower says nothing of use: a pseudo-terminal that nobody gave a size has width 0.
const WIDTH_MIN: u16 = 40;
const WIDTH_USUAL: u16 = 80;
/// Longer words may break.
const WORD_WIDTH_MAX: usize = 24;

/// A column: its name for eyes, its key in JSON, and whether it is a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column(
    pub(crate) &'static str,
    pub(crate) &'static str,
    pub(crate) bool,
);

/// Whether colours are welcome.
pub(crate) fn colours(is_terminal: bool) -> bool {
    is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whole numbers with their thousands apart: `104,221`.
pub(crate) fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if number < 0 { format!("-{out}") } else { out }
}

/// So many of something: `1 record`, `1,000 records`.
pub(crate) fn counted(number: i64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", thousands(number))
}

/// A count of bytes: `3.4 MiB` for eyes, the number itself for programs.
pub(crate) fn bytes(global: &Global, count: i64) -> Value {
    if global.json || !io::stdout().is_terminal() {
        return Value::from(count);
    }
    let count = u64::try_from(count).unwrap_or(0);
    Value::from(indicatif::HumanBytes(count).to_string())
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// Prints rows in the form that is wanted.
pub(crate) fn rows(global: &Global, columns: &[Column], rows: &[Vec<Value>]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if global.json {
        for row in rows {
            let object: serde_json::Map<String, Value> = columns
                .iter()
                .zip(row)
                .map(|(column, value)| (column.1.to_owned(), value.clone()))
                .collect();
            writeln!(out, "{}", Value::Object(object))?;
        }
        return Ok(());
    }
    if !io::stdout().is_terminal() {
        for row in rows {
            writeln!(
                out,
                "{}",
                row.iter().map(plain).collect::<Vec<_>>().join("\t")
            )?;
        }
        return Ok(());
    }
    if rows.is_empty() {
        return Ok(()); // whoever asked was told so in words
    }
    let width = Table::new().width();
    writeln!(out, "{}", drawn(columns, rows, table_width(width)))
}

/// How wide a table may be. A terminal that does not know its width, or has hardly any, is taken for one of the usual.
fn table_width(terminal: Option<u16>) -> u16 {
    terminal
        .filter(|width| *width >= WIDTH_MIN)
        .unwrap_or(WIDTH_USUAL)
}

/// The least width of a column in which neither its name nor a number breaks, nor a word that is not very long.
fn width_min(column: &Column, cells: impl Iterator<Item = String>) -> u16 {
    let longest = |text: &str| {
        let words = text.split_whitespace().map(|word| word.chars().count());
        words.max().unwrap_or(0)
    };
    let content = cells.map(|cell| match column.2 {
        true => cell.chars().count(),
        false => longest(&cell).min(WORD_WIDTH_MAX),
    });
    let least = content.max().unwrap_or(0).max(longest(column.0));
    u16::try_from(least).unwrap_or(u16::MAX)
}

/// A table for eyes. Where not even its words fit, rows are left to the terminal: a line each.
fn drawn(columns: &[Column], rows: &[Vec<Value>], width: u16) -> String {
    let text = |value: &Value| match value.as_i64() {
        Some(number) => thousands(number),
        None => plain(value),
    };
    let mut table = Table::new();
    table.load_style(NOTHING).set_width(width);
    table.set_header(columns.iter().map(|column| column.0));
    for row in rows {
        table.add_row(row.iter().map(text));
    }
    let mut needed = 0_u16;
    for (at, column) in columns.iter().enumerate() {
        let Some(cells) = table.column_mut(at) else {
            continue;
        };
        if column.2 {
            cells.set_cell_alignment(CellAlignment::Right);
        }
        let content = rows.iter().filter_map(|row| row.get(at)).map(text);
        let least = width_min(column, content).saturating_add(cells.padding_width());
        cells.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
        needed = needed.saturating_add(least);
    }
    table.set_content_arrangement(if needed > width {
        ContentArrangement::Disabled
    } else {
        ContentArrangement::Dynamic
    });
    table.trim_fmt()
}

/// Writes text as it is. That nobody reads any more is told to the caller, who ends quietly.
pub(crate) fn print(text: &str) -> Result<(), crate::failure::Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(crate::failure::Failure::system)
}

/// Says something about the work, unless only data is wanted.
pub(crate) fn say(global: &Global, text: &str) {
    if !global.quiet {
        eprintln!("{text}");
    }
}

/// A name that may have been meant: the nearest within two changes.
pub(crate) fn did_you_mean<'a>(
    wanted: &str,
    there: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    there
        .map(|name| (distance(wanted, name), name))
        .filter(|(far, _)| *far <= 2)
        .min()
        .map(|(_, name)| name)
}

/// Changes of one character that lead from one word to another (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, character) in from.chars().enumerate() {
        let mut before = row[0];
        row[0] = at + 1;
        for (to_at, other) in to.iter().enumerate() {
            let replaced = before + usize::from(character != *other);
            before = row[to_at + 1];
            row[to_at + 1] = replaced.min(row[to_at] + 1).min(before + 1);
        }
    }
    row[to.len()]
}

/// Asks before something is destroyed; where nobody can answer, `--yes` is needed.
pub(crate) fn confirm(global: &Global, what: &str) -> Result<(), crate::failure::Failure> {
    use crate::failure::Failure;
    if global.yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(
            what.to_owned(),
            "nobody can be asked here; say --yes if that is meant",
        ));
    }
    eprint!("{what}\n  go on? [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Failure::no("nothing was changed"))
    }
}

#[cfg(test)]
mod tests {
    //! Numbers and names.

    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_have_their_thousands_apart() {
        assert_eq!(
            [
                thousands(0),
                thousands(999),
                thousands(104_221),
                thousands(-1_000)
            ],
            ["0", "999", "104,221", "-1,000"]
        );
    }

    #[test]
    fn words_and_numbers_never_break() {
        let columns = [
            Column("TOPIC", "topic", false),
            Column("PARTITIONS", "partitions", true),
            Column("WHAT IT IS FOR", "text", false),
        ];
        let text = "Kept for as long as somebody wants to read it again";
        let row = vec![json!("orders-of-today"), json!(104_221), json!(text)];
        let check = |terminal: Option<u16>, lines: usize| {
            let shown = drawn(&columns, std::slice::from_ref(&row), table_width(terminal));
            for whole in ["PARTITIONS", "orders-of-today", "104,221", "somebody"] {
                assert!(shown.contains(whole), "{terminal:?}:\n{shown}");
            }
            assert_eq!(shown.lines().count(), lines, "{terminal:?}:\n{shown}");
        };
        check(Some(200), 2);
        check(Some(0), 3);
        check(None, 3);
        check(Some(50), 4);
        check(Some(40), 9);
        // Not even the words fit: a line each.
        assert_eq!(
            drawn(&columns, std::slice::from_ref(&row), 30)
                .lines()
                .count(),
            2
        );
    }

    #[test]
    fn near_names_are_offered() {
        let there = ["orders", "payments"];
        assert_eq!(did_you_mean("order", there.into_iter()), Some("orders"));
        assert_eq!(did_you_mean("ordres", there.into_iter()), Some("orders"));
        assert_eq!(did_you_mean("clicks", there.into_iter()), None);
    }
}
