//! Values that need care when they are read: money, which is never a float, and keys, which never print.
//!
//! The parser hands numbers over as `f64`. Rust prints an `f64` with the shortest digits that read back as the same
//! number, and those are the digits that were written as long as there are at most fifteen, which every price we
//! accept has (six decimal places, four before the point).

use std::fmt;

use serde::de::{Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::money::PicoUsd;
use crate::secret::Secret;

/// A key. An empty text is no key.
pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    let text = text.trim();
    Ok((!text.is_empty()).then(|| Secret::new(text)))
}

/// Prices above this are a mistake of unit: somebody wrote USD per thousand or per billion tokens.
const HIGHEST_USD_PER_MILLION: PicoUsd = PicoUsd(1_000_000_000);

/// A price in USD per million tokens. It is written as a text, which keeps its digits in every JSON reader.
pub(super) mod usd_per_million {
    use super::{Deserializer, HIGHEST_USD_PER_MILLION, PicoUsd, Serialize, Serializer, money};

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<PicoUsd>, D::Error> {
        let price = money(deserializer, PicoUsd::from_usd_per_million)?;
        if price > HIGHEST_USD_PER_MILLION {
            return Err(serde::de::Error::custom(
                "above 1000 USD per million tokens: prices are USD per million tokens",
            ));
        }
        Ok(Some(price))
    }

    pub(in crate::config) fn serialize<S: Serializer>(
        price: &Option<PicoUsd>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        price.map(PicoUsd::to_usd_per_million).serialize(serializer)
    }
}

/// A fee in USD per request.
pub(super) mod usd {
    use super::{Deserializer, PicoUsd, Serialize, Serializer, money};

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<PicoUsd>, D::Error> {
        money(deserializer, PicoUsd::from_usd).map(Some)
    }

    pub(in crate::config) fn serialize<S: Serializer>(fee: &Option<PicoUsd>, serializer: S) -> Result<S::Ok, S::Error> {
        fee.map(PicoUsd::to_usd).serialize(serializer)
    }
}

/// Three fees in USD: low, medium and high search context.
pub(super) mod usd_by_size {
    use super::{Deserialize, Deserializer, PicoUsd, Serialize, Serializer, money};

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<[PicoUsd; 3]>, D::Error> {
        struct Fee(PicoUsd);
        impl<'de> Deserialize<'de> for Fee {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                money(deserializer, PicoUsd::from_usd).map(Self)
            }
        }
        let fees = <[Fee; 3]>::deserialize(deserializer)?;
        Ok(Some(fees.map(|fee| fee.0)))
    }

    pub(in crate::config) fn serialize<S: Serializer>(
        fees: &Option<[PicoUsd; 3]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        fees.map(|fees| fees.map(PicoUsd::to_usd)).serialize(serializer)
    }
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
