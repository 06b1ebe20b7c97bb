//! What a list is asked for: filters and place, as they stand in the address of the page and of the API.

use url::form_urlencoded;

use crate::clock::UnixMillis;
use crate::tracking::{self, Cursor, ErrorClass, Place, Search};

/// Rows of a page when nobody says, and at most.
const USUAL: u32 = 50;
const MOST: u32 = 500;
/// Characters of a value, at most: names and ids are shorter.
const MAX_CHARS: usize = 300;

/// What one may ask by; the last two say where the page lies.
const KEYS: [&str; 16] = [
    "q", "from", "to", "tag", "model", "router", "alias", "key", "client", "user", "status", "error", "calls", "limit",
    BEFORE, AFTER,
];
const BEFORE: &str = "before";
const AFTER: &str = "after";

/// The values as they were written. A form sends its empty fields too: those say nothing.
#[derive(Debug, Default)]
pub(in crate::admin) struct Texts {
    pairs: Vec<(&'static str, String)>,
    /// A key that does not exist.
    unknown: Option<String>,
}

/// What they mean.
#[derive(Debug)]
pub(in crate::admin) struct Asked {
    pub(in crate::admin) search: Search,
    pub(in crate::admin) place: Place,
    pub(in crate::admin) limit: u32,
}

impl Texts {
    pub(in crate::admin) fn read(query: &str) -> Self {
        let mut texts = Self::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            match KEYS.iter().find(|known| **known == key) {
                Some(known) if !value.is_empty() => {
                    texts.pairs.retain(|(key, _)| key != known);
                    texts.pairs.push((known, value.to_owned()));
                }
                Some(_) => {}
                None => texts.unknown = Some(key.into_owned()),
            }
        }
        texts
    }

    /// The value of a key; empty when there is none.
    pub(super) fn get(&self, key: &str) -> &str {
        self.pairs.iter().find(|(known, _)| *known == key).map_or("", |(_, value)| value)
    }

    /// Records are asked for by something.
    pub(super) fn is_filtered(&self) -> bool {
        self.pairs.iter().any(|(key, _)| ![BEFORE, AFTER, "limit", "calls"].contains(key))
    }

    /// The address of another place of the same list.
    pub(super) fn address(&self, place: &Place) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.pairs.iter().filter(|(key, _)| ![BEFORE, AFTER].contains(key)));
        match place {
            Place::Newest => {}
            Place::Before(cursor) => _ = query.append_pair(BEFORE, &tracking::cursor_to_text(cursor)),
            Place::After(cursor) => _ = query.append_pair(AFTER, &tracking::cursor_to_text(cursor)),
        }
        format!("/requests?{}", query.finish())
    }

    /// What the values mean, or what is wrong with one.
    pub(in crate::admin) fn understand(&self, now: UnixMillis) -> Result<Asked, String> {
        if let Some(key) = &self.unknown {
            return Err(format!("there is no `{key}`; there is {}", KEYS.map(|key| format!("`{key}`")).join(", ")));
        }
        if let Some((key, _)) = self.pairs.iter().find(|(_, value)| value.chars().count() > MAX_CHARS) {
            return Err(format!("`{key}` has more than {MAX_CHARS} characters"));
        }
        let wrong = |key: &str, expected: &str| format!("`{key}` is {expected}, not `{}`", self.get(key));
        let text = |key: &str| Some(self.get(key)).filter(|value| !value.is_empty());
        let owned = |key: &str| text(key).map(str::to_owned);
        let moment = |key: &str, is_end| {
            text(key).map(|value| moment(value, now, is_end)).transpose().map_err(|error| format!("`{key}`: {error}"))
        };
        let cursor = |key: &str| {
            let read = |value: &str| tracking::cursor_from_text(value).ok_or_else(|| wrong(key, "a cursor of a page"));
            text(key).map(read).transpose()
        };
        let failed = match self.get("status") {
            "" => None,
            "ok" => Some(false),
            "error" => Some(true),
            _ => return Err(wrong("status", "`ok` or `error`")),
        };
        let calls = match self.get("calls") {
            "" | "false" | "0" => false,
            "true" | "1" => true,
            _ => return Err(wrong("calls", "`true` or `false`")),
        };
        let error =
            text("error").map(|word| error_class(word).ok_or_else(|| wrong("error", &classes()))).transpose()?;
        let limit = text("limit").map_or(Some(USUAL), |value| value.parse().ok());
        let limit =
            limit.filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| wrong("limit", "a number from 1 to 500"))?;
        let search = Search {
            from: moment("from", false)?,
            to: moment("to", true)?,
            tag: owned("tag"),
            model: owned("model"),
            router: owned("router"),
            alias: owned("alias"),
            key: owned("key"),
            client: owned("client"),
            user: owned("user"),
            failed,
            error,
            text: owned("q"),
            calls,
        };
        if let (Some(from), Some(to)) = (search.from, search.to)
            && from >= to
        {
            return Err("`to` lies before `from`".to_owned());
        }
        Ok(Asked { search, place: place(cursor(BEFORE)?, cursor(AFTER)?)?, limit })
    }
}

