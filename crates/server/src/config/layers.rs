//! The sources of the settings, laid over each other, and which of them set what.

use std::collections::BTreeMap;
use std::fs;

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Error, Figment, Metadata, Profile, Provider, util};
use serde::Deserialize;

use super::secret::plain;
use super::words::{said, shown};
use super::{Config, Fault, Overrides};

/// The reference of all settings, and their defaults.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// Names that belong to the command line although they look like settings in the environment.
const FLAGS: [&str; 3] = ["CONFIG", "LISTEN", "DATA_DIR"];

/// A setting that is not at its default.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Setting {
    /// Such as `call.ring_timeout_s`.
    pub key: String,
    /// As TOML has it, or `[secret]`.
    pub value: String,
    /// Where it was set.
    pub source: String,
}

/// All sources in one tree that still knows which value came from where.
pub(super) struct Layers {
    figment: Figment,
    defaults: Dict,
}

/// One source.
struct Layer {
    origin: Origin,
    values: Dict,
}

/// Where a value was set.
enum Origin {
    Default,
    /// A variable, named after the key.
    Environment,
    /// A file or a flag, by name.
    Named(String),
}

impl Origin {
    /// What to call it for `key`; `None` for the default.
    fn shown(&self, key: &str) -> Option<String> {
        match self {
            Self::Default => None,
            Self::Environment => Some(format!("TINCAN_{}", key.to_uppercase().replace('.', "__"))),
            Self::Named(name) => Some(name.clone()),
        }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        match &self.origin {
            Origin::Default => Metadata::named("default"),
            Origin::Environment => Metadata::named("environment"),
            Origin::Named(name) => Metadata::from("named", name.clone()),
        }
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

/// The configuration that `default.toml` alone makes.
pub(super) fn defaults() -> Config {
    Value::from(default_dict()).deserialize().expect("default.toml holds every setting: a test reads it")
}

fn default_dict() -> Dict {
    Toml::from_str(DEFAULT_TOML).expect("default.toml is TOML: a test reads it")
}

/// Reads all sources; what cannot be read or is no setting goes to `faults` and is left out.
pub(super) fn read(
    overrides: &Overrides,
    environment: impl IntoIterator<Item = (String, String)>,
    faults: &mut Vec<Fault>,
) -> Layers {
    let defaults = default_dict();
    let mut figment = Figment::from(Layer { origin: Origin::Default, values: defaults.clone() });
    let over = file(overrides, faults).into_iter().chain([variables(environment)]).chain(flags(overrides));
    for mut layer in over.collect::<Vec<_>>() {
        prune(&mut layer.values, &defaults, &mut Vec::new(), &mut |key| {
            faults.push(Fault { source: layer.origin.shown(key), ..Fault::new(key, "no such setting") });
        });
        figment = figment.merge(layer);
    }
    Layers { figment, defaults }
}

fn file(overrides: &Overrides, faults: &mut Vec<Fault>) -> Option<Layer> {
    let path = overrides.config_file.as_ref().filter(|path| !path.as_os_str().is_empty())?;
    let name = path.display().to_string();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) => {
            faults.push(Fault::new("", format!("cannot read the configuration file {name}: {}", plain(&e))));
            return None;
        }
    };
    match Toml::from_str(&text) {
        Ok(values) => Some(Layer { origin: Origin::Named(name), values }),
        Err(e) => {
            let before = e.span().map_or("", |span| text.get(..span.start).unwrap_or_default());
            let line = before.matches('\n').count() + 1;
            let why = if e.message().is_empty() {
                String::new()
            } else {
                format!(": {}", e.message().replace('\n', ", "))
            };
            faults.push(Fault::new("", format!("{name} is not TOML: line {line} cannot be read{why}")));
            None
        }
    }
}

/// `TINCAN_CALL__RING_TIMEOUT_S=30` becomes `call.ring_timeout_s = 30`.
fn variables(environment: impl IntoIterator<Item = (String, String)>) -> Layer {
    let mut values = Dict::new();
    let ours = environment
        .into_iter()
        .filter_map(|(key, value)| Some((key.strip_prefix("TINCAN_")?.to_owned(), value)));
    for (key, value) in ours.filter(|(key, _)| !FLAGS.contains(&key.as_str()) && !is_service_link(key)) {
        let value: Value = value.parse().unwrap_or_else(|never: std::convert::Infallible| match never {});
        let nested = util::nest(&key.to_lowercase().replace("__", "."), value);
        join(&mut values, nested.into_dict().unwrap_or_default());
    }
    Layer { origin: Origin::Environment, values }
}

/// Kubernetes tells every container where a service named "tincan" is, in variables that look like ours.
fn is_service_link(key: &str) -> bool {
    key == "PORT" || key.starts_with("PORT_") || key.starts_with("SERVICE_")
}

