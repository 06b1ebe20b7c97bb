//! The page of settings. Finished values; the template decides nothing.

mod fields;

use std::sync::Arc;

use askama::Template;

use super::api::settings;
use super::expiry::Left;
use super::moment::Moment;
use super::reply::{self, Reply};
use super::system::System;
use super::{Shared, words};
use crate::catalog::Catalog;
use crate::clock::UnixMillis;
use crate::store::admin::{self, StoredToken};
use crate::store::{Conn, StoreError, entries};
use fields::Field;

#[derive(Template)]
#[template(path = "settings.html")]
struct Page {
    general: Vec<Field>,
    records: Vec<Field>,
    patterns: Field,
    /// What a default model could be, for the browser to offer.
    names: Vec<String>,
    /// `ADMIN_PASSWORD` says what the password is.
    is_password_fixed: bool,
    tokens: Vec<TokenRow>,
    facts: Vec<(&'static str, String)>,
    files: Vec<FileRow>,
    /// Empty: what the files say is in force.
    refused: String,
    files_read: String,
    problems: Vec<crate::config::Problem>,
}

struct TokenRow {
    name: String,
    shown_prefix: String,
    created: Moment,
    expires: Moment,
    /// That it is over, or nearly so, and how that looks; else empty.
    badge: (&'static str, &'static str),
    last_used: Moment,
}

struct FileRow {
    path: String,
    exists: bool,
}

/// The page.
pub(super) async fn page(shared: &Arc<Shared>) -> Reply {
    let inner = shared.clone();
    match shared.store.run(move |conn| read(&inner, conn)).await {
        Ok(page) => reply::page(200, &page),
        Err(error) => reply::no_database(&error),
    }
}

fn read(shared: &Shared, conn: &mut Conn<'_>) -> Result<Page, StoreError> {
    let now = UnixMillis::now();
    let stored = entries::list(conn)?;
    let mut fields: Vec<Field> = settings::all(shared, &stored).into_iter().map(Field::new).collect();
    let patterns = fields.pop().unwrap_or_default();
    let records = fields.split_off(2.min(fields.len()));
    let system = System::read(shared, conn, now)?;
    Ok(Page {
        general: fields,
        records,
        patterns,
        names: names(&shared.catalog.load()),
        is_password_fixed: shared.policy.password.is_some(),
        tokens: admin::tokens(conn)?.into_iter().map(|token| TokenRow::new(token, now)).collect(),
        facts: facts(&system),
        refused: if system.files_accepted {
            String::new()
        } else {
            "The files were refused when they were last read. What they said before is in force.".to_owned()
        },
        files_read: words::moment(system.files_read_ms, "%Y-%m-%d %H:%M:%S UTC"),
        files: system.files.into_iter().map(|file| FileRow { path: file.path, exists: file.exists }).collect(),
        problems: system.problems,
    })
}

fn names(catalog: &Catalog) -> Vec<String> {
    catalog.listing().iter().map(|listed| listed.name.clone()).collect()
}

fn facts(system: &System) -> Vec<(&'static str, String)> {
    let known = |value: Option<String>| value.unwrap_or_else(|| "not known here".to_owned());
    let seconds = std::time::Duration::from_secs(system.uptime_seconds);
    let disk = system.disk_free_bytes.zip(system.disk_total_bytes);
    let mut facts = vec![
        ("Version", system.version.to_owned()),
        ("Running for", words::duration(seconds)),
        ("Process", system.process_id.to_string()),
        ("Memory", known(system.memory_bytes.map(words::bytes))),
        ("CPU time", format!("{:.1} s", system.cpu_seconds)),
        ("Threads", known(system.threads.map(words::count))),
        ("API", system.api_address.clone()),
        ("Requests", format!("{} under way", system.api_requests)),
        (
            "Connections",
            format!(
                "{} of {} to the API, {} to this page",
                system.api_connections, system.max_connections, system.admin_connections
            ),
        ),
        ("Models", format!("{} can be called, {} are known", system.models_ready, system.models)),
        ("Providers", format!("{} of {} ready", system.providers_ready, system.providers)),
        ("Database", system.database.clone()),
        (
            "Its size",
            format!(
                "{}, of which {} are free",
                words::bytes(system.database_bytes),
                words::bytes(system.database_free_bytes)
            ),
        ),
        ("Data folder", system.data_folder.clone()),
        ("Free on disk", known(disk.map(|(free, total)| format!("{} of {}", words::bytes(free), words::bytes(total))))),
    ];
    if let Some(journal) = &system.journal {
        let lag = u64::try_from(journal.lag_ms).unwrap_or(0);
        let waiting = if journal.waiting_bytes == 0 {
            "nothing waits".to_owned()
        } else {
            format!(
                "{} wait for the database, for {} at most",
                words::bytes(journal.waiting_bytes),
                words::milliseconds(lag)
            )
        };
        facts.push(("Journal", waiting));
        if journal.lost > 0 {
            facts.push(("Lost records", format!("{}; they are in the log", words::count(journal.lost))));
        }
    }
    facts
}

impl TokenRow {
    fn new(token: StoredToken, now: UnixMillis) -> Self {
        Self {
            name: token.name,
            shown_prefix: token.shown_prefix,
            created: Moment::since(token.created, now, false),
            expires: token.expires.map_or_else(Moment::default, |at| Moment::until(at, now)),
            badge: match Left::until(token.expires, now) {
                Left::Nothing => ("expired", "bad"),
                Left::Little => ("expires soon", "warn"),
                Left::Long => ("", ""),
            },
            last_used: token.last_used.map_or_else(Moment::default, |at| Moment::since(at, now, false)),
        }
    }
}
