//! What query files see of a database: values, rows and a connection. One file per engine lies below.
//!
//! The portable subset has two types, 64-bit integers and text. Times, money, counters and truth values are integers;
//! lists and objects are JSON text. So a driver has little to translate, and no statement is written twice.

mod sqlite;

use std::borrow::Cow;

pub use sqlite::{Conn, FileSpace, Row, TableSpace};
pub(super) use sqlite::{SqliteManager, connect};

use crate::clock::UnixMillis;
use crate::money::NanoUsd;

/// A value given to a statement. Statements name them `$1`, `$2`, …: in whatever order, each at least once.
#[derive(Debug, Clone, PartialEq)]
pub enum Param<'a> {
    /// No value.
    Null,
    /// `bigint`.
    Integer(i64),
    /// `text`.
    Text(Cow<'a, str>),
}

impl From<i64> for Param<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u32> for Param<'_> {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<u16> for Param<'_> {
    fn from(value: u16) -> Self {
        Self::Integer(value.into())
    }
}

/// Counters beyond the range of `bigint` are held as its largest value.
impl From<u64> for Param<'_> {
    fn from(value: u64) -> Self {
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Param<'_> {
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}

impl From<UnixMillis> for Param<'_> {
    fn from(value: UnixMillis) -> Self {
        Self::Integer(value.0)
    }
}

impl From<NanoUsd> for Param<'_> {
    fn from(value: NanoUsd) -> Self {
        Self::Integer(value.0)
    }
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Param<'_> {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}

impl<'a, T: Into<Self>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
