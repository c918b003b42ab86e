//! What was told of a unit.

use serde_json::{Value, json};

/// A unit, by its properties.
#[derive(Clone, Debug)]
pub struct Unit(Value);

impl Unit {
    /// The unit of these properties.
    pub fn new(properties: Value) -> Self {
        Self(properties)
    }

    /// A unit that does not exist.
    pub fn missing(name: &str) -> Self {
        let names = [name];
        Self(
            json!({ "Id": name, "Names": names, "LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead" }),
        )
    }

    /// All properties.
    pub fn properties(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.as_object().into_iter().flatten()
    }

    /// A text; empty where it is missing.
    pub fn text(&self, property: &str) -> &str {
        self.0[property].as_str().unwrap_or_default()
    }

    /// A number; 0 where it is missing.
    pub fn number(&self, property: &str) -> u64 {
        self.0[property].as_u64().unwrap_or_default()
    }

    /// The texts of a list.
    pub fn list(&self, property: &str) -> Vec<&str> {
        self.items(property).filter_map(Value::as_str).collect()
    }

    /// What stands in a list.
    pub fn items(&self, property: &str) -> impl Iterator<Item = &Value> {
        self.0[property].as_array().into_iter().flatten()
    }

    /// Whether something is so.
    pub fn flag(&self, property: &str) -> bool {
        self.0[property].as_bool().unwrap_or_default()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.text("Id")
    }

    /// Whether others can make use of it.
    pub fn is_active(&self) -> bool {
        matches!(self.text("ActiveState"), "active" | "reloading")
    }

    /// Whether it has failed.
    pub fn is_failed(&self) -> bool {
        self.text("ActiveState") == "failed"
    }

    /// Whether there is no such unit, and none that runs under its name.
    pub fn is_missing(&self) -> bool {
        self.text("LoadState") == "not-found" && matches!(self.text("ActiveState"), "inactive" | "")
    }
}
