-- How smart routers came to their choices: one row per routed request, `decision` as JSON.
create table decisions (
    request_id text primary key,
    started_ms bigint not null,
    router text not null,
    cause text not null,
    model text not null,
    decision text not null
);
create index decisions_by_router on decisions (router, started_ms);
create index decisions_by_time on decisions (started_ms);

-- Request bodies, where the operator keeps them. Written with their record, deleted after their time.
create table kept_prompts (
    request_id text primary key,
    started_ms bigint not null,
    endpoint text not null,
    body text not null
);
create index kept_prompts_by_time on kept_prompts (started_ms);
