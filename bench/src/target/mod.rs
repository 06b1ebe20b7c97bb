//! What is measured: nginx, the relay, another gateway, or the fake provider itself.

mod child;
pub(crate) mod nginx;
pub(crate) mod relay;

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nix::unistd::Pid;

use self::child::Process;
use self::relay::{Setup, Sums};
use crate::fake::Format;
use crate::load::{Expected, Fetched, Framing, Plan, fetch, learn};
use crate::process::Tree;
use crate::script::{Designator, pick};
use crate::workload::{Chat, Face, PeerFace, Router, framing};

/// How long a target may take to listen.
const START_WITHIN: Duration = Duration::from_secs(60);
/// How long to wait before it is asked again; where the start is timed, too short to matter.
const READY_PAUSE: Duration = Duration::from_millis(2);
const COLD_START_PAUSE: Duration = Duration::from_micros(200);

/// The fake provider's process.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    /// It lasts as long as its standard input.
    process: Process,
}

impl Provider {
    /// Starts this program again, as the fake provider.
    pub(crate) fn start(port: u16) -> anyhow::Result<Self> {
        use std::io::BufRead;

        let mut command = Command::new(std::env::current_exe()?);
        command.args(["fake", "--port", &port.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::spawn(&mut command)?;
        let mut line = String::new();
        let output = process.stdout().context("the fake provider has no output")?;
        std::io::BufReader::new(output).read_line(&mut line)?;
        let port: u16 = line.trim().parse().context("the fake provider did not start")?;
        Ok(Self { address: SocketAddr::from(([127, 0, 0, 1], port)), process })
    }

    /// It must not have ended: then all errors are its own.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        ensure!(!self.process.has_ended(), "the fake provider has ended");
        Ok(())
    }
}

/// Something that answers requests.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    /// Where a relay's admin listener is.
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) face: Face,
    /// Whose CPU time and memory count; the fake provider's do not.
    pub(crate) pid: Option<Pid>,
    process: Option<Process>,
    books: Option<Books>,
}

/// What the relay's own report must say in the end.
#[derive(Debug)]
struct Books {
    setup: Setup,
    /// What was in the database before.
    before: relay::Report,
    asked: RefCell<HashMap<Option<Router>, Asked>>,
}

/// What was asked of a relay, through one router or none.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    n_answers: u64,
    n_left: u64,
    cost_nano_usd: u64,
    /// What the requests would cost whose clients left.
    cost_left_nano_usd: u64,
}

impl Target {
    /// The fake provider without anything in between.
    pub(crate) fn direct(provider: SocketAddr) -> Self {
        let name = "direct".to_owned();
        Self { name, address: provider, admin: None, face: Face::Provider, pid: None, process: None, books: None }
    }

    /// nginx, with its files in `folder`.
    pub(crate) async fn nginx(folder: &Path, provider: SocketAddr) -> anyhow::Result<Self> {
        let mut target = Self::start_nginx(folder, provider)?;
        target.wait_until_ready("/v1/models", READY_PAUSE).await.context("nginx")?;
        Ok(target)
    }

    fn start_nginx(folder: &Path, provider: SocketAddr) -> anyhow::Result<Self> {
        let folder = folder.join("nginx");
        std::fs::create_dir_all(&folder)?;
        let (process, address) = nginx::start(&folder, provider)?;
        let (name, pid) = ("nginx".to_owned(), Some(process.pid()));
        Ok(Self { name, address, admin: None, face: Face::Provider, pid, process: Some(process), books: None })
    }

    /// A relay.
    pub(crate) async fn relay(name: &str, setup: &Setup) -> anyhow::Result<Self> {
        let before = setup.report().with_context(|| name.to_owned())?;
        let mut target = Self::start_relay(name, setup)?;
        target.books = Some(Books { setup: setup.clone(), before, asked: RefCell::default() });
        let ready = target.wait_until_ready("/health", READY_PAUSE).await;
        ready.with_context(|| format!("{name}; the end of its log:\n{}", setup.log_tail()))?;
        target.refuses_strangers().await.with_context(|| name.to_owned())?;
        Ok(target)
    }

    fn start_relay(name: &str, setup: &Setup) -> anyhow::Result<Self> {
        let (process, [address, admin]) = setup.start().with_context(|| name.to_owned())?;
        let face = Face::Relay { key: setup.key().to_owned() };
        let pid = Some(process.pid());
        Ok(Self { name: name.to_owned(), address, admin: Some(admin), face, pid, process: Some(process), books: None })
    }

    /// Starts a relay, and takes the time until it answers.
    pub(crate) async fn cold_start_relay(name: &str, setup: &Setup) -> anyhow::Result<(Self, Duration)> {
        let start = Instant::now();
        let mut target = Self::start_relay(name, setup)?;
        target.wait_until_ready("/health", COLD_START_PAUSE).await.with_context(|| name.to_owned())?;
        Ok((target, start.elapsed()))
    }

