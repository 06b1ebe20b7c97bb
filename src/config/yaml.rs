//! YAML into typed values: the one place that knows the YAML crate.
//!
//! Numbers that are money become integers here. The parser hands them over as `f64`; Rust prints an `f64` with the
//! shortest digits that read back as the same number, and those are the digits that were written as long as there are
//! at most fifteen, which every price we accept has (six decimal places, three before the point).

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use super::expand::expand;
use super::{Problem, Variables};
use crate::money::PicoUsd;
use crate::secret::Secret;

/// Reads a document; an empty one is the default.
pub(crate) fn parse<T: DeserializeOwned + Default>(file: &str, text: &str) -> Result<T, Problem> {
    serde_yaml::from_str::<Option<T>>(text).map(Option::unwrap_or_default).map_err(|error| problem(file, &error))
}

/// Reads a document whose text values may hold `${NAME}` or `${NAME:-default}`.
pub(super) fn parse_expanded<T: DeserializeOwned + Default>(
    file: &str,
    text: &str,
    variables: &Variables,
) -> Result<T, Vec<Problem>> {
    // The first reading names line and column of whatever is wrong; the second, over the expanded values, cannot.
    parse::<T>(file, text).map_err(|problem| vec![problem])?;
    let mut value: serde_yaml::Value = parse(file, text).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    expand_values(&mut value, "", &mut |path, text| match expand(text, variables) {
        Ok(expanded) => expanded,
        Err(message) => {
            problems.push(Problem::error(format!("{file} {path}"), message));
            None
        }
    });
    if !problems.is_empty() {
        return Err(problems);
    }
    let expanded: Result<Option<T>, _> = serde_yaml::from_value(value);
    expanded.map(Option::unwrap_or_default).map_err(|error| vec![problem(file, &error)])
}

fn expand_values(value: &mut serde_yaml::Value, path: &str, replace: &mut impl FnMut(&str, &str) -> Option<String>) {
    match value {
        serde_yaml::Value::String(text) => {
            if let Some(expanded) = replace(path, text) {
                *text = expanded;
            }
        }
        serde_yaml::Value::Sequence(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                expand_values(item, &format!("{path}[{index}]"), replace);
            }
        }
        serde_yaml::Value::Mapping(entries) => {
            for (key, item) in entries.iter_mut() {
                let key = key.as_str().unwrap_or("?");
                let below = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                expand_values(item, &below, replace);
            }
        }
        serde_yaml::Value::Tagged(tagged) => expand_values(&mut tagged.value, path, replace),
        serde_yaml::Value::Null | serde_yaml::Value::Bool(_) | serde_yaml::Value::Number(_) => {}
    }
}

/// The parser's error with its place taken out of the text: `file:line:column path`.
fn problem(file: &str, error: &serde_yaml::Error) -> Problem {
    let mut message = error.to_string();
    let mut place = file.to_owned();
    if let Some(at) = error.location() {
        let suffix = format!(" at line {} column {}", at.line(), at.column());
        message = message.strip_suffix(&suffix).unwrap_or(&message).to_owned();
        place.push_str(&format!(":{}:{}", at.line(), at.column()));
    }
    if let Some((path, rest)) = message.split_once(": ")
        && !path.contains(' ')
    {
        place.push_str(&format!(" {path}"));
        message = rest.to_owned();
    }
    // What stands in a wrong place may well be a key: say what kind of thing it is, not what it says.
    if let Some(rest) = message.strip_prefix("invalid type: string ")
        && let Some(at) = rest.rfind(", expected ")
    {
        message = format!("invalid type: text{}", &rest[at..]);
    }
    Problem::error(place, message)
}

/// A mapping whose order is kept and whose keys are names: compared ASCII-case-insensitively, and a name that comes
/// twice is refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Entries<T>(Vec<(String, T)>);

impl<T> Entries<T> {
    /// Name and value, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> FromIterator<(String, T)> for Entries<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Mapping<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Mapping<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping of names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries: Vec<(String, T)> = Vec::new();
                while let Some(name) = map.next_key_seed(NewName(&entries))? {
                    entries.push((name, map.next_value()?));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Mapping(PhantomData))
    }
}

/// Reads a key and refuses one that was there before; done while the key is read, so that the error has its place.
struct NewName<'a, T>(&'a [(String, T)]);

impl<'de, T> DeserializeSeed<'de> for NewName<'_, T> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<T> Visitor<'_> for NewName<'_, T> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
        let name = text.trim();
        if name.is_empty() {
            return Err(E::custom("a name is empty"));
        }
        match self.0.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
            Some((other, _)) if other == name => Err(E::custom(format!("`{name}` stands here twice"))),
            Some((other, _)) => Err(E::custom(format!("`{name}` and `{other}` are the same name"))),
            None => Ok(name.to_owned()),
        }
    }
}

/// A `T` written in full, or as the one text it is made from: `fast: openai/gpt-4o-mini`.
pub(super) fn text_or_mapping<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + From<String>,
    D: Deserializer<'de>,
{
    struct Short<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de> + From<String>> Visitor<'de> for Short<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a model's name or a mapping")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            Ok(T::from(text.to_owned()))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_any(Short(PhantomData))
}

/// A key. An empty text is no key.
pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let text = text.trim();
    Ok((!text.is_empty()).then(|| Secret::new(text)))
}

/// Prices above this are a mistake of unit: somebody wrote USD per thousand or per billion tokens.
const HIGHEST_USD_PER_MILLION: PicoUsd = PicoUsd(1_000_000_000);

/// A price in USD per million tokens.
pub(super) fn usd_per_million<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PicoUsd>, D::Error> {
    let price = money(deserializer, PicoUsd::from_usd_per_million)?;
    if price > HIGHEST_USD_PER_MILLION {
        return Err(D::Error::custom("above 1000 USD per million tokens: prices are USD per million tokens"));
    }
    Ok(Some(price))
}

/// A fee in USD per request.
pub(super) fn usd<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PicoUsd>, D::Error> {
    money(deserializer, PicoUsd::from_usd).map(Some)
}

/// Three fees in USD: low, medium and high search context.
pub(super) fn usd_by_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<[PicoUsd; 3]>, D::Error> {
    struct Fee(PicoUsd);
    impl<'de> Deserialize<'de> for Fee {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            money(deserializer, PicoUsd::from_usd).map(Self)
        }
    }
    let fees = <[Fee; 3]>::deserialize(deserializer)?;
    Ok(Some(fees.map(|fee| fee.0)))
}

fn money<'de, D, E>(deserializer: D, read: impl Fn(&str) -> Result<PicoUsd, E>) -> Result<PicoUsd, D::Error>
where
    D: Deserializer<'de>,
    E: fmt::Display,
{
    let text = deserializer.deserialize_any(DecimalText)?;
    let price = read(&text).map_err(D::Error::custom)?;
    if price < PicoUsd(0) {
        return Err(D::Error::invalid_value(Unexpected::Str(&text), &"a price, which is never negative"));
    }
    Ok(price)
}

/// A number, or a text that holds one, as decimal digits.
struct DecimalText;

impl Visitor<'_> for DecimalText {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal number")
    }

    fn visit_f64<E>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests;
