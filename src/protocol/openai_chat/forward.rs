//! Editing a client's body that goes to a provider of the same format: only the top level, only what quirks touch.

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::quirks::{ANY_OBJECT_SCHEMA, Fate, fate, refuse_without};
use crate::protocol::envelope::Envelope;
use crate::protocol::{EncodeError, ModelProfile};

/// Applies the profile to `envelope`; returns the names of fields that were dropped.
///
/// # Errors
/// When a field would be dropped without which the answer would be one of another kind.
pub(super) fn prepare(
    envelope: &mut Envelope<'_>,
    profile: &ModelProfile,
    stream: bool,
) -> Result<Vec<String>, EncodeError> {
    let quirks = &profile.quirks;
    envelope.set("model", Value::String(profile.id.clone()).to_string());
    if quirks.strip_nulls {
        envelope.strip_nulls();
    }
    choose_max_tokens(envelope, profile);
    if envelope.get("tool_choice") == Some("\"required\"") && quirks.tool_choice_required != "required" {
        envelope.set("tool_choice", Value::String(quirks.tool_choice_required.clone()).to_string());
    }
    if quirks.no_json_object && asks_for_any_object(envelope) {
        envelope.set("response_format", ANY_OBJECT_SCHEMA);
    }
    if stream {
        ask_for_usage(envelope, quirks.stream_usage);
    }
    apply_fates(envelope, profile)
}

/// One of the two names for the bound on generated tokens where the profile insists on it; else the client's spelling.
fn choose_max_tokens(envelope: &mut Envelope<'_>, profile: &ModelProfile) {
    let quirks = &profile.quirks;
    // Prompt completions never had the newer name.
    let is_chat = envelope.get("messages").is_some();
    let name = match (quirks.use_max_completion_tokens && is_chat, quirks.use_max_tokens) {
        (true, _) => "max_completion_tokens",
        (false, true) => "max_tokens",
        (false, false) => return,
    };
    for field in ["max_tokens", "max_completion_tokens"] {
        if envelope.get(field) == Some("null") {
            envelope.remove(field);
        }
    }
    if envelope.get("max_completion_tokens").is_some() {
        envelope.remove("max_tokens");
        envelope.rename("max_completion_tokens", name);
    } else {
        envelope.rename("max_tokens", name);
    }
}

fn asks_for_any_object(envelope: &Envelope<'_>) -> bool {
    let format = envelope.read::<Value>("response_format").ok().flatten();
    format.is_some_and(|format| format.get("type").and_then(Value::as_str) == Some("json_object"))
}

/// Without usage a stream has no cost, so it is asked for; the client's other options stay.
fn ask_for_usage(envelope: &mut Envelope<'_>, known: bool) {
    if !known {
        envelope.remove("stream_options");
        return;
    }
    let mut options: Map<String, Value> = envelope.read("stream_options").ok().flatten().unwrap_or_default();
    options.insert("include_usage".to_owned(), Value::Bool(true));
    envelope.set("stream_options", Value::Object(options).to_string());
}

fn apply_fates(envelope: &mut Envelope<'_>, profile: &ModelProfile) -> Result<Vec<String>, EncodeError> {
    let mut warnings = Vec::new();
    let names: Vec<String> = envelope.keys().map(str::to_owned).collect();
    for name in names {
        match fate(profile, &name) {
            Fate::Sent(theirs) if theirs == name => {}
            // The client may know the provider's own name for it; then that one holds.
            Fate::Sent(theirs) if envelope.get(theirs).is_some() => {
                envelope.remove(&name);
            }
            Fate::Sent(theirs) => {
                envelope.rename(&name, theirs);
            }
            Fate::Dropped => {
                if envelope.get(&name).is_some_and(|value| is_needed(&name, value)) {
                    refuse_without(profile, &name)?;
                }
                let said_nothing = envelope.get(&name) == Some("null");
                if envelope.remove(&name) && !said_nothing {
                    warnings.push(name);
                }
            }
            Fate::DroppedSilently => {
                envelope.remove(&name);
            }
        }
    }
    Ok(warnings)
}

