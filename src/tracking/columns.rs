//! A usage record as a row of the log, and back. The order is that of [`requests::COLUMNS`].

use serde::Serialize;
use serde::de::DeserializeOwned;
use smol_str::SmolStr;

use super::{ErrorClass, UsageRecord};
use crate::chat::{SearchContext, Usage};
use crate::clock::UnixMillis;
use crate::money::NanoUsd;
use crate::store::{Param, Row, StoreError, requests};

/// The values of a record's row.
pub(super) fn values(record: &UsageRecord) -> [Param<'_>; requests::COLUMNS.len()] {
    let usage = &record.usage;
    [
        (&record.id).into(),
        record.parent.as_deref().into(),
        record.started.into(),
        record.end_user.as_deref().into(),
        record.chat_id.as_deref().into(),
        record.message_id.as_deref().into(),
        record.key.as_deref().into(),
        json(&record.tags),
        record.client.as_str().into(),
        record.endpoint.as_str().into(),
        record.client_protocol.as_str().into(),
        record.provider_protocol.as_str().into(),
        record.asked.as_str().into(),
        json(&record.steps),
        record.resolved_by.as_str().into(),
        record.alias.as_deref().into(),
        record.router.as_deref().into(),
        record.provider.as_str().into(),
        record.model.as_str().into(),
        record.status.into(),
        record.error.map(ErrorClass::as_str).into(),
        record.error_message.as_deref().into(),
        record.finish_reason.as_deref().into(),
        record.stream.into(),
        record.first_token_ms.into(),
        record.total_ms.into(),
        record.relay_us.into(),
        record.attempts.into(),
        usage.input.into(),
        usage.output.into(),
        usage.reasoning.into(),
        usage.cache_read.into(),
        usage.cache_write.into(),
        usage.cache_write_1h.into(),
        usage.audio_input.into(),
        usage.audio_output.into(),
        usage.image_input.into(),
        usage.searches.into(),
        usage.search_context.map(SearchContext::as_str).into(),
        usage.citation_tokens.into(),
        usage.reported_cost.into(),
        usage.service_tier.as_deref().into(),
        usage.raw.as_deref().into(),
        record.estimated.into(),
        record.cost.into(),
        record.cost_source.as_str().into(),
        record.computed_cost.into(),
        record.price.as_deref().into(),
        record.formula.as_deref().into(),
        record.connect_us.into(),
    ]
}

/// The record of a row.
pub(super) fn record(row: &Row<'_>) -> Result<UsageRecord, StoreError> {
    let name = |column| row.text(column).map(SmolStr::from);
    let optional_name = |column| Ok::<_, StoreError>(row.optional_text(column)?.map(SmolStr::from));
    let count = |column| Ok::<_, StoreError>(row.optional_integer(column)?.and_then(|count| u64::try_from(count).ok()));
    Ok(UsageRecord {
        id: row.text(0)?,
        parent: optional_name(1)?,
        started: UnixMillis(row.integer(2)?),
        end_user: optional_name(3)?,
        chat_id: optional_name(4)?,
        message_id: optional_name(5)?,
        key: optional_name(6)?,
        tags: from_json(&row.text(7)?, "list of tags")?,
        client: name(8)?,
        endpoint: name(9)?,
        client_protocol: name(10)?,
        provider_protocol: name(11)?,
        asked: name(12)?,
        steps: from_json(&row.text(13)?, "list of steps")?,
        resolved_by: name(14)?,
        alias: optional_name(15)?,
        router: optional_name(16)?,
        // In tables of their own: few requests have them.
        decision: None,
        prompt: None,
        provider: name(17)?,
        model: name(18)?,
        status: small(row.integer(19)?, "status")?,
        error: row.optional_text(20)?.map(|text| from_word(text, "error class")).transpose()?,
        error_message: row.optional_text(21)?,
        finish_reason: optional_name(22)?,
        stream: row.integer(23)? != 0,
        first_token_ms: row.optional_integer(24)?.map(|value| small(value, "time")).transpose()?,
        total_ms: small(row.integer(25)?, "time")?,
        relay_us: small(row.integer(26)?, "time")?,
        attempts: small(row.integer(27)?, "number of attempts")?,
        usage: Usage {
            input: count(28)?,
            output: count(29)?,
            reasoning: count(30)?,
            cache_read: count(31)?,
            cache_write: count(32)?,
            cache_write_1h: count(33)?,
            audio_input: count(34)?,
            audio_output: count(35)?,
            image_input: count(36)?,
            searches: count(37)?,
            search_context: row.optional_text(38)?.map(|text| from_word(text, "search depth")).transpose()?,
            citation_tokens: count(39)?,
            reported_cost: row.optional_integer(40)?.map(NanoUsd),
            service_tier: row.optional_text(41)?,
            raw: row.optional_text(42)?,
        },
        estimated: row.integer(43)? != 0,
        cost: row.optional_integer(44)?.map(NanoUsd),
        cost_source: from_word(row.text(45)?, "cost source")?,
        computed_cost: row.optional_integer(46)?.map(NanoUsd),
        price: optional_name(47)?,
        formula: row.optional_text(48)?,
        connect_us: row.optional_integer(49)?.map(|value| small(value, "time")).transpose()?,
    })
}

