//! Providers: shown wherever they were made, changed where they are the database's. Versions, rehearsals and refusals are
//! those of every entry; what is special is the key, which is taken in and never given out.
//!
//! `shown` says what is shown of one, `test` calls one for real, `discover` asks one for its models.

mod discover;
mod shown;
mod test;

use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

pub(super) use discover::discover;
pub(in crate::admin) use shown::{ShownProvider, address, all};
pub(super) use test::test;

use super::super::reply::Reply;
use super::super::{Request, Shared};
use super::edit::{self, Done, Expected};
use super::entries::{judge, put_into_force, refused, saved, to_be_stored, turn, unknown, unreadable};
use super::error::ApiError;
use super::{body, flag};
use crate::catalog::{Provider, ProviderOrigin};
use crate::clock::UnixMillis;
use crate::config::{Definition, KeyName, Problem, ProviderEntry, StoredProvider};
use crate::entry_kind::EntryKind;
use crate::secret::Secret;
use crate::store::history::Author;
use crate::store::sealed_keys::{self, SealedKey};
use crate::store::{Conn, StoreError, entries};

const KIND: EntryKind = EntryKind::Provider;
/// Of a key as long as this its last characters may be shown.
const LONG_KEY: usize = 12;
/// So many of them.
const SHOWN: usize = 4;

/// All of them, in catalogue order, then those of the database that are none.
pub(super) async fn list(shared: &Arc<Shared>) -> Result<Reply, ApiError> {
    shared.with_database(|shared, conn| Ok(super::json(200, &json!({ "providers": all(shared, conn)? })))).await
}

/// One of them.
pub(super) async fn get(shared: &Arc<Shared>, name: String) -> Result<Reply, ApiError> {
    shared.with_database(move |shared, conn| Ok(shown::one(shared, conn, &name)?.into_reply(200))).await
}

/// What becomes of the key.
enum KeyWish {
    /// Nothing was said, or nothing was entered.
    Keep,
    /// `null`.
    Remove,
    /// Another one.
    New(Secret),
}

/// Creates or replaces one, or with `dry_run` says what would become of it.
pub(super) async fn put(shared: &Arc<Shared>, name: String, request: Request, who: Author) -> Result<Reply, ApiError> {
    let is_rehearsal = flag(&request.query, "dry_run")?;
    let expected = Expected::of(&request.headers);
    let text = body(&request.headers, request.body).await?;
    let mut entry: ProviderEntry = serde_json::from_slice(&text).map_err(|error| unreadable(KIND, &error))?;
    let said = serde_json::from_slice(&text).map_err(|error| unreadable(KIND, &error))?;
    let wish = wish(&name, &said, entry.api_key.take())?;
    shared
        .with_database(move |shared, conn| {
            let _turn = turn(shared);
            let current = entries::get(conn, KIND, &name)?;
            let kept = || {
                let earlier = Definition::read(KIND, current.as_ref()?.definition.as_bytes()).ok()?;
                if let Definition::Provider(earlier) = earlier { earlier.key } else { None }
            };
            let (key, secret) = match wish {
                KeyWish::Keep => (kept(), None),
                KeyWish::Remove => (None, None),
                KeyWish::New(secret) => {
                    let id = Uuid::now_v7().to_string();
                    (Some(KeyName { id, ends_with: end(&secret) }), Some(secret))
                }
            };
            let definition = Definition::Provider(Box::new(StoredProvider { entry, key: key.clone(), fault: None }));
            let problems = judge(shared, &name, &definition)?;
            if is_rehearsal {
                let mut shown =
                    Map::from_iter([("name".to_owned(), json!(name)), ("problems".to_owned(), json!(problems))]);
                shown.extend(shown::sendable(json!(definition)));
                return Ok(super::json(200, &Value::Object(shown)));
            }
            if let (Some(key), Some(secret)) = (&key, &secret) {
                keep(shared, conn, &key.id, secret)?;
            }
            let stored = to_be_stored(name, &definition);
            let done = edit::save(conn, &stored, &expected, &who)?
                .map_err(|clash| refused(shared, KIND, &stored.name, clash))?;
            put_into_force(shared, conn, KIND, &stored.name, done)?;
            let mut shown = shown::one(shared, conn, &stored.name)?;
            shown.entry.problems = problems;
            Ok(saved(shown.into_reply(if done == Done::Created { 201 } else { 200 }), KIND, &stored.name))
        })
        .await
}