/// The field asks for several answers, for tools or for JSON, so leaving it out would change what comes back.
fn is_needed(name: &str, value: &str) -> bool {
    match name {
        "n" => serde_json::from_str(value).is_ok_and(|n: f64| n > 1.0),
        "tools" => serde_json::from_str(value).is_ok_and(|tools: Vec<IgnoredAny>| !tools.is_empty()),
        "response_format" => serde_json::from_str(value)
            .is_ok_and(|format: Value| format["type"].as_str().is_some_and(|kind| kind != "text")),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Capabilities, Quirks};

    fn forward(body: &str, quirks: Quirks, stream: bool) -> (String, Vec<String>) {
        let profile = ModelProfile { id: "m".to_owned(), quirks, ..ModelProfile::default() };
        let mut envelope = Envelope::parse(body.as_bytes()).unwrap();
        let warnings = prepare(&mut envelope, &profile, stream).unwrap();
        (String::from_utf8(envelope.to_vec()).unwrap(), warnings)
    }

    #[test]
    fn only_the_model_changes_without_quirks() {
        let body = r#"{"model":"x","messages":[{"role":"user", "content":"\u00e9"}],"max_completion_tokens":1,"seed":null,"new":1.10}"#;
        let (sent, warnings) = forward(body, Quirks::default(), false);
        assert_eq!(sent, body.replace("\"x\"", "\"m\""));
        assert!(warnings.is_empty());
    }

    #[test]
    fn max_tokens_is_renamed_both_ways_and_the_newer_name_wins() {
        let newer = || Quirks { use_max_completion_tokens: true, ..Quirks::default() };
        let older = || Quirks { use_max_tokens: true, ..Quirks::default() };
        let chat = |fields: &str| format!("{{\"model\":\"m\",\"messages\":[]{fields}}}");
        for (given, quirks, sent) in [
            (r#","max_tokens":5"#, newer(), r#","max_completion_tokens":5"#),
            (r#","max_completion_tokens":5"#, older(), r#","max_tokens":5"#),
            (r#","max_tokens":5,"max_completion_tokens":6"#, older(), r#","max_tokens":6"#),
            (r#","max_tokens":5,"max_completion_tokens":null"#, newer(), r#","max_completion_tokens":5"#),
            ("", newer(), ""),
        ] {
            assert_eq!(forward(&chat(given), quirks, false).0, chat(sent), "{given}");
        }
        let prompt = r#"{"model":"m","prompt":"p","max_tokens":5}"#;
        assert_eq!(forward(prompt, newer(), false).0, prompt);
    }

    #[test]
    fn streams_ask_for_usage_and_keep_the_clients_options() {
        let body = r#"{"model":"m","stream":true,"stream_options":{"include_obfuscation":false}}"#;
        let (sent, _) = forward(body, Quirks::default(), true);
        assert!(sent.contains(r#""stream_options":{"include_obfuscation":false,"include_usage":true}"#), "{sent}");
        let (sent, _) = forward(r#"{"model":"m","stream_options":null}"#, Quirks::default(), true);
        assert_eq!(sent, r#"{"model":"m","stream_options":{"include_usage":true}}"#);
        let unknown = Quirks { stream_usage: false, ..Quirks::default() };
        assert_eq!(forward(body, unknown, true).0, r#"{"model":"m","stream":true}"#);
    }

    #[test]
    fn refused_fields_are_dropped_aloud_unless_they_are_bookkeeping() {
        let quirks = || Quirks {
            unsupported_params: ["logit_bias", "user", "n"].map(str::to_owned).to_vec(),
            renamed_params: vec![("seed".to_owned(), "random_seed".to_owned())],
            strip_nulls: true,
            ..Quirks::default()
        };
        let body = r#"{"model":"m","seed":0,"logit_bias":{},"user":"u","n":null,"top_p":null}"#;
        let (sent, warnings) = forward(body, quirks(), false);
        assert_eq!(sent, r#"{"model":"m","random_seed":0}"#);
        assert_eq!(warnings, ["logit_bias"]);
        let both = r#"{"model":"m","seed":1,"random_seed":2}"#;
        assert_eq!(forward(both, quirks(), false).0, r#"{"model":"m","random_seed":2}"#);
    }

    #[test]
    fn fields_the_answer_depends_on_are_refused_and_not_dropped() {
        let refused = |field: &str| {
            let unsupported_params = ["n", "tools", "response_format"].map(str::to_owned).to_vec();
            let quirks = Quirks { unsupported_params, ..Quirks::default() };
            let profile = ModelProfile { quirks, ..ModelProfile::default() };
            let body = format!(r#"{{"model":"m",{field}}}"#);
            let mut envelope = Envelope::parse(body.as_bytes()).unwrap();
            prepare(&mut envelope, &profile, false).err().map(|error| error.param)
        };
        for (field, name) in [
            (r#""n":2"#, "n"),
            (r#""tools":[{"type":"function"}]"#, "tools"),
            (r#""response_format":{"type":"json_object"}"#, "response_format"),
        ] {
            assert_eq!(refused(field).as_deref(), Some(name), "{field}");
        }
        for field in [
            r#""n":1"#,
            r#""n":null"#,
            r#""tools":[]"#,
            r#""response_format":null"#,
            r#""response_format":{"type":"text"}"#,
        ] {
            assert_eq!(refused(field), None, "{field}");
        }
    }

    #[test]
    fn words_and_formats_of_the_provider_are_used() {
        let quirks = Quirks { tool_choice_required: "any".to_owned(), no_json_object: true, ..Quirks::default() };
        let body = r#"{"model":"m","tool_choice":"required","response_format":{"type":"json_object"}}"#;
        let (sent, _) = forward(body, quirks, false);
        assert_eq!(sent, format!(r#"{{"model":"m","tool_choice":"any","response_format":{ANY_OBJECT_SCHEMA}}}"#));
    }

    #[test]
    fn models_that_refuse_sampling_get_none() {
        let profile = ModelProfile {
            capabilities: Capabilities { sampling: Some(false), ..Capabilities::default() },
            ..ModelProfile::default()
        };
        let mut envelope = Envelope::parse(br#"{"model":"m","temperature":0,"top_p":1,"seed":1}"#).unwrap();
        assert_eq!(prepare(&mut envelope, &profile, false).unwrap(), ["temperature", "top_p"]);
        assert_eq!(envelope.to_vec(), br#"{"model":"","seed":1}"#);
    }
}
