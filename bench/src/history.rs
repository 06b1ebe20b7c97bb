//! A month of requests that never were: journal lines as a relay leaves them, for databases with something to sum up.
//!
//! Requests that are really asked arrive within minutes, from one client with one key and one tag, and are a handful of
//! rows once they are summed up. This history is what a company leaves: teams with several models and keys, people behind
//! one web UI and on machines of their own, some failures and some models without a price. It is the same in every run but
//! for its times, which end now.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use serde_json::json;

use crate::target::relay::ROUTED;

/// The history ends now and is as long.
pub(crate) const DAYS: u64 = 30;
const DAY_MS: u64 = 86_400_000;
/// Lines of a file.
const PER_FILE: usize = 100_000;

const N_TEAMS: u64 = 12;
const N_USERS: u64 = 300;
const N_MODELS: u64 = 20;
const PROVIDERS: [&str; 4] = ["openai", "anthropic", "gemini", "openrouter"];

/// Writes the lines into a journal's folder. The relay that opens it next copies them into its database.
pub(crate) fn write(folder: &Path, n_records: usize, now_ms: u64) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut dice = Dice(20_261_121);
    for (number, first) in (0..n_records).step_by(PER_FILE).enumerate() {
        let path = folder.join(format!("{number:032}.jsonl"));
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut file = BufWriter::new(file);
        for index in first..n_records.min(first + PER_FILE) {
            let started = now_ms - DAYS * DAY_MS + DAYS * DAY_MS * index as u64 / n_records as u64;
            writeln!(file, "{}", record(index, started, &mut dice))?;
        }
        file.flush()?;
    }
    Ok(())
}

fn record(index: usize, started: u64, dice: &mut Dice) -> serde_json::Value {
    // Few people ask much.
    let user = dice.below(N_USERS).min(dice.below(N_USERS));
    let team = user % N_TEAMS;
    let model = (team + [0, 0, 0, 1, 1, 7][dice.index(6)]) % N_MODELS;
    let provider = PROVIDERS[usize::try_from(model % 4).unwrap_or(0)];
    let is_web = user.is_multiple_of(2);
    let mut tags = vec![format!("team-{team:02}")];
    if dice.below(4) == 0 {
        tags.push(format!("project-{:02}", (team * 3 + dice.below(3)) % 30));
        tags.sort();
    }
    let is_routed = dice.below(10) == 0;
    let has_failed = dice.below(50) == 0;
    let (input, output) = (200 + dice.below(4_000), 20 + dice.below(800));
    let total_ms = 300 + output * 8 + dice.below(2_000);
    let cost = (model != 13).then_some(input * 1_000 + output * 4_000);
    json!({
        "id": format!("{started:012x}-{index:012x}"),
        "started": started,
        "end_user": (user % 10 != 9).then(|| format!("user-{user:03}@example.com")),
        "key": if is_web { "webui".to_owned() } else { format!("team-{team:02}") },
        "tags": tags,
        "client": if is_web { "10.0.0.2".to_owned() } else { format!("10.0.1.{}", user % 250) },
        "endpoint": if is_web { "/api/chat" } else { "/v1/chat/completions" },
        "client_protocol": if is_web { "ollama" } else { "openai" },
        "provider_protocol": "openai",
        "asked": format!("{provider}/model-{model:02}"),
        "steps": [{ "stage": "prefix", "from": format!("{provider}/model-{model:02}"), "to": format!("{provider}/model-{model:02}") }],
        "resolved_by": "prefix",
        "alias": model.is_multiple_of(5).then(|| format!("alias-{model:02}")),
        "router": is_routed.then_some(ROUTED),
        "provider": provider,
        "model": format!("model-{model:02}"),
        "status": if has_failed { 504 } else { 200 },
        "error": has_failed.then_some("timeout"),
        "error_message": has_failed.then_some("the provider did not answer in time"),
        "finish_reason": "stop",
        "stream": is_web,
        "first_token_ms": if is_web { 80 + dice.below(900) } else { total_ms },
        "total_ms": total_ms,
        "relay_us": 300,
        "attempts": 1,
        "usage": { "input": input, "output": output, "raw": format!("{{\"prompt_tokens\":{input},\"completion_tokens\":{output}}}") },
        "estimated": false,
        "cost": cost,
        "cost_source": if cost.is_some() { "computed" } else { "unknown" },
        "computed_cost": cost,
        "price": "bench",
        "formula": format!("{input} in × $1.00/M + {output} out × $4.00/M"),
    })
}

/// Numbers that look random and are the same in every run (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The low bits of such generators repeat soon.
        (self.0 >> 33) % limit
    }

    fn index(&mut self, limit: usize) -> usize {
        usize::try_from(self.below(limit as u64)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_as_long_as_it_shall_be_and_the_same_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let now = 1_795_250_000_000;
        let write = |name: &str| {
            write(&folder.path().join(name), 1_000, now).unwrap();
            std::fs::read_to_string(folder.path().join(name).join(format!("{:032}.jsonl", 0))).unwrap()
        };
        let (one, other) = (write("one"), write("other"));
        assert!(one == other && one.lines().count() == 1_000);
        let started =
            |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["started"].as_u64().unwrap();
        let (first, last) = (started(one.lines().next().unwrap()), started(one.lines().last().unwrap()));
        assert_eq!(first, now - DAYS * DAY_MS);
        assert!(last < now && last > now - DAY_MS);
    }
}
