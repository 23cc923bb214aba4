-- +goose Up

-- A review may take several rounds: a request that was sent back or taken back stays as it ended, and another one
-- follows it, over the same output or over one that was mended. Requests form lines: nothing follows one twice.
alter table request drop constraint request_output_key;
alter table request drop constraint request_state_check;
alter table request
	add constraint request_state_check
		check (state in ('in_review', 'approved', 'returned', 'withdrawn', 'rejected', 'released')),
	add column follows uuid constraint request_follows_key unique references request,
	add column returned_by text constraint request_returned_by_check check (returned_by in ('operator', 'agency')),
	add column reasons text[] not null default '{}',
	add column note text not null default '',
	add constraint request_returned_check check (returned_by is null or state = 'returned' and cardinality(reasons) > 0);
create unique index request_live_idx on request (output) where state in ('in_review', 'approved', 'released');
comment on column request.follows is 'the ended request this one hands in anew';
comment on column request.returned_by is 'the seat that sent it back; null when both votes did';

-- What is said in a review. Nothing said is ever changed.
create table request_comment (
	id         uuid primary key,
	request    uuid not null references request,
	voice      text not null constraint request_comment_voice_check check (voice in ('author', 'operator', 'agency')),
	writer     uuid not null references member,
	at_row     bigint constraint request_comment_row_check check (at_row > 0),
	at_column  int constraint request_comment_column_check check (at_column > 0),
	text       text not null constraint request_comment_text_check check (length(text) between 1 and 500),
	written_at timestamptz not null
);
create index request_comment_request_idx on request_comment (request);
comment on column request_comment.at_row is 'place in the declared table, from 1; null: none';

grant select on request_comment to sluice_serve, sluice_keeper;
grant insert on request_comment to sluice_serve;
grant update (state, ended_at, returned_by, reasons, note) on request to sluice_serve;

-- The gateway ends a request without a decision and never otherwise, and moves an output as the table of outputs
-- says: into review and out of it again.
-- +goose StatementBegin
create or replace function guard_serve_moves() returns trigger language plpgsql as $$
begin
	if current_user = 'sluice_serve' and new.state is distinct from old.state then
		if tg_table_name = 'output' and (old.state, new.state) not in (('auto_checked', 'in_review'),
			('in_review', 'auto_checked'), ('quarantined', 'destroyed'), ('auto_checked', 'destroyed'), ('blocked', 'destroyed')) then
			raise exception 'output.state: not the gateway''s move' using errcode = 'insufficient_privilege';
		end if;
		if tg_table_name = 'job' and new.state not in ('approved', 'queued', 'refused', 'killed', 'closed') then
			raise exception 'job.state: not the gateway''s move' using errcode = 'insufficient_privilege';
		end if;
	end if;
	return new;
end $$;
-- +goose StatementEnd
-- +goose StatementBegin
create function guard_serve_request() returns trigger language plpgsql as $$
begin
	if current_user = 'sluice_serve' and (old.state <> 'in_review' or new.state not in ('returned', 'withdrawn')) then
		raise exception 'request.state: not the gateway''s move' using errcode = 'insufficient_privilege';
	end if;
	return new;
end $$;
-- +goose StatementEnd
create trigger request_guard before update on request for each row execute function guard_serve_request();