fn json<T: Serialize>(value: &[T]) -> Param<'static> {
    if value.is_empty() {
        return "[]".into();
    }
    // Lists of plain texts: there is nothing in them that JSON could refuse.
    serde_json::to_string(value).unwrap_or_else(|_| "[]".to_owned()).into()
}

fn from_json<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Unreadable { what, source: error.into() })
}

fn from_word<T: DeserializeOwned>(text: String, what: &'static str) -> Result<T, StoreError> {
    serde_json::from_value(text.into()).map_err(|error| StoreError::Unreadable { what, source: error.into() })
}

fn small<T: TryFrom<i64>>(value: i64, what: &'static str) -> Result<T, StoreError>
where
    T::Error: std::error::Error + Send + Sync + 'static,
{
    T::try_from(value).map_err(|error| StoreError::Unreadable { what, source: error.into() })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::routing::Step;
    use crate::store::Store;
    use crate::store::requests::{Bounds, Place};
    use crate::tracking::CostSource;

    /// A record in which no two values of a type are the same, so that a swapped column shows.
    pub(in crate::tracking) fn full() -> UsageRecord {
        let text = |name: &str| Some(format!("the {name}"));
        let name = |name: &str| text(name).map(SmolStr::from);
        UsageRecord {
            id: "id".into(),
            parent: name("parent"),
            started: UnixMillis(1),
            end_user: name("user"),
            chat_id: name("chat"),
            message_id: name("message"),
            key: name("key"),
            tags: vec!["a,b".into(), "ü\"".into()],
            client: "10.0.0.1".into(),
            endpoint: "/api/chat".into(),
            client_protocol: "ollama".into(),
            provider_protocol: "gemini".into(),
            asked: "asked".into(),
            steps: vec![Step { stage: "alias".into(), from: "f".into(), to: "t".into() }],
            resolved_by: "alias:f".into(),
            alias: name("alias"),
            router: name("router"),
            decision: None,
            prompt: None,
            provider: "p".into(),
            model: "m".into(),
            status: 502,
            error: Some(ErrorClass::ProviderAuth),
            error_message: text("error"),
            finish_reason: name("reason"),
            stream: true,
            first_token_ms: Some(2),
            total_ms: 3,
            relay_us: 4,
            connect_us: Some(20),
            attempts: 5,
            usage: Usage {
                input: Some(6),
                output: Some(7),
                reasoning: Some(8),
                cache_read: Some(9),
                cache_write: Some(10),
                cache_write_1h: Some(11),
                audio_input: Some(12),
                audio_output: Some(13),
                image_input: Some(14),
                searches: Some(15),
                search_context: Some(SearchContext::Medium),
                citation_tokens: Some(16),
                reported_cost: Some(NanoUsd(17)),
                service_tier: text("tier"),
                raw: text("raw"),
            },
            estimated: false,
            cost: Some(NanoUsd(18)),
            cost_source: CostSource::Reported,
            computed_cost: Some(NanoUsd(19)),
            price: name("price"),
            formula: text("formula"),
        }
    }

    #[test]
    fn words_of_columns_are_those_of_the_journal() {
        for source in
            [CostSource::Unknown, CostSource::Reported, CostSource::Computed, CostSource::Estimated, CostSource::Local]
        {
            assert_eq!(from_word::<CostSource>(source.as_str().into(), "").unwrap(), source);
        }
        for depth in [SearchContext::Low, SearchContext::Medium, SearchContext::High] {
            assert_eq!(from_word::<SearchContext>(depth.as_str().into(), "").unwrap(), depth);
        }
    }

    #[test]
    fn records_come_back_from_the_log_as_they_went() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let empty = UsageRecord { id: "empty".into(), estimated: true, ..UsageRecord::default() };
        store
            .blocking(|conn| {
                for written in [&full(), &empty] {
                    // The same id again is not new.
                    assert_eq!(requests::insert(conn, [values(written), values(written)].into_iter())?, [true, false]);
                    assert_eq!(requests::with_linked(conn, &written.id, record)?, std::slice::from_ref(written));
                }
                assert_eq!(requests::with_linked(conn, "the parent", record)?, [full()]);
                let bounds = Bounds { shown: 10, looked_at: 10 };
                let page = requests::page(conn, (0, 2), &[], &Place::Newest, bounds, record)?;
                assert_eq!(page.rows, [full(), empty]);
                Ok(())
            })
            .unwrap();
    }
}
