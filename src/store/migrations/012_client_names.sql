-- What reverse DNS says clients' addresses are called; null: it says nothing. Looked up again from time to time.
create table client_names (
    client text primary key,
    name text,
    looked_up_ms bigint not null
);