    /// Starts nginx, and takes the time until it passes something on.
    pub(crate) async fn cold_start_nginx(folder: &Path, provider: SocketAddr) -> anyhow::Result<(Self, Duration)> {
        let start = Instant::now();
        let mut target = Self::start_nginx(folder, provider)?;
        target.wait_until_ready("/v1/models", COLD_START_PAUSE).await.context("nginx")?;
        Ok((target, start.elapsed()))
    }

    /// Another gateway, which already runs.
    pub(crate) fn peer(name: &str, url: &str, pid: Option<i32>, face: PeerFace) -> anyhow::Result<Self> {
        let authority = url.trim_start_matches("http://").trim_end_matches('/');
        let address =
            authority.to_socket_addrs().with_context(|| format!("{url} is not like http://HOST:PORT"))?.next();
        let address = address.with_context(|| format!("{url} has no address"))?;
        let pid = pid.map(Pid::from_raw);
        let (name, face) = (name.to_owned(), Face::Peer(face));
        Ok(Self { name, address, admin: None, face, pid, process: None, books: None })
    }

    /// Waits until it has copied its records and is at rest.
    pub(crate) fn settle(&self) -> anyhow::Result<()> {
        self.tree()?.map_or(Ok(()), |tree| tree.settled_cpu_ns().map(|_| ()))
    }

    /// Its processes.
    pub(crate) fn tree(&self) -> anyhow::Result<Option<Tree>> {
        self.pid.map(Tree::of).transpose()
    }

    /// Asks once, compares the answer with what the provider said, and plans to ask the same many times.
    pub(crate) async fn plan(&self, chat: &Chat, leave_every: Option<u64>) -> anyhow::Result<Rc<Plan>> {
        let request = self.face.chat(chat);
        let format = self.face.format(chat);
        let framing = framing(format, chat.stream);
        let text = chat.script.text();
        if let Some([first, _]) = chat.router.map(Router::causes) {
            // A router that remembers has its choice from here on.
            self.teach(&request, format, framing, &text, Some(first)).await?;
            self.note_of(chat, Some(first), 1, 0);
        }
        let expected = self.teach(&request, format, framing, &text, chat.usual_cause()).await?;
        self.note(chat, 1, 0);
        let stamped = chat.stream && chat.script.pace_ms > 0;
        Ok(Rc::new(Plan { address: self.address, request, framing, expected, stamped, leave_every }))
    }

    /// Plans to ask a router's designator its question many times.
    pub(crate) async fn plan_question(&self, designator: Designator) -> anyhow::Result<Rc<Plan>> {
        let Designator::Picks { number, .. } = designator else { bail!("{designator} never answers") };
        let (request, framing) = (self.face.question(designator), Framing::None);
        let expected = self.teach(&request, Format::OpenAi, framing, &pick(number), None).await?;
        Ok(Rc::new(Plan { address: self.address, request, framing, expected, stamped: false, leave_every: None }))
    }

    /// Asks once; what comes must be this text, and teaches what the next answers look like.
    async fn teach(
        &self,
        request: &[u8],
        format: Format,
        framing: Framing,
        text: &str,
        cause: Option<&'static str>,
    ) -> anyhow::Result<Expected> {
        let Fetched { status, cause: given, body } =
            fetch(self.address, request).await.with_context(|| self.name.clone())?;
        let answer = String::from_utf8_lossy(&body);
        ensure!(status == 200, "{} answers {status}: {answer}", self.name);
        let got = format.text(&answer, framing != Framing::None).with_context(|| self.name.clone())?;
        let (got, text) = (without_times(&got), without_times(text));
        ensure!(got == text, "{} answers `{got}` instead of `{text}`", self.name);
        ensure!(given.as_deref() == cause, "{}: the router's cause is {given:?} instead of {cause:?}", self.name);
        Ok(learn(framing, &body, cause))
    }

    /// Plans to ask for a list many times; it must have at least `n_entries`.
    pub(crate) async fn plan_list(&self, path: &str, key: &str, n_entries: usize) -> anyhow::Result<Rc<Plan>> {
        let request = self.face.get(path);
        let Fetched { status, body, .. } = fetch(self.address, &request).await.with_context(|| self.name.clone())?;
        ensure!(status == 200, "{} answers {status} to {path}", self.name);
        let list: serde_json::Value = serde_json::from_slice(&body).with_context(|| format!("{path} is not JSON"))?;
        let n_listed = list[key].as_array().map_or(0, Vec::len);
        ensure!(n_listed >= n_entries, "{} lists {n_listed} models at {path}, not {n_entries}", self.name);
        let expected = learn(Framing::None, &body, None);
        let address = self.address;
        Ok(Rc::new(Plan { address, request, framing: Framing::None, expected, stamped: false, leave_every: None }))
    }

    /// Notes what was asked, for [`Target::close`].
    pub(crate) fn note(&self, chat: &Chat, n_answers: u64, n_left: u64) {
        self.note_of(chat, chat.usual_cause(), n_answers, n_left);
    }

    fn note_of(&self, chat: &Chat, cause: Option<&str>, n_answers: u64, n_left: u64) {
        if let Some(books) = &self.books {
            let mut asked = books.asked.borrow_mut();
            let asked = asked.entry(chat.router).or_default();
            asked.n_answers += n_answers;
            asked.n_left += n_left;
            asked.cost_nano_usd += n_answers * chat.cost_nano_usd(cause);
            asked.cost_left_nano_usd += n_left * chat.cost_nano_usd(cause);
        }
    }

