-- Every price a model ever had here; a record keeps the id of the row it was computed with.
create table prices (
    provider text not null,
    model text not null,
    id text not null,
    source text not null,
    price_values text not null,
    valid_from_ms bigint not null,
    primary key (provider, model, id)
);
