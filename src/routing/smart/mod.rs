//! Smart routers: a name behind which a designator model chooses among candidates.
//!
//! Pure: what is asked, what passes, what the designator is told and what its answer means. `relay` makes the calls and
//! remembers.
//!
//! ```text
//! request -> Demands -> weigh (gates) -> one left: it | none left: the fallback | several: Brief -> designator -> verdict
//! ```
//!
//! [`Decision`] keeps everything, so that every choice can be explained afterwards.

mod brief;
mod decision;
mod demands;
mod explain;
mod gates;
mod session;
mod side_call;
mod verdict;

pub use brief::Brief;
pub use decision::{Cause, Considered, Decision, DesignatorCall, Outcome};
pub use demands::{Demands, Untranslatable};
pub use explain::{describe, explain_decision};
pub use gates::{Candidate, Gate, Gates, weigh};
pub use session::session_key;
pub use side_call::SideCall;
pub use verdict::read_verdict;