    /// Ends it. A relay's own report must then agree with what was asked of it: so much was really on.
    pub(crate) fn close(mut self) -> anyhow::Result<()> {
        if let Some(process) = &mut self.process {
            ensure!(!process.has_ended(), "{} has ended by itself", self.name);
            process.stop().with_context(|| self.name.clone())?;
        }
        match &self.books {
            Some(books) => books.check().with_context(|| format!("the report of {}", self.name)),
            None => Ok(()),
        }
    }

    /// With keys required, a request without one must be refused.
    async fn refuses_strangers(&self) -> anyhow::Result<()> {
        let stranger = Face::Peer(PeerFace { key: "sk-wrong".to_owned(), model: "x".to_owned(), headers: Vec::new() });
        let Fetched { status, .. } = fetch(self.address, &stranger.chat(&Chat::WHOLE)).await?;
        ensure!(status == 401, "a wrong key is answered with {status}, so keys are not required");
        Ok(())
    }

    async fn wait_until_ready(&mut self, path: &str, pause: Duration) -> anyhow::Result<()> {
        let start = Instant::now();
        let request = Face::Provider.get(path);
        loop {
            if let Ok(Fetched { status: 200, .. }) = fetch(self.address, &request).await {
                return Ok(());
            }
            if let Some(process) = &mut self.process {
                ensure!(!process.has_ended(), "it ended right after its start");
            }
            if start.elapsed() > START_WITHIN {
                bail!("it does not answer at {}", self.address);
            }
            // The runtime's timers would make a millisecond of it.
            std::thread::sleep(pause);
        }
    }
}

impl Books {
    /// Row by row: what went through each router, and what through none.
    fn check(&self) -> anyhow::Result<()> {
        let (report, asked) = (self.setup.report()?, self.asked.borrow());
        let mut n_requests = 0;
        for router in std::iter::once(None).chain(Router::ALL.map(Some)) {
            let (before, now) = (self.before.of(router), report.of(router));
            n_requests += now.requests;
            let asked = asked.get(&router).copied().unwrap_or_default();
            asked.check(before, now).with_context(|| router.map_or("no router", Router::name))?;
        }
        ensure!(n_requests == report.total.requests, "it counts {n_requests} requests by router, {:?}", report.total);
        Ok(())
    }
}

impl Asked {
    fn check(&self, before: Sums, now: Sums) -> anyhow::Result<()> {
        let requests = now.requests - before.requests;
        let errors = now.errors - before.errors;
        let cost = now.cost_nano_usd - before.cost_nano_usd;
        ensure!(
            (self.n_answers..=self.n_answers + self.n_left).contains(&requests),
            "it counts {requests} requests; answered were {}, left by their clients {}",
            self.n_answers,
            self.n_left
        );
        ensure!(errors <= self.n_left, "it counts {errors} errors");
        ensure!(
            (self.cost_nano_usd..=self.cost_nano_usd + self.cost_left_nano_usd).contains(&cost),
            "it computes {cost} nano-USD; the answers cost {}",
            self.cost_nano_usd
        );
        if self.n_left == 0 {
            let unpriced = now.unpriced_requests - before.unpriced_requests;
            let estimated = now.estimated_requests - before.estimated_requests;
            ensure!(unpriced == 0 && estimated == 0, "{unpriced} requests have no price, {estimated} are estimated");
        }
        Ok(())
    }
}

/// A text whose times are taken out, as they differ each time.
fn without_times(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for part in text.split_inclusive('@') {
        plain.push_str(part.trim_start_matches(|character: char| character.is_ascii_digit()));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Script, stamp};

    #[test]
    fn a_report_must_count_what_was_asked_to_the_last_request_and_nano_dollar() {
        let asked = Asked { n_answers: 3, cost_nano_usd: 30, ..Asked::default() };
        let sums = |requests, cost_nano_usd| Sums { requests, cost_nano_usd, ..Sums::default() };
        let before = sums(10, 100);
        assert!(asked.check(before, sums(13, 130)).is_ok());
        assert!(asked.check(before, sums(12, 130)).is_err());
        assert!(asked.check(before, sums(13, 131)).is_err());
        assert!(asked.check(before, Sums { errors: 1, ..sums(13, 130) }).is_err());
        assert!(asked.check(before, Sums { unpriced_requests: 1, ..sums(13, 130) }).is_err());
        let left = Asked { n_left: 1, cost_left_nano_usd: 10, ..asked };
        assert!(left.check(before, Sums { errors: 1, ..sums(14, 135) }).is_ok());
    }

    #[test]
    fn texts_that_differ_only_in_their_times_are_the_same() {
        let text = format!(" {}e {}t", stamp(1_234), stamp(5_678));
        assert_eq!(without_times(&text), " @e @t");
        assert_ne!(without_times(" @12 a"), without_times(" @12 b"));
        let script = Script::burst(9).text();
        assert_eq!(without_times(&script), script);
    }
}