fn place(before: Option<Cursor>, after: Option<Cursor>) -> Result<Place, String> {
    match (before, after) {
        (None, None) => Ok(Place::Newest),
        (Some(cursor), None) => Ok(Place::Before(cursor)),
        (None, Some(cursor)) => Ok(Place::After(cursor)),
        (Some(_), Some(_)) => Err("there is `before` or `after`, not both".to_owned()),
    }
}

/// In the forms of reports, or in Unix milliseconds.
fn moment(text: &str, now: UnixMillis, is_end: bool) -> Result<UnixMillis, tracking::PeriodError> {
    match text.parse() {
        Ok(milliseconds) => Ok(UnixMillis(milliseconds)),
        Err(_) => tracking::moment(text, now, is_end),
    }
}

fn error_class(word: &str) -> Option<ErrorClass> {
    ErrorClass::ALL.into_iter().find(|class| class.as_str() == word)
}

fn classes() -> String {
    let words = ErrorClass::ALL.map(|class| format!("`{}`", class.as_str()));
    format!("one of {}", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_250_000_000);

    #[test]
    fn an_address_says_what_is_looked_for_and_empty_fields_say_nothing() {
        let texts = Texts::read("q=&tag=team+a&model=p%2Fm&status=error&error=timeout&limit=5&calls=true&from=24h&to=");
        let asked = texts.understand(NOW).unwrap();
        let expected = Search {
            from: Some(UnixMillis(NOW.0 - 86_400_000)),
            tag: Some("team a".into()),
            model: Some("p/m".into()),
            failed: Some(true),
            error: Some(ErrorClass::Timeout),
            calls: true,
            ..Search::default()
        };
        assert_eq!((asked.search, asked.place, asked.limit), (expected, Place::Newest, 5));
        let cursor = Cursor { started_ms: 7, id: "a&b".into() };
        let address = texts.address(&Place::Before(cursor.clone()));
        let again = Texts::read(address.split_once('?').unwrap().1).understand(NOW).unwrap();
        assert_eq!((again.place, again.search.tag.as_deref()), (Place::Before(cursor), Some("team a")));
        assert!(texts.is_filtered() && !Texts::read("before=7-a&limit=3").is_filtered());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = format!("tag={}", "x".repeat(301));
        for (query, part) in [
            ("page=2", "no `page`"),
            ("limit=0", "1 to 500"),
            ("limit=501", "1 to 500"),
            ("status=maybe", "`ok` or `error`"),
            ("error=oops", "`timeout`"),
            ("calls=2", "`true` or `false`"),
            ("from=yesterday", "`from`: `yesterday` is not a time"),
            ("from=2026-11-21&to=2026-11-20", "before `from`"),
            ("before=x", "cursor"),
            ("before=1-a&after=2-b", "not both"),
            (&long, "300 characters"),
        ] {
            let message = Texts::read(query).understand(NOW).unwrap_err();
            assert!(message.contains(part), "{query}: {message}");
        }
    }
}
