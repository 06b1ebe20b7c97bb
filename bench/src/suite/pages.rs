//! How long the admin pages take to answer: with a thousand records, when it is their rendering that counts, and with a
//! million, when it is their sums.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};

use super::Suite;
use super::records::copy;
use crate::history;
use crate::load::{Fetched, fetch};
use crate::options::Workload;
use crate::report::{Figure, JUDGED, Limit};
use crate::stats::Spread;
use crate::target::Target;
use crate::target::relay::{Extra, Setup};
use crate::terminal::progress;

const FEW: usize = 1_000;
const MANY: usize = 1_000_000;
/// As often each page is asked in a round.
const N_ASKED: usize = 10;
/// Histories end when they are made: older ones have no last day any more.
const FRESH: Duration = Duration::from_hours(12);

/// A page, and what it has to show: a page that says it has nothing is quick.
struct Page {
    name: &'static str,
    path: &'static str,
    shows: &'static str,
    /// The sums it has come out of combinations.
    is_combined: bool,
}

const PAGES: [Page; 9] = [
    Page { name: "/", path: "/", shows: "team-0", is_combined: false },
    Page { name: "/usage", path: "/usage?period=30d", shows: "team-0", is_combined: false },
    Page { name: "/usage by client", path: "/usage?period=30d&by=client", shows: "10.0.1.", is_combined: false },
    Page { name: "/usage by user", path: "/usage?period=30d&by=user", shows: "user-0", is_combined: false },
    Page { name: "/usage, tag", path: "/usage?period=30d&by=model&tag=team-03", shows: "model-0", is_combined: true },
    Page {
        name: "/usage, tag, key, provider",
        path: "/usage?period=30d&by=client&tag=team-03&key=team-03&provider=gemini",
        shows: "10.0.1.",
        is_combined: true,
    },
    Page {
        name: "/usage, user, model",
        path: "/usage?period=30d&by=tag&user=user-007%40example.com&model=gemini/model-10",
        shows: "Tag",
        is_combined: true,
    },
    Page { name: "/usage, no user", path: "/usage?period=30d&without=user", shows: "team-0", is_combined: true },
    Page { name: "/requests", path: "/requests", shows: "team-0", is_combined: false },
];

impl Suite<'_> {
    pub(super) async fn pages(&mut self) -> anyhow::Result<()> {
        let folder = tempfile::TempDir::new_in(&self.folder)?;
        let n_many = if self.options.quick { 10 * FEW } else { MANY };
        for (n_records, is_few) in [(FEW, true), (n_many, false)] {
            let setup = self.with_history(n_records, &folder.path().join(n_records.to_string()))?;
            let target = Target::relay(JUDGED, &setup).await?;
            let n_requests = setup.report()?.total.requests;
            ensure!(n_requests >= n_records as u64, "the database holds {n_requests} requests, not {n_records}");
            for page in &PAGES {
                self.page(&target, page, n_records, is_few).await.with_context(|| page.path)?;
            }
            target.close()?;
        }
        Ok(())
    }

    /// A page's CPU time, and with many records its time.
    async fn page(&mut self, target: &Target, page: &Page, n_records: usize, is_few: bool) -> anyhow::Result<()> {
        let address = target.admin.context("the relay has an admin listener")?;
        let request = request(page.path);
        let (mut times, mut cpus, mut size) = (Vec::new(), Vec::new(), 0);
        let tree = target.tree()?.context("the relay has a process")?;
        for round in 0..=self.options.n_rounds() {
            let cpu_before = tree.cpu_ns()?;
            let mut taken = Vec::new();
            for _ in 0..N_ASKED {
                let start = Instant::now();
                let Fetched { status, body, .. } = fetch(address, &request).await?;
                taken.push(start.elapsed().as_secs_f64() * 1e3);
                let text = String::from_utf8_lossy(&body);
                ensure!(status == 200, "it answers {status}: {text}");
                ensure!(text.contains(page.shows), "it does not show {}", page.shows);
                size = body.len();
            }
            #[expect(clippy::cast_precision_loss, reason = "no run comes near 2^53")]
            let cpu_ms = (tree.cpu_ns()? - cpu_before) as f64 / 1e6 / N_ASKED as f64;
            // The first round warms up.
            if round > 0 {
                times.extend(Spread::of(&taken).map(|spread| spread.median));
                cpus.push(cpu_ms);
            }
        }
        let median = Spread::of(&times).map_or(0.0, |spread| spread.median);
        progress(&format!("  {} with {n_records} records: {median:.1} ms, {} KiB", page.name, size / 1024));
        let mut figure = |what: &str, values, limit| {
            let metric = format!("{what}, {}, {n_records} records", page.name);
            let rounds = vec![(JUDGED.to_owned(), values)];
            self.report.figures.push(Figure::of_rounds(Workload::Pages, &metric, rounds, None, limit));
        };
        if is_few {
            figure("CPU ms", cpus, Some(Limit { must: 20.0, aim: 5.0 }));
        } else {
            let aim = if page.is_combined { 100.0 } else { 50.0 };
            figure("ms", times, Some(Limit { must: 200.0, aim }));
            // Beside the time, which depends on what else the machine does.
            figure("CPU ms", cpus, None);
        }
        Ok(())
    }

    /// A relay on a history of so many records, which is kept for later runs and copied for this one.
    fn with_history(&self, n_records: usize, folder: &Path) -> anyhow::Result<Setup> {
        let kept = self.history(n_records)?;
        copy(&kept, folder)?;
        Setup::new(&self.options.relay, folder, self.provider.address, Extra::Nothing)
    }

    fn history(&self, n_records: usize) -> anyhow::Result<PathBuf> {
        let folder = self.folder.with_file_name(format!("history-{n_records}"));
        let complete = folder.join("complete");
        let age = fs::metadata(&complete).and_then(|data| data.modified()).ok().and_then(|made| made.elapsed().ok());
        if age.is_some_and(|age| age < FRESH) {
            return Ok(folder);
        }
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let setup = Setup::new(&self.options.relay, &folder, self.provider.address, Extra::Nothing)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        history::write(&folder.join("data/journal"), n_records, u64::try_from(now)?)?;
        progress(&format!("  {n_records} records go into a database; it is kept for later runs"));
        let start = Instant::now();
        let n_copied = setup.report()?.total.requests;
        ensure!(n_copied == n_records as u64, "{n_copied} of {n_records} records were copied");
        progress(&format!("  copied in {:.1} s", start.elapsed().as_secs_f64()));
        fs::write(&complete, "")?;
        Ok(folder)
    }
}

/// As a script with the password asks; its hash is proven once and remembered.
fn request(path: &str) -> Vec<u8> {
    // `admin:not-a-secret`
    let credentials = "YWRtaW46bm90LWEtc2VjcmV0";
    let head = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Basic {credentials}\r\n");
    format!("{head}connection: close\r\n\r\n").into_bytes()
}
