//! Who is asking: API keys, attribution tags, client addresses. No HTTP here: header texts come in, a [`Principal`]
//! goes out.
//!
//! [`KeyRing`] is an immutable snapshot of all keys, swapped when one is made or revoked; [`tags`] joins the tags of a
//! request; [`client_address`] finds the client behind trusted proxies.

mod address;
mod key;
mod ring;
pub mod tags;

pub use address::client_address;
pub use key::{KeyHash, MintedKey, new_key};
pub use ring::{AuthError, AuthMode, KeyInfo, KeyRing, NewKey, Principal, covers};
