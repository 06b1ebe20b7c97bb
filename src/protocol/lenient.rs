//! Reading what providers send where the specification promises something narrower: a field of the wrong type
//! counts as absent instead of failing the answer.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A struct that is read from an object field by field, where it lies. This runs for every token that passes; code that
/// serde derives keeps each field twice until the object ends, and moves the whole at every level.
pub(super) trait Fields<'de>: Default {
    /// Takes the value of `key` from `map`, which hands it out once; [`skip`]s it when the key means nothing.
    fn read<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;
}

/// Reads an object. Of doubled keys the last wins.
///
/// # Errors
/// When it is no JSON, or no object.
pub(super) fn from_str<'de, T: Fields<'de>>(json: &'de str) -> Result<T, serde_json::Error> {
    let mut value = T::default();
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let is_object = Object(&mut value).deserialize(&mut deserializer)?;
    deserializer.end()?;
    if is_object { Ok(value) } else { Err(serde::de::Error::custom("a JSON object was expected")) }
}

/// Passes over the value of a key nobody knows.
pub(super) fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(drop)
}

/// The next value of `map`; what is no object counts as absent.
pub(super) fn next_object<'de, A, T>(map: &mut A, place: &mut Option<T>) -> Result<(), A::Error>
where
    A: MapAccess<'de>,
    T: Fields<'de>,
{
    let is_object = map.next_value_seed(Object(place.insert(T::default())))?;
    if !is_object {
        *place = None;
    }
    Ok(())
}

/// The next value of `map`, a list of objects or `null`.
pub(super) fn next_list<'de, A, T>(map: &mut A, place: &mut Option<Vec<T>>) -> Result<(), A::Error>
where
    A: MapAccess<'de>,
    T: Fields<'de>,
{
    // Nearly always there is one element, and the place for the next is made before it is known that there is none.
    let is_list = map.next_value_seed(List(place.insert(Vec::with_capacity(2))))?;
    if !is_list {
        *place = None;
    }
    Ok(())
}

/// Where an object goes. The value says whether it was one.
struct Object<'p, T>(&'p mut T);

impl<'de, T: Fields<'de>> DeserializeSeed<'de> for Object<'_, T> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Fields<'de>> Visitor<'de> for Object<'_, T> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            self.0.read(&key, &mut map)?;
        }
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
}

/// Where a list of objects goes. The value says whether it was one and not `null`.
struct List<'p, T>(&'p mut Vec<T>);

impl<'de, T: Fields<'de>> DeserializeSeed<'de> for List<'_, T> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Fields<'de>> Visitor<'de> for List<'_, T> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        loop {
            self.0.push(T::default());
            let last = self.0.last_mut().expect("an element has just been added");
            if list.next_element_seed(Object(last))?.is_none() {
                self.0.pop();
                return Ok(true);
            }
        }
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
}

/// A key that borrows where it has no escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// A single value of whatever type came. Texts borrow from the frame where they have no escapes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Scalar<'a> {
    /// Missing, `null`, a list or an object.
    #[default]
    Absent,
    /// A string.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
}

impl<'a> Scalar<'a> {
    /// The text, unless it is empty: providers send `""` where they mean "nothing".
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            Self::Text(_) | Self::Absent | Self::Integer(_) | Self::Float(_) | Self::Bool(_) => None,
        }
    }

    /// Like [`Scalar::text`], keeping the borrow of the frame.
    pub(super) fn into_text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            Self::Text(_) | Self::Absent | Self::Integer(_) | Self::Float(_) | Self::Bool(_) => None,
        }
    }

    /// The whole number; `12.0` is one too.
    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            #[expect(clippy::cast_possible_truncation, reason = "the value is whole and within 53 bits")]
            Self::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => Some(*number as i64),
            Self::Float(_) | Self::Absent | Self::Text(_) | Self::Bool(_) => None,
        }
    }

    /// A count: a whole number, negative ones floored at zero.
    pub(super) fn count(&self) -> Option<u64> {
        self.integer().map(|number| u64::try_from(number).unwrap_or(0))
    }

    /// Whether it is `true`.
    pub(super) fn is_true(&self) -> bool {
        *self == Self::Bool(true)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Integer(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Float(number))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Absent)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Absent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_types_count_as_absent_and_never_fail() {
        for json in ["null", "[1,{}]", "{\"a\":[]}", "\"\"", "true", "7"] {
            assert_eq!(serde_json::from_str::<Scalar<'_>>(json).unwrap().text(), None, "{json}");
        }
        for json in ["null", "\"7\"", "7.5", "{}", "1e300"] {
            assert_eq!(serde_json::from_str::<Scalar<'_>>(json).unwrap().integer(), None, "{json}");
        }
    }

    #[test]
    fn whole_floats_are_counts_and_negative_counts_are_zero() {
        for (json, count) in [("12", 12), ("12.0", 12), ("-3", 0), ("0", 0)] {
            assert_eq!(serde_json::from_str::<Scalar<'_>>(json).unwrap().count(), Some(count), "{json}");
        }
    }

    #[derive(Default)]
    struct Nested {
        name: Option<i64>,
        inner: Option<Box<Nested>>,
        list: Option<Vec<Nested>>,
    }

    impl<'de> Fields<'de> for Nested {
        fn read<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
            match key {
                "name" => self.name = map.next_value::<Scalar<'_>>()?.integer(),
                "inner" => {
                    let mut inner = None;
                    next_object(map, &mut inner)?;
                    self.inner = inner.map(Box::new);
                }
                "list" => next_list(map, &mut self.list)?,
                _ => skip(map)?,
            }
            Ok(())
        }
    }

    #[test]
    fn objects_are_read_into_place_and_what_is_none_is_absent() {
        let read = |json| from_str::<Nested>(json).unwrap();
        let value = read(r#"{"name":1,"x":[{}],"na\u006de":2,"inner":{"name":3},"list":[{"name":4},null,{}]}"#);
        assert_eq!((value.name, value.inner.unwrap().name), (Some(2), Some(3)));
        let names: Vec<_> = value.list.unwrap().into_iter().map(|element| element.name).collect();
        assert_eq!(names, [Some(4), None, None]);
        for json in ["null", "[1,{}]", "\"x\"", "true", "-7", "7.5"] {
            let inside = format!("{{\"inner\":{json}}}");
            assert!(from_str::<Nested>(&inside).unwrap().inner.is_none(), "{json}");
            assert!(from_str::<Nested>(json).is_err(), "{json}");
        }
        assert!(read(r#"{"list":null}"#).list.is_none());
        assert!(read(r#"{"list":[]}"#).list.is_some_and(|list| list.is_empty()));
        for json in ["", "{", "{} x", r#"{"list":{}}"#, r#"{"list":[{]}"#] {
            assert!(from_str::<Nested>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn texts_without_escapes_are_borrowed() {
        let json = "\"plain\"";
        let text = serde_json::from_str::<Scalar<'_>>(json).unwrap();
        assert!(matches!(text, Scalar::Text(Cow::Borrowed("plain"))));
    }
}
