-- What operators changed: one row per save or deletion of an entry. `was` is null where it was new, `became` where it was deleted.
create table entry_history (
    id bigint primary key,
    kind text not null,
    name_key text not null,
    name text not null,
    was text,
    became text,
    changed_ms bigint not null,
    who text not null
);
create index entry_history_by_name on entry_history (kind, name_key, id);
