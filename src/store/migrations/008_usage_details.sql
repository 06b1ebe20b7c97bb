-- The sums of `usage_hourly` once more per end user, for the requests that name one. A table of its own: most questions
-- are not about users, and would otherwise read a row for each. '' stands for the users beyond the limit of an hour.
create table usage_hourly_by_user (
    hour_ms bigint not null,
    end_user text not null,
    tag_set text not null,
    provider text not null,
    model text not null,
    key_name text not null,
    client text not null,
    alias text not null,
    router text not null,
    requests bigint not null,
    errors bigint not null,
    input_tokens bigint not null,
    output_tokens bigint not null,
    reasoning_tokens bigint not null,
    cache_read_tokens bigint not null,
    cache_write_tokens bigint not null,
    cost_nano bigint not null,
    unpriced_requests bigint not null,
    estimated_requests bigint not null,
    total_ms bigint not null,
    primary key (hour_ms, end_user, tag_set, provider, model, key_name, client, alias, router)
);

-- How many answers of an hour took how long: a histogram whose buckets are numbered by their length of time.
create table usage_latency (
    hour_ms bigint not null,
    measure text not null,
    bucket bigint not null,
    answers bigint not null,
    primary key (hour_ms, measure, bucket)
);
