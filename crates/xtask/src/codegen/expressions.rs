//! The Rust expressions and statements for one field: reading, writing, its default, whether it is set.
//!
//! Text only; what surrounds it (structs, versions, tags) is `emit`'s.

use super::emit::field_name;
use super::schema::{Default, Field, Struct, Type};

/// The statement that refuses to write a field.
pub fn refuse(field: &Field) -> String {
    format!(
        "return Err(EncodeError::Field {{ message: Self::NAME, field: \"{}\", version }});",
        field.name
    )
}

/// Tagged fields in ascending order of their tags; the files do not always list them so.
pub fn tagged(structure: &Struct) -> Vec<(u32, &Field)> {
    let mut tagged: Vec<(u32, &Field)> = structure
        .fields
        .iter()
        .filter_map(|field| Some((field.tag?, field)))
        .collect();
    tagged.sort_by_key(|(number, _)| *number);
    tagged
}

/// The suffix of the codec's method for a type of fixed size.
fn primitive(field_type: &Type) -> Option<&'static str> {
    Some(match field_type {
        Type::Bool => "bool",
        Type::Int8 => "i8",
        Type::Int16 => "i16",
        Type::Uint16 => "u16",
        Type::Int32 => "i32",
        Type::Uint32 => "u32",
        Type::Int64 => "i64",
        Type::Float64 => "f64",
        Type::Uuid => "uuid",
        _ => return None,
    })
}

/// The suffix of the codec's method for an array of `element`.
fn element_suffix(element: &Type) -> &'static str {
    if *element == Type::String {
        "string"
    } else {
        primitive(element).unwrap_or("unknown_array")
    }
}

/// The expression that reads a value of a type.
pub fn read_plain(field_type: &Type, flexible: &str, nullable: bool) -> String {
    let prefix = if nullable { "nullable_" } else { "" };
    if let Some(name) = primitive(field_type) {
        return format!("decoder.{name}()?");
    }
    match field_type {
        Type::String => format!("decoder.{prefix}string({flexible})?"),
        Type::Bytes => format!("decoder.{prefix}bytes({flexible})?"),
        Type::Records => format!("decoder.{prefix}records({flexible})?"),
        Type::Struct(name) if nullable => {
            format!(
                "if decoder.struct_present()? {{ Some({name}::decode(decoder, version)?) }} else {{ None }}"
            )
        }
        Type::Struct(name) => format!("{name}::decode(decoder, version)?"),
        Type::Array(element) => match &**element {
            Type::Struct(_) => format!("decoder.{prefix}structs(version)?"),
            element => format!(
                "decoder.{prefix}array_{}({flexible})?",
                element_suffix(element)
            ),
        },
        other => unreachable!("{other:?} is primitive"),
    }
}

/// The statement that writes a value that is at hand by value.
pub fn put_plain(field_type: &Type, encoder: &str, value: &str, flexible: &str) -> String {
    match primitive(field_type) {
        Some(name) => format!("{encoder}.put_{name}({value});"),
        None => put_plain_ref(field_type, encoder, &format!("&{value}"), flexible),
    }
}

/// The statement that writes a value that is at hand by reference.
pub fn put_plain_ref(field_type: &Type, encoder: &str, value: &str, flexible: &str) -> String {
    if let Some(name) = primitive(field_type) {
        return format!("{encoder}.put_{name}(*{value});");
    }
    match field_type {
        Type::String => format!("{encoder}.put_string({value}, {flexible})?;"),
        Type::Bytes => format!("{encoder}.put_bytes({value}, {flexible})?;"),
        Type::Records => format!("{encoder}.put_records({value}, {flexible})?;"),
        Type::Struct(_) => format!("({value}).encode({encoder}, version)?;"),
        Type::Array(element) => match &**element {
            Type::Struct(_) => format!("{encoder}.put_structs({value}, version)?;"),
            element => format!(
                "{encoder}.put_array_{}({value}, {flexible})?;",
                element_suffix(element)
            ),
        },
        other => unreachable!("{other:?} is primitive"),
    }
}

/// The statement that writes a field that is nullable in all its versions, where the codec has a method for that.
pub fn put_nullable(
    field_type: &Type,
    encoder: &str,
    name: &str,
    flexible: &str,
) -> Option<String> {
    match field_type {
        Type::String => Some(format!(
            "{encoder}.put_nullable_string(self.{name}.as_ref(), {flexible})?;"
        )),
        Type::Bytes => Some(format!(
            "{encoder}.put_nullable_bytes(self.{name}.as_ref(), {flexible})?;"
        )),
        Type::Records => Some(format!(
            "{encoder}.put_nullable_records(self.{name}.as_ref(), {flexible})?;"
        )),
        _ => None,
    }
}

/// The statement that writes null.
pub fn put_null(field_type: &Type, encoder: &str, flexible: &str) -> String {
    match field_type {
        Type::String => format!("{encoder}.put_nullable_string(None, {flexible})?;"),
        Type::Bytes => format!("{encoder}.put_nullable_bytes(None, {flexible})?;"),
        Type::Records => format!("{encoder}.put_nullable_records(None, {flexible})?;"),
        Type::Struct(_) => format!("{encoder}.put_struct_present(false);"),
        _ => format!("{encoder}.put_null_array({flexible});"),
    }
}

/// The expression of a field's default.
pub fn default_value(field: &Field) -> String {
    let inner = match (&field.default, &field.field_type) {
        (Default::Null, _) => return "None".into(),
        (Default::Literal(literal), Type::String) => format!("Str::from_static({literal:?})"),
        (Default::Literal(literal), _) => literal.clone(),
        (Default::Zero, _) => "Default::default()".into(),
    };
    if field.is_optional() {
        format!("Some({inner})")
    } else {
        inner
    }
}

/// The condition under which a field differs from its default.
pub fn is_set(field: &Field) -> String {
    let name = field_name(field);
    if field.is_optional() {
        return match (&field.default, &field.field_type) {
            (Default::Null, _) => format!("self.{name}.is_some()"),
            (_, Type::Struct(_)) => {
                format!("self.{name}.as_ref().is_none_or(|value| *value != Default::default())")
            }
            (Default::Literal(literal), _) => {
                format!("self.{name}.as_ref().is_none_or(|value| value != {literal:?})")
            }
            _ => format!("self.{name}.as_ref().is_none_or(|value| !value.is_empty())"),
        };
    }
    match (&field.default, &field.field_type) {
        (Default::Literal(literal), Type::String) => format!("self.{name} != {literal:?}"),
        (Default::Literal(literal), Type::Bool) => {
            if literal == "true" {
                format!("!self.{name}")
            } else {
                format!("self.{name}")
            }
        }
        (Default::Literal(literal), _) => format!("self.{name} != {literal}"),
        (_, Type::Bool) => format!("self.{name}"),
        (_, Type::String | Type::Bytes | Type::Array(_)) => format!("!self.{name}.is_empty()"),
        (_, Type::Uuid) => format!("!self.{name}.is_zero()"),
        (_, Type::Struct(inner)) => format!("self.{name} != {inner}::default()"),
        (_, Type::Float64) => format!("self.{name} != 0.0"),
        _ => format!("self.{name} != 0"),
    }
}
