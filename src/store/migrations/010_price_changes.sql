-- Which price of a model came into force when. A price that returns is a new row here, and the same one in `prices`.
create table price_changes (
    provider text not null,
    model text not null,
    valid_from_ms bigint not null,
    id text not null,
    source text not null,
    primary key (provider, model, valid_from_ms, id)
);
insert into price_changes (provider, model, valid_from_ms, id, source)
select provider, model, valid_from_ms, id, source from prices;
