-- Keys of providers that were entered on the admin listener, sealed with XChaCha20-Poly1305.
-- `id` is the associated data, and what a provider's definition names; `sealed` is base64 of nonce and ciphertext.
-- `removed_ms`: no entry names it since then; null: it is in use.
create table sealed_keys (
    id text primary key,
    key_version text not null,
    sealed text not null,
    created_ms bigint not null,
    removed_ms bigint
);
