//! Where a request's time went, as bars on one scale.

use super::row::target;
use super::whole::Whole;
use crate::admin::words;
use crate::tracking::UsageRecord;

/// The width of the drawing.
const WIDTH: u64 = 1000;
/// What is too short to be seen is drawn this wide.
const NARROWEST: u64 = 3;

/// A stretch of time.
pub(super) struct Bar {
    pub(super) label: String,
    /// Who it was, or what to know about it; empty for nothing.
    pub(super) detail: String,
    pub(super) length: String,
    /// Position and width on a scale of 1000.
    pub(super) x: u64,
    pub(super) width: u64,
    pub(super) kind: Kind,
}

/// Whose time it is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Relay,
    Designator,
    Provider,
}

impl Kind {
    /// The class in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Relay => "own",
            Self::Designator => "asked",
            Self::Provider => "waited",
        }
    }
}

/// A bar before its scale is known: microseconds since the request arrived.
struct Stretch {
    label: String,
    detail: String,
    from: u64,
    to: u64,
    kind: Kind,
}

/// The bars, in the order in which things happened.
pub(super) fn bars(whole: &Whole) -> Vec<Bar> {
    let mut stretches = own(whole);
    stretches.extend(designators(whole));
    stretches.extend(answer(&whole.record));
    for retry in whole.linked.iter().filter(|record| !record.is_designator_call()) {
        stretches.extend(answer(retry));
    }
    let end = stretches.iter().map(|stretch| stretch.to).max().unwrap_or(0).max(1);
    stretches.into_iter().map(|stretch| stretch.bar(end)).collect()
}

/// How long it took until everything was over.
pub(super) fn total(whole: &Whole) -> String {
    let tries = whole.linked.iter().filter(|record| !record.is_designator_call());
    let last = tries.map(|record| record.total_ms).max().unwrap_or(0).max(whole.record.total_ms);
    words::milliseconds(last.into())
}

/// From the arrival to the first call of a provider. The choice of a router is a part of it.
fn own(whole: &Whole) -> Vec<Stretch> {
    let record = &whole.record;
    let stretch = |label: &str, detail: &str, to| Stretch {
        label: label.to_owned(),
        detail: detail.to_owned(),
        from: 0,
        to,
        kind: Kind::Relay,
    };
    if record.relay_us == 0 {
        // No provider was called, or it is an embedding, of which no more is measured.
        let all = stretch("All of it", "its parts are not recorded", micros(record.total_ms));
        return vec![Stretch { kind: Kind::Provider, ..all }];
    }
    let resolve = stretch("Resolve", "from arrival to the call of the provider", record.relay_us.into());
    let choice = whole.decision.as_ref().map(|made| stretch("Choice", "part of the above", made.decision.took_us));
    [resolve].into_iter().chain(choice).collect()
}

fn designators(whole: &Whole) -> impl Iterator<Item = Stretch> {
    whole.linked.iter().filter(|record| record.is_designator_call()).map(|call| {
        let after = u64::try_from(call.started.0 - whole.record.started.0).unwrap_or(0);
        Stretch {
            label: "Designator".to_owned(),
            detail: target(call),
            from: after * 1000,
            to: after * 1000 + micros(call.total_ms),
            kind: Kind::Designator,
        }
    })
}

/// From the call of the provider to the end.
fn answer(record: &UsageRecord) -> Vec<Stretch> {
    if record.relay_us == 0 {
        return Vec::new();
    }
    let called = u64::from(record.relay_us);
    let asked = called.saturating_add(record.connect_us.unwrap_or(0).into());
    // Times in milliseconds are cut off, so that all of it may seem to have been shorter than its parts.
    let end = micros(record.total_ms).max(asked);
    let stretch = |label: String, detail: &str, from, to| Stretch {
        label,
        detail: detail.to_owned(),
        from,
        to,
        kind: Kind::Provider,
    };
    let which = if record.attempts > 1 { format!(" (try {})", record.attempts) } else { String::new() };
    let connect = (asked > called).then(|| stretch(format!("Connect{which}"), "no connection was open", called, asked));
    let rest = match record.first_token_ms.map(micros) {
        Some(first) => {
            // And the first token may seem to come before the call.
            let first = first.clamp(asked, end);
            vec![
                stretch(format!("First token{which}"), &format!("wait for {}", target(record)), asked, first),
                stretch(format!("Last token{which}"), "the answer", first, end),
            ]
        }
        None => vec![stretch(format!("Call{which}"), &format!("no token came: {}", target(record)), asked, end)],
    };
    connect.into_iter().chain(rest).collect()
}