/// Adds `more` to `values`, table by table.
fn join(values: &mut Dict, more: Dict) {
    for (key, value) in more {
        match (values.get_mut(&key), value) {
            (Some(Value::Dict(_, old)), Value::Dict(_, new)) => join(old, new),
            (_, value) => drop(values.insert(key, value)),
        }
    }
}

fn flags(overrides: &Overrides) -> Vec<Layer> {
    let mut layers = Vec::new();
    let mut lay = |name: &str, key: &str, value: String| {
        let values = util::nest(key, Value::from(value)).into_dict().unwrap_or_default();
        layers.push(Layer { origin: Origin::Named(name.to_owned()), values });
    };
    if let Some(listen) = overrides.listen.clone().filter(|listen| !listen.is_empty()) {
        lay("--listen or TINCAN_LISTEN", "server.listen", listen);
    }
    if let Some(dir) = overrides.data_dir.as_ref().filter(|dir| !dir.as_os_str().is_empty()) {
        lay("--data-dir or TINCAN_DATA_DIR", "server.data_dir", dir.to_string_lossy().into_owned());
    }
    layers
}

/// Takes out of `values` what `known` does not have, and names each such key.
fn prune(values: &mut Dict, known: &Dict, path: &mut Vec<String>, unknown: &mut dyn FnMut(&str)) {
    values.retain(|key, value| {
        path.push(key.clone());
        let keep = match (value, known.get(key)) {
            (Value::Dict(_, inner), Some(Value::Dict(_, known))) => {
                prune(inner, known, path, unknown);
                true
            }
            (_, Some(_)) => true,
            (_, None) => {
                unknown(&path.join("."));
                false
            }
        };
        path.pop();
        keep
    });
}

impl Layers {
    /// Makes the configuration. A value of the wrong kind goes to `faults`, and its default takes its place.
    pub(super) fn build(&self, faults: &mut Vec<Fault>) -> Config {
        let mut values = Value::from(self.values());
        loop {
            let error = match Config::deserialize(&values) {
                Ok(config) => return config,
                Err(error) => error,
            };
            let key = self.known_part(&error.path);
            faults.push(self.with_source(Fault::new(key.join("."), said(&error))));
            let default = Value::from(self.defaults.clone()).find(&key.join("."));
            let Some(default) = default.filter(|_| !key.is_empty() && !is_stuck(faults)) else {
                return defaults();
            };
            replace(&mut values, &key, default);
        }
    }

    /// Adds to `fault` where its setting was set, unless that is the default.
    pub(super) fn with_source(&self, mut fault: Fault) -> Fault {
        fault.source = self.source(&fault.key);
        fault
    }

    /// What is not at its default.
    pub(super) fn changed(&self) -> Vec<Setting> {
        let (mut set, mut default) = (BTreeMap::new(), BTreeMap::new());
        leaves(&self.values(), "", &mut set);
        leaves(&self.defaults, "", &mut default);
        set.retain(|key, value| default.get(key) != Some(value));
        let setting =
            |(key, value): (String, String)| self.source(&key).map(|source| Setting { key, value, source });
        set.into_iter().filter_map(setting).collect()
    }

    fn values(&self) -> Dict {
        let mut data = self.figment.data().unwrap_or_default();
        data.remove(&Profile::Default).unwrap_or_default()
    }

    fn source(&self, key: &str) -> Option<String> {
        let metadata = self.figment.find_metadata(key)?;
        let origin = match (metadata.name.as_ref(), &metadata.source) {
            ("environment", _) => Origin::Environment,
            ("named", Some(name)) => Origin::Named(name.to_string()),
            (_, _) => Origin::Default,
        };
        origin.shown(key)
    }

    /// The longest head of `path` that is a setting: what follows is a place in a list.
    fn known_part(&self, path: &[String]) -> Vec<String> {
        let mut table = Some(&self.defaults);
        let mut known = Vec::new();
        for key in path {
            let Some(value) = table.and_then(|table| table.get(key)) else { break };
            known.push(key.clone());
            table = value.as_dict();
        }
        known
    }
}

/// Whether the same fault came twice: its default did not help.
fn is_stuck(faults: &[Fault]) -> bool {
    faults.split_last().is_some_and(|(last, before)| before.contains(last))
}

fn replace(values: &mut Value, key: &[String], new: Value) {
    match (key, values) {
        ([], values) => *values = new,
        ([head, rest @ ..], Value::Dict(_, table)) => {
            if let Some(inner) = table.get_mut(head) {
                replace(inner, rest, new);
            }
        }
        ([_, ..], _) => {}
    }
}

/// All values that are no tables, written as TOML has them.
fn leaves(values: &Dict, prefix: &str, out: &mut BTreeMap<String, String>) {
    for (key, value) in values {
        let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Dict(_, inner) => leaves(inner, &key, out),
            value => drop(out.insert(key.clone(), shown(value, key.rsplit('.').next().unwrap_or_default()))),
        }
    }
}
