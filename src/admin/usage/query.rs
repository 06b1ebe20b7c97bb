//! What is asked, as it stands in the address of the page and of the API.

use jiff::Timestamp;
use url::form_urlencoded;

use crate::clock::UnixMillis;
use crate::tracking::{Asked, Counters, Dimension, Filters, Group, Period};

/// Rows when nobody says, and at most.
const USUAL: usize = 50;
const MOST: usize = 10_000;
/// Characters of a value, at most: names and ids are shorter.
const MAX_CHARS: usize = 300;
/// The period when nobody says.
pub(super) const USUAL_PERIOD: &str = "30d";

/// Everything there is beside the dimensions, each of which is a filter.
const KEYS: [&str; 8] = ["period", "from", "to", "by", "show", "without", "limit", "format"];

/// What is asked. Times are kept as they were written, so that a link to `7d` goes on to mean the last seven days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin) struct Question {
    pub(super) time: Time,
    pub(super) by: Dimension,
    pub(super) show: Show,
    pub(super) filters: Filters,
    limit: usize,
    /// Rows as CSV, where the API is asked.
    pub(in crate::admin) as_csv: bool,
}

/// A period as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Time {
    /// `7d`, `this-month`, `2026-11`.
    Named(String),
    /// Both ends, either of which may be left out.
    Between(Option<String>, Option<String>),
}

/// What the course is of, and what is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    Cost,
    Requests,
    Tokens,
}

impl Default for Question {
    fn default() -> Self {
        Self {
            time: Time::Named(USUAL_PERIOD.to_owned()),
            by: Dimension::Tag,
            show: Show::Cost,
            filters: Filters::new(),
            limit: USUAL,
            as_csv: false,
        }
    }
}

