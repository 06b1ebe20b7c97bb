//! Reading what providers send where the specification promises something narrower: a field of the wrong type
//! counts as absent instead of failing the answer.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

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

    #[test]
    fn texts_without_escapes_are_borrowed() {
        let json = "\"plain\"";
        let text = serde_json::from_str::<Scalar<'_>>(json).unwrap();
        assert!(matches!(text, Scalar::Text(Cow::Borrowed("plain"))));
    }
}
