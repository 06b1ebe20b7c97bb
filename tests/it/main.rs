//! Black-box tests: the real binary on real sockets, in front of providers that misbehave on command.

mod admin;
mod admin_access;
mod admin_api;
mod admin_entries;
mod admin_entry_pages;
mod admin_keys;
mod admin_models;
mod admin_names;
mod admin_playground;
mod admin_providers;
mod admin_requests;
mod admin_usage;
mod bad_input;
mod connections;
mod demo;
mod disconnect;
mod fakes;
mod faults;
mod keys;
mod matrix;
mod names;
mod router_eval;
mod routers;
mod support;
mod vectors;
mod workers;