impl Question {
    /// What a query asks, or what is wrong with it. A form sends its empty fields too: those say nothing.
    pub(in crate::admin) fn read(query: &str) -> Result<Self, String> {
        let mut question = Self::default();
        let (mut named, mut from, mut to) = (None, None, None);
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            if value.chars().count() > MAX_CHARS {
                return Err(format!("`{key}` has more than {MAX_CHARS} characters"));
            }
            let wrong = |expected: &str| format!("`{key}` is {expected}, not `{value}`");
            let filter = Dimension::ALL.into_iter().find(|dimension| dimension.as_str() == key);
            match (&*key, filter) {
                _ if value.is_empty() && (filter.is_some() || KEYS.contains(&&*key)) => {}
                (_, Some(dimension)) => _ = question.filters.insert(dimension, value.to_owned()),
                ("period", _) => named = Some(value.to_owned()),
                ("from", _) => from = Some(value.to_owned()),
                ("to", _) => to = Some(value.to_owned()),
                ("by", _) => question.by = dimension(value).ok_or_else(|| wrong(&one_of_dimensions()))?,
                ("show", _) => {
                    question.show = Show::read(value).ok_or_else(|| wrong("`cost`, `requests` or `tokens`"))?;
                }
                ("without", _) => {
                    let dimension = dimension(value).ok_or_else(|| wrong(&one_of_dimensions()))?;
                    question.filters.insert(dimension, String::new());
                }
                ("limit", _) => {
                    let number = value.parse().ok().filter(|number| (1..=MOST).contains(number));
                    question.limit = number.ok_or_else(|| wrong("a number from 1 to 10000"))?;
                }
                ("format", _) => {
                    question.as_csv = match value {
                        "csv" => true,
                        "json" => false,
                        _ => return Err(wrong("`json` or `csv`")),
                    }
                }
                _ => {
                    let known = KEYS.into_iter().chain(Dimension::ALL.map(Dimension::as_str));
                    let known = known.map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
                    return Err(format!("there is no `{key}`; there is {known}"));
                }
            }
        }
        question.time = match (named, from, to) {
            (None, None, None) => question.time,
            (Some(word), None, None) => Time::Named(word),
            (None, from, to) => Time::Between(from, to),
            (Some(_), _, _) => return Err("there is `period`, or `from` and `to`, not both".to_owned()),
        };
        Ok(question)
    }

    /// What that means now, or what is wrong with its times.
    pub(in crate::admin) fn understand(&self, now: UnixMillis) -> Result<Asked, String> {
        let period = match &self.time {
            Time::Named(word) => Period::named(word, now),
            Time::Between(from, to) => Period::parse(from.as_deref(), to.as_deref(), now),
        };
        let period = period.map_err(|error| error.to_string())?;
        Ok(Asked { by: self.by, period, filters: self.filters.clone(), limit: self.limit, step: None })
    }

    /// This page.
    pub(in crate::admin) fn address(&self) -> String {
        address("/usage", &self.pairs())
    }

    /// The same from the API, `csv` or `json`.
    pub(super) fn download(&self, format: &'static str) -> String {
        let mut pairs = self.pairs();
        pairs.push(("format", format.to_owned()));
        address("/admin/api/usage", &pairs)
    }

    /// The requests it is about, of a group of them or of all; empty where the list has no such filter.
    pub(super) fn requests(&self, group: Option<&Group>, period: Period) -> String {
        let Some(asked) = group.map_or_else(|| Some(self.clone()), |group| self.narrowed(group)) else {
            return String::new();
        };
        let mut pairs = Vec::new();
        for (dimension, value) in &asked.filters {
            match dimension {
                _ if value.is_empty() => return String::new(),
                // The list finds a provider's by the beginning of the model.
                Dimension::Provider if asked.filters.contains_key(&Dimension::Model) => {}
                Dimension::Provider => pairs.push(("model", format!("{value}/"))),
                _ => pairs.push((dimension.as_str(), value.clone())),
            }
        }
        let moment = |at: UnixMillis| Timestamp::from_millisecond(at.0).unwrap_or_default().to_string();
        pairs.extend([("from", moment(period.from)), ("to", moment(period.to))]);
        address("/requests", &pairs)
    }

    /// The same of one group only; `None` where there is no such filter.
    pub(super) fn narrowed(&self, group: &Group) -> Option<Self> {
        let value = match group {
            Group::Value(value) => value.clone(),
            Group::None => String::new(),
            Group::Others => return None,
        };
        Some(self.filtered(self.by, value))
    }

    pub(super) fn filtered(&self, dimension: Dimension, value: String) -> Self {
        let mut question = self.clone();
        question.filters.insert(dimension, value);
        question
    }

    pub(super) fn unfiltered(&self, dimension: Dimension) -> Self {
        let mut question = self.clone();
        question.filters.remove(&dimension);
        question
    }

    pub(in crate::admin) fn by(&self, by: Dimension) -> Self {
        Self { by, ..self.clone() }
    }

    pub(super) fn showing(&self, show: Show) -> Self {
        Self { show, ..self.clone() }
    }

    pub(in crate::admin) fn during(&self, word: &str) -> Self {
        Self { time: Time::Named(word.to_owned()), ..self.clone() }
    }

    pub(super) fn with_all_rows(&self) -> Self {
        Self { limit: MOST, ..self.clone() }
    }

    /// What the address has to say; the usual goes without saying.
    pub(super) fn pairs(&self) -> Vec<(&'static str, String)> {
        let usual = Self::default();
        let mut pairs = Vec::new();
        match &self.time {
            time if *time == usual.time => {}
            Time::Named(word) => pairs.push(("period", word.clone())),
            Time::Between(from, to) => {
                pairs.extend(from.clone().map(|from| ("from", from)));
                pairs.extend(to.clone().map(|to| ("to", to)));
            }
        }
        pairs.extend((self.by != usual.by).then(|| ("by", self.by.as_str().to_owned())));
        pairs.extend((self.show != usual.show).then(|| ("show", self.show.as_str().to_owned())));
        pairs.extend((self.limit != usual.limit).then(|| ("limit", self.limit.to_string())));
        for (dimension, value) in &self.filters {
            pairs.push(match value.as_str() {
                "" => ("without", dimension.as_str().to_owned()),
                value => (dimension.as_str(), value.to_owned()),
            });
        }
        pairs
    }
}

