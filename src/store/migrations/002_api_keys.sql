-- Keys clients show us. The key itself is never here, only its SHA-256.
create table api_keys (
    id text primary key,
    name text not null,
    hash text not null unique,
    shown_prefix text not null,
    tags text not null,
    models text not null,
    created_ms bigint not null,
    expires_ms bigint,
    revoked_ms bigint,
    last_used_ms bigint
);
-- A name may be used again once its key is revoked: that is how a key is replaced.
create unique index api_keys_live_name on api_keys (name) where revoked_ms is null;
