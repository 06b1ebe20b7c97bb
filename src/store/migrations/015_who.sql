-- Who did what: changes can be searched by who made them, those of an API key name the key they are of, and tokens of scripts may end.
create index entry_history_by_who on entry_history (who, id);
update entry_history set who = 'command line' where who = 'import';
alter table entry_history add column key_id text;
alter table admin_tokens add column expires_ms bigint;
