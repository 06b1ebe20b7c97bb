-- One row per upstream answer. Money is nano-USD, times are Unix milliseconds (UTC), lists are JSON.
create table requests (
    id text primary key,
    parent text,
    started_ms bigint not null,
    end_user text,
    chat_id text,
    message_id text,
    key_name text,
    tags text not null,
    client text not null,
    endpoint text not null,
    client_protocol text not null,
    provider_protocol text not null,
    asked text not null,
    steps text not null,
    resolved_by text not null,
    alias text,
    router text,
    provider text not null,
    model text not null,
    status bigint not null,
    error text,
    error_message text,
    finish_reason text,
    stream bigint not null,
    first_token_ms bigint,
    total_ms bigint not null,
    relay_us bigint not null,
    attempts bigint not null,
    input_tokens bigint,
    output_tokens bigint,
    reasoning_tokens bigint,
    cache_read_tokens bigint,
    cache_write_tokens bigint,
    cache_write_1h_tokens bigint,
    audio_input_tokens bigint,
    audio_output_tokens bigint,
    image_input_tokens bigint,
    searches bigint,
    search_context text,
    citation_tokens bigint,
    reported_cost_nano bigint,
    service_tier text,
    raw_usage text,
    estimated bigint not null,
    cost_nano bigint,
    cost_source text not null,
    computed_cost_nano bigint,
    price text,
    formula text
);
create index requests_started on requests (started_ms);
create index requests_parent on requests (parent) where parent is not null;

-- How far each journal segment has been copied; written in the transaction that writes the records.
create table journal_position (
    segment text primary key,
    byte_offset bigint not null
);

-- A set of tags has one id, so that a request with two tags is one row of usage, counted once in every total.
create table tag_sets (
    id text primary key,
    tags text not null
);
create table tag_set_members (
    tag_set text not null references tag_sets (id),
    tag text not null,
    primary key (tag_set, tag)
);

-- Sums per hour and value of one dimension, 'total' among the dimensions: what reports read.
create table usage_by_dimension (
    dimension text not null,
    hour_ms bigint not null,
    dimension_value text not null,
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
    primary key (dimension, hour_ms, dimension_value)
);

-- Sums per hour and combination of dimensions; an absent dimension is '' (null would not be equal to itself).
create table usage_hourly (
    hour_ms bigint not null,
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
    primary key (hour_ms, tag_set, provider, model, key_name, client, alias, router)
);
