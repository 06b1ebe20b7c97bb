//! Money in integers: prices in pico-dollars per unit, totals in nano-dollars. No floating point.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A price: pico-dollars (10⁻¹² USD) per token, request, image or second.
/// One pico-dollar per token is the same number as one micro-dollar per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PicoUsd(pub i64);

/// An amount: nano-dollars (10⁻⁹ USD). The range is about ± 9.2 billion dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoUsd(pub i64);

/// A decimal text is not a price or amount we can hold exactly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a decimal number we can hold exactly")]
pub struct ParseMoneyError(String);

impl PicoUsd {
    /// From USD per million units, as price lists state it: `0.075` is 75,000 pico-dollars per token.
    ///
    /// # Errors
    /// When the text is no decimal number, or has more than six places (scientific notation is understood).
    pub fn from_usd_per_million(text: &str) -> Result<Self, ParseMoneyError> {
        decimal(text, 6).map(Self)
    }

    /// From USD per single unit, as request fees are stated: `0.005` is 5,000,000,000 pico-dollars.
    ///
    /// # Errors
    /// When the text is no decimal number, or has more than twelve places.
    pub fn from_usd(text: &str) -> Result<Self, ParseMoneyError> {
        decimal(text, 12).map(Self)
    }

    /// From USD per single unit in a list whose digits come from floating point (`1.2500000000000001e-06`): rounded half up
    /// to the pico-dollar. What would be rounded to nothing is refused, because zero means free.
    ///
    /// # Errors
    /// When the text is no decimal number, is out of range, or is less than half a pico-dollar.
    pub fn from_usd_rounded(text: &str) -> Result<Self, ParseMoneyError> {
        let pico = rounded(text, 12)?;
        let (digits, _) = parse(text)?;
        if pico == 0 && digits != 0 { Err(ParseMoneyError(text.to_owned())) } else { Ok(Self(pico)) }
    }

    /// Decimal text in USD per million units, without trailing zeros: `0.075`.
    pub fn to_usd_per_million(self) -> String {
        self.per_million_in_usd().to_string()
    }

    /// Decimal text in USD per single unit, without trailing zeros: `0.005`.
    pub fn to_usd(self) -> String {
        Decimal { value: self.0, places: 12 }.to_string()
    }

    /// The same, to be written into a longer text.
    pub fn per_million_in_usd(self) -> impl fmt::Display {
        Decimal { value: self.0, places: 6 }
    }
}

impl NanoUsd {
    /// From a decimal amount in USD, rounded half up to nano-dollars (providers report costs with many places).
    ///
    /// # Errors
    /// When the text is no decimal number or out of range.
    pub fn from_usd_rounded(text: &str) -> Result<Self, ParseMoneyError> {
        rounded(text, 9).map(Self)
    }

    /// From an exact sum of pico-dollars, rounded once, half away from zero.
    pub fn from_pico_sum(pico: i128) -> Self {
        Self(i64::try_from(div_half_up(pico, 1000)).unwrap_or(if pico < 0 { i64::MIN } else { i64::MAX }))
    }

    /// Decimal text in USD without trailing zeros: `0.000123`.
    pub fn to_usd(self) -> String {
        self.in_usd().to_string()
    }

    /// The same, to be written into a longer text.
    pub fn in_usd(self) -> impl fmt::Display {
        Decimal { value: self.0, places: 9 }
    }
}

impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} USD", self.in_usd())
    }
}

/// `value / 10^places` in decimal digits, without trailing zeros.
struct Decimal {
    value: i64,
    places: u32,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.value < 0 {
            f.write_str("-")?;
        }
        let unit = 10_u64.pow(self.places);
        let (whole, mut fraction) = (self.value.unsigned_abs() / unit, self.value.unsigned_abs() % unit);
        write!(f, "{whole}")?;
        if fraction == 0 {
            return Ok(());
        }
        let mut places = self.places as usize;
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            places -= 1;
        }
        write!(f, ".{fraction:0places$}")
    }
}

fn div_half_up(value: i128, divisor: i128) -> i128 {
    let half = divisor / 2;
    if value < 0 { -((-value + half) / divisor) } else { (value + half) / divisor }
}

/// `text × 10^places` as an integer, rounded half away from zero.
fn rounded(text: &str, places: i32) -> Result<i64, ParseMoneyError> {
    let (digits, exponent) = parse(text)?;
    let error = || ParseMoneyError(text.to_owned());
    let shift = exponent + places;
    let whole = if shift >= 0 {
        let factor = 10_i128.checked_pow(shift.unsigned_abs()).ok_or_else(error)?;
        digits.checked_mul(factor).ok_or_else(error)?
    } else {
        match 10_i128.checked_pow(shift.unsigned_abs()) {
            Some(divisor) => div_half_up(digits, divisor),
            None => 0,
        }
    };
    i64::try_from(whole).map_err(|_| error())
}

