//! The error codes of a response, told one by one: `Message::each_error`.

use std::fmt::Write;

use anyhow::Result;

use super::emit::field_name;
use super::schema::{Field, Message, Struct, Type};

/// Writes the method for a struct of a response; nothing when no error code is in it.
pub fn each_error(out: &mut String, message: &Message, structure: &Struct) -> Result<()> {
    if !tells_errors(message, structure) {
        return Ok(());
    }
    writeln!(out, "fn each_error(&self, tell: &mut dyn FnMut(i16)) {{")?;
    for field in &structure.fields {
        let name = field_name(field);
        if is_code(field) {
            writeln!(out, "tell(self.{name});")?;
        } else if nested(message, field).is_some_and(|inner| tells_errors(message, inner)) {
            // An optional or single struct is walked as an array of none or one.
            let items = match (&field.field_type, field.is_optional()) {
                (Type::Array(_), false) => format!("&self.{name}"),
                (Type::Array(_), true) => format!("self.{name}.iter().flatten()"),
                (_, true) => format!("&self.{name}"),
                (_, false) => format!("[&self.{name}]"),
            };
            writeln!(out, "for inner in {items} {{ inner.each_error(tell); }}")?;
        }
    }
    writeln!(out, "}}\n")?;
    Ok(())
}

fn is_code(field: &Field) -> bool {
    field.field_type == Type::Int16 && field.name.ends_with("ErrorCode")
}

fn nested<'a>(message: &'a Message, field: &Field) -> Option<&'a Struct> {
    let of = |inner: &Type| match inner {
        Type::Struct(name) => message.structs.get(name),
        _ => None,
    };
    match &field.field_type {
        Type::Array(element) => of(element),
        other => of(other),
    }
}

/// Structs of the schema do not nest in themselves.
fn tells_errors(message: &Message, structure: &Struct) -> bool {
    structure.fields.iter().any(|field| {
        is_code(field) || nested(message, field).is_some_and(|inner| tells_errors(message, inner))
    })
}