impl Stretch {
    fn bar(self, end: u64) -> Bar {
        let scaled =
            |time: u64| u64::try_from(u128::from(time.min(end)) * u128::from(WIDTH) / u128::from(end)).unwrap_or(0);
        let width = (scaled(self.to) - scaled(self.from)).max(NARROWEST);
        Bar {
            label: self.label,
            detail: self.detail,
            length: match self.kind {
                Kind::Relay => words::microseconds(self.to - self.from),
                Kind::Designator | Kind::Provider => words::milliseconds((self.to - self.from) / 1000),
            },
            x: scaled(self.from).min(WIDTH - width),
            width,
            kind: self.kind,
        }
    }
}

fn micros(milliseconds: u32) -> u64 {
    u64::from(milliseconds) * 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;

    fn drawn(record: UsageRecord, linked: Vec<UsageRecord>) -> Vec<(String, u64, u64)> {
        let whole = Whole { record, linked, decision: None, prompt: None, client_name: None, price: None };
        bars(&whole).into_iter().map(|bar| (bar.label, bar.x, bar.width)).collect()
    }

    fn bar(label: &str, x: u64, width: u64) -> (String, u64, u64) {
        (label.to_owned(), x, width)
    }

    #[test]
    fn bars_lie_on_one_scale_in_order() {
        let record = UsageRecord {
            started: UnixMillis(100),
            relay_us: 200_000,
            connect_us: Some(100_000),
            first_token_ms: Some(500),
            total_ms: 1000,
            ..UsageRecord::default()
        };
        let call = UsageRecord {
            started: UnixMillis(150),
            total_ms: 100,
            endpoint: UsageRecord::DESIGNATOR.into(),
            ..UsageRecord::default()
        };
        let expected = [
            bar("Resolve", 0, 200),
            bar("Designator", 50, 100),
            bar("Connect", 200, 100),
            bar("First token", 300, 200),
            bar("Last token", 500, 500),
        ];
        assert_eq!(drawn(record, vec![call]), expected);
    }

    #[test]
    fn a_later_try_stretches_the_scale_and_nothing_leaves_the_drawing() {
        let record = UsageRecord { relay_us: 1_000, total_ms: 500, attempts: 1, ..UsageRecord::default() };
        let retry = UsageRecord { relay_us: 600_000, total_ms: 1000, attempts: 2, ..UsageRecord::default() };
        let expected = [bar("Resolve", 0, 3), bar("Call", 1, 499), bar("Call (try 2)", 600, 400)];
        assert_eq!(drawn(record, vec![retry]), expected);
        // Milliseconds are cut off: the end lies before the call.
        let quick = UsageRecord { relay_us: 900, first_token_ms: Some(0), ..UsageRecord::default() };
        assert!(drawn(quick, Vec::new()).iter().all(|(_, x, width)| x + width <= WIDTH));
        assert_eq!(drawn(UsageRecord::default(), Vec::new()), [bar("All of it", 0, 3)]);
        // It lies before the end of connecting, which is shown all the same.
        let connected = UsageRecord { relay_us: 4_400, connect_us: Some(400), total_ms: 4, ..UsageRecord::default() };
        let expected = [bar("Resolve", 0, 916), bar("Connect", 916, 84), bar("Call", 997, 3)];
        assert_eq!(drawn(connected, Vec::new()), expected);
    }
}