/// `text × 10^places` as an integer, exactly.
fn decimal(text: &str, places: i32) -> Result<i64, ParseMoneyError> {
    let error = || ParseMoneyError(text.to_owned());
    let (mut digits, mut exponent) = parse(text)?;
    while digits != 0 && digits % 10 == 0 && exponent + places < 0 {
        digits /= 10;
        exponent += 1;
    }
    if digits == 0 {
        return Ok(0);
    }
    let shift = u32::try_from(exponent + places).map_err(|_| error())?;
    let factor = 10_i128.checked_pow(shift).ok_or_else(error)?;
    let scaled = digits.checked_mul(factor).ok_or_else(error)?;
    i64::try_from(scaled).map_err(|_| error())
}

/// Digits and power of ten of a decimal number such as `-1.50` or `1.5e-7`.
fn parse(text: &str) -> Result<(i128, i32), ParseMoneyError> {
    let error = || ParseMoneyError(text.to_owned());
    let trimmed = text.trim();
    let (mantissa, exponent) = match trimmed.find(['e', 'E']) {
        Some(at) => (&trimmed[..at], trimmed[at + 1..].parse::<i32>().map_err(|_| error())?),
        None => (trimmed, 0),
    };
    let (negative, unsigned) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if whole.is_empty() && fraction.is_empty() || whole.len() + fraction.len() > 36 || exponent.unsigned_abs() > 60 {
        return Err(error());
    }
    let mut digits: i128 = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        if !byte.is_ascii_digit() {
            return Err(error());
        }
        digits = digits * 10 + i128::from(byte - b'0');
    }
    let places = i32::try_from(fraction.len()).map_err(|_| error())?;
    Ok((if negative { -digits } else { digits }, exponent - places))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact_digits() {
        assert_eq!(PicoUsd::from_usd_per_million("0.075"), Ok(PicoUsd(75_000)));
        assert_eq!(PicoUsd::from_usd_per_million("3"), Ok(PicoUsd(3_000_000)));
        assert_eq!(PicoUsd::from_usd_per_million("0.0375"), Ok(PicoUsd(37_500)));
        assert_eq!(PicoUsd::from_usd_per_million("1.5e-1"), Ok(PicoUsd(150_000)));
        assert_eq!(PicoUsd::from_usd("0.005"), Ok(PicoUsd(5_000_000_000)));
        assert_eq!(PicoUsd::from_usd_per_million("1.0000000"), Ok(PicoUsd(1_000_000)));
    }

    #[test]
    fn prices_print_as_they_were_written() {
        for text in ["0.075", "3", "0", "22.5", "0.000001"] {
            assert_eq!(PicoUsd::from_usd_per_million(text).unwrap().to_usd_per_million(), text);
        }
    }

    #[test]
    fn what_floating_point_has_left_behind_is_rounded_away_but_never_to_nothing() {
        assert_eq!(PicoUsd::from_usd_rounded("1.2500000000000001e-06"), Ok(PicoUsd(1_250_000)));
        assert_eq!(PicoUsd::from_usd_rounded("9.999999999999999e-08"), Ok(PicoUsd(100_000)));
        assert_eq!(PicoUsd::from_usd_rounded("-1e-6"), Ok(PicoUsd(-1_000_000)));
        assert_eq!(PicoUsd::from_usd_rounded("0.0"), Ok(PicoUsd(0)));
        assert!(PicoUsd::from_usd_rounded("4e-13").is_err() && PicoUsd::from_usd_rounded("1e-80").is_err());
        assert_eq!(PicoUsd::from_usd("0.000000000001").unwrap().to_usd(), "0.000000000001");
        assert_eq!(PicoUsd(5_000_000_000).to_usd(), "0.005");
    }

    #[test]
    fn what_cannot_be_held_exactly_is_refused() {
        for text in ["", ".", "abc", "1.2.3", "0.0000001", "99999999999999999999", "1e99", "--1", "1,5"] {
            assert!(PicoUsd::from_usd_per_million(text).is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_round_once_and_half_up() {
        assert_eq!(NanoUsd::from_pico_sum(1_499), NanoUsd(1));
        assert_eq!(NanoUsd::from_pico_sum(1_500), NanoUsd(2));
        assert_eq!(NanoUsd::from_pico_sum(-1_500), NanoUsd(-2));
        assert_eq!(NanoUsd::from_usd_rounded("0.0001234567894"), Ok(NanoUsd(123_457)));
        assert_eq!(NanoUsd::from_usd_rounded("1.5e-5"), Ok(NanoUsd(15_000)));
        assert_eq!(NanoUsd::from_usd_rounded("1e-40"), Ok(NanoUsd(0)));
    }

    #[test]
    fn amounts_print_without_trailing_zeros() {
        assert_eq!(NanoUsd(123_000).to_usd(), "0.000123");
        assert_eq!(NanoUsd(2_000_000_000).to_usd(), "2");
        assert_eq!(NanoUsd(-1).to_usd(), "-0.000000001");
        assert_eq!(NanoUsd(0).to_usd(), "0");
    }
}
