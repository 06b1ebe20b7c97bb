//! The official clients and a real model, against the real binary.
//!
//! What a client insists on is written in its own language, in the folders beside this file; the tests here start
//! what the scripts need, run them, and fail when they fail.

mod official_clients;
mod real_model;
mod relay;
mod service;