impl Show {
    pub(super) const ALL: [Self; 3] = [Self::Cost, Self::Requests, Self::Tokens];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Requests => "requests",
            Self::Tokens => "tokens",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Cost => "Cost",
            Self::Requests => "Requests",
            Self::Tokens => "Tokens",
        }
    }

    /// What is shown of sums: nano-USD, requests or tokens.
    pub(super) fn of(self, sums: &Counters) -> i64 {
        match self {
            Self::Cost => sums.cost_nano_usd,
            Self::Requests => sums.requests,
            Self::Tokens => sums.tokens(),
        }
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|show| show.as_str() == word)
    }
}

pub(super) fn address(path: &str, pairs: &[(&'static str, String)]) -> String {
    if pairs.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
}

fn dimension(word: &str) -> Option<Dimension> {
    word.parse().ok()
}

fn one_of_dimensions() -> String {
    format!("one of {}", Dimension::ALL.map(|dimension| format!("`{}`", dimension.as_str())).join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_250_000_000);

    #[test]
    fn an_address_says_what_is_asked_and_leads_back_to_it() {
        let query = "period=7d&by=model&show=tokens&tag=team+a&key=&model=p%2Fm&without=user&limit=5";
        let question = Question::read(query).unwrap();
        let filters: Filters = [(Dimension::Tag, "team a"), (Dimension::Model, "p/m"), (Dimension::User, "")]
            .map(|(dimension, value)| (dimension, value.to_owned()))
            .into();
        let asked = question.understand(NOW).unwrap();
        assert_eq!((asked.by, asked.filters, asked.limit), (Dimension::Model, filters, 5));
        assert_eq!(Question::read(question.address().split_once('?').unwrap().1), Ok(question.clone()));
        assert_eq!(Question::default().address(), "/usage");
        assert_eq!(Question::default().download("csv"), "/admin/api/usage?format=csv");
        assert!(Question::read("format=csv").unwrap().as_csv);
    }

    #[test]
    fn the_requests_of_a_row_are_found_by_its_filters_and_period() {
        let question = Question::read("by=provider&tag=a%26b").unwrap();
        let period = Period { from: UnixMillis(0), to: UnixMillis(3_600_000) };
        let times = "&from=1970-01-01T00%3A00%3A00Z&to=1970-01-01T01%3A00%3A00Z";
        let of = |question: &Question, value: &str| question.requests(Some(&Group::Value(value.into())), period);
        assert_eq!(of(&question, "p"), format!("/requests?tag=a%26b&model=p%2F{times}"));
        let one = question.filtered(Dimension::Model, "p/m".into());
        assert_eq!(of(&one, "p"), format!("/requests?tag=a%26b&model=p%2Fm{times}"));
        assert_eq!(question.requests(Some(&Group::None), period), "");
        assert_eq!(question.requests(Some(&Group::Others), period), "");
        assert_eq!(question.requests(None, period), format!("/requests?tag=a%26b{times}"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = format!("tag={}", "x".repeat(301));
        let read = |query: &str| Question::read(query).and_then(|question| question.understand(NOW)).unwrap_err();
        for (query, part) in [
            ("page=2", "no `page`"),
            ("by=tags", "`alias`, `router`, `user`, not `tags`"),
            ("without=x", "`by` is one of".replace("by", "without").as_str()),
            ("show=money", "`tokens`"),
            ("limit=0", "1 to 10000"),
            ("format=xml", "`csv`"),
            ("period=soon", "`soon` is not a period"),
            ("period=7d&from=8d", "not both"),
            ("from=yesterday", "`yesterday` is not a time"),
            ("from=2026-11-20&to=2026-11-19", "ends before it begins"),
            (&long, "300 characters"),
        ] {
            let message = read(query);
            assert!(message.contains(part), "{query}: {message}");
        }
    }
}
