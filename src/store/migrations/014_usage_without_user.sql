-- Of each combination, requests that name an end user and requests that do not get sums of their own, so that questions
-- about the latter read no more than there is of them. `usage_hourly_by_user` has had the former all along; the latter
-- are what those leave. Nothing is read from the records, of which old ones may have been deleted.
create table usage_hourly_next (
    hour_ms bigint not null,
    has_user bigint not null,
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
    primary key (hour_ms, has_user, tag_set, provider, model, key_name, client, alias, router)
);

insert into usage_hourly_next
select
    hour_ms, 1, tag_set, provider, model, key_name, client, alias, router, cast(sum(requests) as bigint),
    cast(sum(errors) as bigint), cast(sum(input_tokens) as bigint), cast(sum(output_tokens) as bigint),
    cast(sum(reasoning_tokens) as bigint), cast(sum(cache_read_tokens) as bigint),
    cast(sum(cache_write_tokens) as bigint), cast(sum(cost_nano) as bigint), cast(sum(unpriced_requests) as bigint),
    cast(sum(estimated_requests) as bigint), cast(sum(total_ms) as bigint)
from usage_hourly_by_user
group by hour_ms, tag_set, provider, model, key_name, client, alias, router;

insert into usage_hourly_next
select
    a.hour_ms, 0, a.tag_set, a.provider, a.model, a.key_name, a.client, a.alias, a.router,
    a.requests - coalesce(u.requests, 0), a.errors - coalesce(u.errors, 0),
    a.input_tokens - coalesce(u.input_tokens, 0), a.output_tokens - coalesce(u.output_tokens, 0),
    a.reasoning_tokens - coalesce(u.reasoning_tokens, 0), a.cache_read_tokens - coalesce(u.cache_read_tokens, 0),
    a.cache_write_tokens - coalesce(u.cache_write_tokens, 0), a.cost_nano - coalesce(u.cost_nano, 0),
    a.unpriced_requests - coalesce(u.unpriced_requests, 0), a.estimated_requests - coalesce(u.estimated_requests, 0),
    a.total_ms - coalesce(u.total_ms, 0)
from usage_hourly a
left join usage_hourly_next u on
    u.has_user = 1 and u.hour_ms = a.hour_ms and u.tag_set = a.tag_set and u.provider = a.provider
    and u.model = a.model and u.key_name = a.key_name and u.client = a.client and u.alias = a.alias
    and u.router = a.router
where u.hour_ms is null
    or (a.requests, a.errors, a.input_tokens, a.output_tokens, a.reasoning_tokens, a.cache_read_tokens,
    a.cache_write_tokens, a.cost_nano, a.unpriced_requests, a.estimated_requests, a.total_ms)
    <> (u.requests, u.errors, u.input_tokens, u.output_tokens, u.reasoning_tokens, u.cache_read_tokens,
    u.cache_write_tokens, u.cost_nano, u.unpriced_requests, u.estimated_requests, u.total_ms);

drop table usage_hourly;
alter table usage_hourly_next rename to usage_hourly;

-- The same for an hour as a whole, beside the rows of its users.
insert into usage_by_dimension
select
    'user', hour_ms, '', cast(sum(requests) as bigint), cast(sum(errors) as bigint),
    cast(sum(input_tokens) as bigint), cast(sum(output_tokens) as bigint), cast(sum(reasoning_tokens) as bigint),
    cast(sum(cache_read_tokens) as bigint), cast(sum(cache_write_tokens) as bigint), cast(sum(cost_nano) as bigint),
    cast(sum(unpriced_requests) as bigint), cast(sum(estimated_requests) as bigint), cast(sum(total_ms) as bigint)
from usage_hourly where has_user = 0 group by hour_ms;
