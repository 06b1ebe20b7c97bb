//! What the black-box tests stand on: the real binary as a child process, upstreams that misbehave on command,
//! and a client that can be as rude as the internet.
//!
//! Nothing here uses the product's own code: an encoder that is wrong must not be checked by itself.

mod admin;
mod face;
mod http;
mod limits;
mod relay;
mod server;
mod skip;
mod upstream;
mod wire;

pub(crate) use admin::{call_admin, call_api, read_api};
pub(crate) use face::Face;
pub(crate) use http::{Client, Connection, Reply};
pub(crate) use limits::raise_open_files;
pub(crate) use relay::{Setup, TestRelay, wait_until};
pub(crate) use server::{Accepted, Asked, ManualServer};
pub(crate) use skip::skip_aloud;
pub(crate) use upstream::{Answer, FakeUpstream, Fault, Format, Gate, Recorded};
