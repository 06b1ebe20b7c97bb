-- Who may use the admin listener. Passwords are here as argon2id hashes, cookies and tokens as SHA-256.
create table admin_settings (
    name text primary key,
    value text not null
);
create table admin_sessions (
    hash text primary key,
    created_ms bigint not null,
    seen_ms bigint not null
);
create table admin_tokens (
    name text primary key,
    hash text not null unique,
    shown_prefix text not null,
    created_ms bigint not null,
    last_used_ms bigint
);
