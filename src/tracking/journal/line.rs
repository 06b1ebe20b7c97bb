//! A record as a line of the journal: what serde would write, and reads back.

use crate::chat::Usage;
use crate::json::{self, Members};
use crate::routing::Step;
use crate::tracking::UsageRecord;

/// Most lines are shorter. glibc keeps blocks of up to 1,032 bytes for each thread; for more, threads wait for each other.
const LINE_BYTES: usize = 1024;

/// The line, without its line feed.
pub(super) fn line(record: &UsageRecord) -> Vec<u8> {
    let mut line = Vec::with_capacity(LINE_BYTES);
    json::object(&mut line, |members| add_record(members, record));
    line
}

fn add_record(members: &mut Members<'_>, record: &UsageRecord) {
    // Taken apart, so that a new field cannot be forgotten.
    let UsageRecord {
        id,
        parent,
        started,
        end_user,
        chat_id,
        message_id,
        key,
        tags,
        client,
        endpoint,
        client_protocol,
        provider_protocol,
        asked,
        steps,
        resolved_by,
        alias,
        router,
        decision,
        prompt,
        provider,
        model,
        status,
        error,
        error_message,
        finish_reason,
        stream,
        first_token_ms,
        total_ms,
        relay_us,
        connect_us,
        attempts,
        usage,
        estimated,
        cost,
        cost_source,
        computed_cost,
        price,
        formula,
    } = record;
    members.text("id", id);
    members.optional_text("parent", parent.as_deref());
    members.value("started", started);
    members.optional_text("end_user", end_user.as_deref());
    members.optional_text("chat_id", chat_id.as_deref());
    members.optional_text("message_id", message_id.as_deref());
    members.optional_text("key", key.as_deref());
    json::list(members.named("tags"), tags, |out, tag| json::text(out, tag));
    members.text("client", client);
    members.text("endpoint", endpoint);
    members.text("client_protocol", client_protocol);
    members.text("provider_protocol", provider_protocol);
    members.text("asked", asked);
    json::list(members.named("steps"), steps, |out, step| json::object(out, |members| add_step(members, step)));
    members.text("resolved_by", resolved_by);
    members.optional_text("alias", alias.as_deref());
    members.optional_text("router", router.as_deref());
    members.optional("decision", decision.as_deref());
    members.optional_text("prompt", prompt.as_deref());
    members.text("provider", provider);
    members.text("model", model);
    members.value("status", status);
    members.optional_text("error", error.map(|error| error.as_str()));
    members.optional_text("error_message", error_message.as_deref());
    members.optional_text("finish_reason", finish_reason.as_deref());
    members.value("stream", stream);
    members.optional("first_token_ms", first_token_ms.as_ref());
    members.value("total_ms", total_ms);
    members.value("relay_us", relay_us);
    members.optional("connect_us", connect_us.as_ref());
    members.value("attempts", attempts);
    json::object(members.named("usage"), |members| add_usage(members, usage));
    members.value("estimated", estimated);
    members.optional("cost", cost.as_ref());
    members.text("cost_source", cost_source.as_str());
    members.optional("computed_cost", computed_cost.as_ref());
    members.optional_text("price", price.as_deref());
    members.optional_text("formula", formula.as_deref());
}

fn add_step(members: &mut Members<'_>, Step { stage, from, to }: &Step) {
    members.text("stage", stage);
    members.text("from", from);
    members.text("to", to);
}

fn add_usage(members: &mut Members<'_>, usage: &Usage) {
    let Usage {
        input,
        output,
        reasoning,
        cache_read,
        cache_write,
        cache_write_1h,
        audio_input,
        audio_output,
        image_input,
        searches,
        search_context,
        citation_tokens,
        reported_cost,
        service_tier,
        raw,
    } = usage;
    members.optional("input", input.as_ref());
    members.optional("output", output.as_ref());
    members.optional("reasoning", reasoning.as_ref());
    members.optional("cache_read", cache_read.as_ref());
    members.optional("cache_write", cache_write.as_ref());
    members.optional("cache_write_1h", cache_write_1h.as_ref());
    members.optional("audio_input", audio_input.as_ref());
    members.optional("audio_output", audio_output.as_ref());
    members.optional("image_input", image_input.as_ref());
    members.optional("searches", searches.as_ref());
    members.optional_text("search_context", search_context.map(|depth| depth.as_str()));
    members.optional("citation_tokens", citation_tokens.as_ref());
    members.optional("reported_cost", reported_cost.as_ref());
    members.optional_text("service_tier", service_tier.as_deref());
    members.optional_text("raw", raw.as_deref());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracking::columns::tests::full;

    #[test]
    fn lines_are_those_serde_writes() {
        let plain = UsageRecord { id: "a".into(), client: "\u{1}\n\"ü\"".into(), ..UsageRecord::default() };
        for record in [full(), plain, UsageRecord::default()] {
            let written = String::from_utf8(line(&record)).unwrap();
            assert_eq!(written, serde_json::to_string(&record).unwrap());
        }
    }
}
