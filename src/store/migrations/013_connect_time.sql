-- What opening a connection to the provider took, microseconds; null when one was open already.
alter table requests add column connect_us bigint;
