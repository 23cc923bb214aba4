-- +goose Up

-- Keys of requests that must count once (Idempotency-Key). A row is written in the transaction of the act it
-- stands for: an answer is there exactly when its act is.
create table once (
	member uuid not null,
	key    text not null constraint once_key_check check (length(key) between 16 and 128),
	asked  bytea not null constraint once_asked_check check (octet_length(asked) = 32),
	leaf   uuid not null,
	answer json,
	at     timestamptz not null,
	constraint once_pkey primary key (member, key)
);
comment on column once.answer is 'json, not jsonb: a repetition gets the same bytes';

grant insert, select, delete on once to sluice_serve;
grant update (answer) on once to sluice_serve;

-- Whoever follows a job is woken by any change of its row, whoever made it.
-- +goose StatementBegin
create function ring_job() returns trigger language plpgsql as $$
begin
	perform pg_notify('job', new.number);
	return null;
end $$;
-- +goose StatementEnd
create trigger job_ring after insert or update on job for each row execute function ring_job();
