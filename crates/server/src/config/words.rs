//! How values, and what is wrong with them, are told to the operator.

use figment::Error;
use figment::error::{Actual, Kind};
use figment::value::Value;

use super::validate::without_password;

/// What is wrong with a value. The values of ICE servers are not shown: one of them is a secret.
pub(super) fn said(error: &Error) -> String {
    let hidden = error.path.first().is_some_and(|section| section == "ice");
    match &error.kind {
        Kind::InvalidType(..) | Kind::InvalidValue(..) if hidden => {
            "must be a list of { urls = [\"..\"], username = \"..\", credential = \"..\" }".into()
        }
        Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) => {
            format!("must be {}, but is {}", in_words(expected), written(actual))
        }
        Kind::UnknownVariant(actual, known) => {
            let known: Vec<String> = known.iter().map(|word| format!("\"{word}\"")).collect();
            format!("must be one of {}, but is \"{actual}\"", known.join(", "))
        }
        Kind::UnknownField(name, known) => format!("\"{name}\" is none of {}", known.join(", ")),
        Kind::MissingField(name) => format!("\"{name}\" is missing"),
        kind => kind.to_string(),
    }
}

/// What the types of the settings are called.
fn in_words(expected: &str) -> &str {
    match expected {
        "u32" => "a whole number",
        "a boolean" => "true or false",
        "a string" | "path string" | "any valid string" => "a text",
        table if table.starts_with("struct ") => "a table",
        other => other,
    }
}

fn written(actual: &Actual) -> String {
    match actual {
        Actual::Bool(b) => b.to_string(),
        Actual::Unsigned(n) => n.to_string(),
        Actual::Signed(n) => n.to_string(),
        Actual::Float(n) => n.to_string(),
        Actual::Str(text) => format!("{text:?}"),
        Actual::Seq => "a list".into(),
        Actual::Map => "a table".into(),
        other => other.to_string(),
    }
}

/// A value as TOML has it; `name` is its key, by which secrets are known.
pub(super) fn shown(value: &Value, name: &str) -> String {
    match value {
        Value::String(_, _) if name == "credential" => "[secret]".into(),
        Value::String(_, text) => format!("{:?}", without_password(text)),
        Value::Char(_, c) => format!("{:?}", c.to_string()),
        Value::Bool(_, b) => b.to_string(),
        Value::Num(_, n) => n
            .to_i128()
            .map(|n| n.to_string())
            .or_else(|| n.to_u128().map(|n| n.to_string()))
            .unwrap_or_else(|| format!("{:?}", n.to_f64().unwrap_or_default())),
        Value::Empty(_, _) => "none".into(),
        Value::Array(_, items) => {
            format!("[{}]", items.iter().map(|item| shown(item, name)).collect::<Vec<_>>().join(", "))
        }
        Value::Dict(_, table) => {
            let entries = table.iter().map(|(key, value)| format!("{key} = {}", shown(value, key)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}
