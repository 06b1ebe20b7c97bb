-- What operators made on the admin listener. `definition` is the JSON of the entry, the same as its YAML in `relay.yaml`.
create table entries (
    kind text not null,
    name_key text not null,
    name text not null,
    definition text not null,
    updated_ms bigint not null,
    primary key (kind, name_key)
);
