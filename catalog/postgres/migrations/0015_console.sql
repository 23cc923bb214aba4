-- +goose Up

-- What the console remembers of a browser: by SHA-256 of what its cookie holds. The session itself is a token of the
-- record, which a row names by its hash: whoever reads this table can pass for nobody.
create table console_session (
	hash       text primary key,
	memory     bytea not null,
	expires_at timestamptz not null,
	constraint console_session_memory_check check (octet_length(memory) <= 4096)
);
create index console_session_expires_idx on console_session (expires_at);
comment on column console_session.expires_at is 'the idle lock: put off by each request';

grant select, insert, update, delete on console_session to sluice_serve;
grant update (expires_at) on token to sluice_serve;
