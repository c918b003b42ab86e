//! The log, as it is asked for and as it is told.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::call::Failure;
use super::request::Parameters;
use crate::log::entry::{Entry, Fields, Timestamp};
use crate::log::query::{Cursor, Query};

/// Which entries are asked for, and whether those that will come are, too.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Which entries.
    pub query: Query,
    /// Those that will come, too.
    pub follow: bool,
}

impl Reading {
    /// Reads the parameters of a call.
    pub fn parse(parameters: &Parameters<'_>) -> Result<Self, Failure> {
        let usual = Query::default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let matching = |value: &Value| {
            let (name, value) = value.as_str()?.split_once('=')?;
            Some((name.to_owned(), value.as_bytes().to_vec()))
        };
        let priority = match parameters.integer("priority")? {
            None => usual.priority,
            Some(priority) => u8::try_from(priority).map_err(|_| Failure::invalid("priority"))?,
        };
        let after = match parameters.optional_text("after")? {
            None => None,
            Some(cursor) => Some(Cursor::parse(cursor).ok_or_else(|| Failure::invalid("after"))?),
        };
        let lines = parameters.integer("lines")?;
        let query = Query {
            units: parameters.list("units", text)?.unwrap_or_default(),
            identifiers: parameters.list("identifiers", text)?.unwrap_or_default(),
            priority,
            since: parameters.integer("since")?,
            until: parameters.integer("until")?,
            matches: parameters.list("matches", matching)?.unwrap_or_default(),
            after,
            lines: lines.map(|lines| usize::try_from(lines).unwrap_or(usize::MAX)),
        };
        Ok(Self { query, follow: parameters.flag("follow")? })
    }

    /// The parameters of a call.
    pub fn parameters(&self) -> Map<String, Value> {
        let query = &self.query;
        let matching = |(name, value): &(String, Vec<u8>)| format!("{name}={}", String::from_utf8_lossy(value));
        let given = [
            ("units", (!query.units.is_empty()).then(|| query.units.clone().into())),
            ("identifiers", (!query.identifiers.is_empty()).then(|| query.identifiers.clone().into())),
            ("priority", Some(query.priority.into())),
            ("since", query.since.map(Value::from)),
            ("until", query.until.map(Value::from)),
            ("matches", (!query.matches.is_empty()).then(|| query.matches.iter().map(matching).collect())),
            ("after", query.after.map(|cursor| cursor.to_string().into())),
            ("lines", query.lines.map(Value::from)),
            ("follow", self.follow.then(|| true.into())),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// What is told of an entry.
pub fn to_json(entry: &Entry) -> Value {
    let field = |(name, value): (&str, &[u8])| match std::str::from_utf8(value) {
        Ok(text) => json!({ "name": name, "value": text }),
        Err(_) => json!({ "name": name, "base64": BASE64.encode(value) }),
    };
    let fields: Vec<Value> = entry.all().map(field).collect();
    json!({ "realtime": entry.timestamp.realtime, "monotonic": entry.timestamp.monotonic, "fields": fields })
}

/// An entry that was told. None where it is none.
pub fn from_json(entry: &Value) -> Option<Entry> {
    let mut fields = Fields::default();
    for field in entry["fields"].as_array()? {
        let name = field["name"].as_str()?;
        match field["value"].as_str() {
            Some(text) => fields.push(name, text),
            None => fields.push(name, BASE64.decode(field["base64"].as_str()?).ok()?),
        }
    }
    let timestamp = Timestamp { realtime: entry["realtime"].as_u64()?, monotonic: entry["monotonic"].as_u64()? };
    Some(Entry { timestamp, fields, sender: Arc::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_is_told() {
        let mut fields = Fields::default();
        let given: [(&str, &[u8]); 4] = [("MESSAGE", b"a\nb"), ("MESSAGE", b"\xff\0"), ("_PID", b"1"), ("X", b"")];
        given.into_iter().for_each(|(name, value)| fields.push(name, value));
        let timestamp = Timestamp { realtime: 9, monotonic: 7 };
        let entry = Entry { timestamp, fields, sender: Arc::default() };
        assert_eq!(from_json(&to_json(&entry)), Some(entry));
        assert_eq!(from_json(&json!({ "realtime": 1, "monotonic": 1, "fields": [{ "name": "A" }] })), None);
    }

    #[test]
    fn a_query_is_read_as_it_is_asked() {
        let query = Query {
            units: vec!["a.service".into(), "b*".into()],
            identifiers: vec!["a".into()],
            priority: 3,
            since: Some(1),
            until: Some(u64::MAX),
            matches: vec![("_PID".into(), b"1=2".into())],
            after: Some(Cursor { log: 1, place: 2 }),
            lines: Some(0),
        };
        for reading in [Reading::default(), Reading { query, follow: true }] {
            let parameters = reading.parameters();
            assert_eq!(Reading::parse(&Parameters::new(&parameters)), Ok(reading));
        }
    }
}