/// Reads off the keys that were sent what is to become of the provider's.
fn wish(name: &str, said: &Map<String, Value>, key: Option<Secret>) -> Result<KeyWish, ApiError> {
    match (said.get("api_key"), key) {
        (Some(Value::Null), _) => Ok(KeyWish::Remove),
        (_, None) => Ok(KeyWish::Keep),
        (_, Some(key)) if key.expose().bytes().all(|byte| byte.is_ascii_graphic()) => Ok(KeyWish::New(key)),
        (_, Some(_)) => {
            let message =
                "a key has neither spaces nor line breaks nor letters beyond ASCII: was more than the key copied?";
            let problem = Problem::error(format!("providers.{name}.api_key"), message);
            Err(ApiError::new(422, "invalid", message).with("problems", json!([problem])))
        }
    }
}

/// What may be shown of a key.
fn end(secret: &Secret) -> String {
    let text = secret.expose();
    // Keys are ASCII.
    if text.len() < LONG_KEY { String::new() } else { text[text.len() - SHOWN..].to_owned() }
}

/// Writes a key down, encrypted. Nothing names it yet: if the entry is not saved, the key is forgotten by itself.
fn keep(shared: &Shared, conn: &mut Conn<'_>, id: &str, secret: &Secret) -> Result<(), ApiError> {
    let sealed = shared.in_force.seal(id, secret).map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "a provider's key cannot be encrypted");
        ApiError::new(503, "encryption", format!("the key cannot be kept: {error}"))
    })?;
    let row = SealedKey {
        id: id.to_owned(),
        key_version: sealed.key_version,
        sealed: sealed.text,
        created: UnixMillis::now(),
    };
    Ok(sealed_keys::insert(conn, &row)?)
}

/// Takes the key out of an earlier state, if it is no longer kept, and says so.
pub(super) fn drop_forgotten_key(
    conn: &mut Conn<'_>,
    name: &str,
    earlier: Option<&mut Definition>,
) -> Result<Option<Problem>, StoreError> {
    let Some(Definition::Provider(provider)) = earlier else { return Ok(None) };
    let Some(key) = &provider.key else { return Ok(None) };
    if sealed_keys::get(conn, &key.id)?.is_some() {
        return Ok(None);
    }
    provider.key = None;
    let message = "its key of then is no longer kept: enter it again";
    Ok(Some(Problem::warning(format!("providers.{name}.api_key"), message)))
}

/// Refuses to change what is the file's or the environment's.
pub(super) fn refuse_the_locked(shared: &Shared, name: &str) -> Result<(), ApiError> {
    let catalog = shared.catalog.load();
    let Some((provider, place)) = catalog.provider(name).zip(place(shared, name)) else { return Ok(()) };
    let (code, message) = if provider.origin == ProviderOrigin::File {
        ("managed_by_file", format!("the provider `{}` is managed by the file: change it at {place}", provider.id))
    } else {
        let message = format!("the provider `{}` comes from the environment: change or unset {place}", provider.id);
        ("managed_by_environment", message)
    };
    Err(ApiError::new(409, code, message).with("place", json!(place)))
}

/// Where else a provider is said, if it is.
pub(super) fn place(shared: &Shared, name: &str) -> Option<String> {
    let catalog = shared.catalog.load();
    let provider = catalog.provider(name)?;
    match &provider.origin {
        ProviderOrigin::BuiltIn | ProviderOrigin::Database => None,
        ProviderOrigin::File => Some(shared.in_force.place(KIND, &provider.id)),
        ProviderOrigin::Environment(settings) => Some(settings.join(", ")),
    }
}

/// A provider that can be asked something.
fn find(shared: &Shared, name: &str) -> Result<Arc<Provider>, ApiError> {
    shared.catalog.load().provider(name).cloned().ok_or_else(|| unknown(KIND, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_entered_keeps_the_key_and_null_takes_it_out() {
        let read = |text: &str| {
            let key = serde_json::from_str::<ProviderEntry>(text).unwrap().api_key;
            wish("lab", &serde_json::from_str(text).unwrap(), key)
        };
        for text in ["{}", r#"{"api_key":""}"#, r#"{"api_key":"  "}"#] {
            assert!(matches!(read(text), Ok(KeyWish::Keep)), "{text}");
        }
        assert!(matches!(read(r#"{"api_key":null}"#), Ok(KeyWish::Remove)));
        assert!(matches!(read(r#"{"api_key":" sk-1 "}"#), Ok(KeyWish::New(key)) if key.expose() == "sk-1"));
        assert!(read(r#"{"api_key":"sk-1\nsk-2"}"#).is_err());
        assert!(read(r#"{"api_key":"schlüssel"}"#).is_err());
    }

    #[test]
    fn of_a_short_key_nothing_is_shown() {
        assert_eq!(end(&Secret::new("sk-relay-4711")), "4711");
        assert_eq!(end(&Secret::new("hunter2")), "");
    }
}
