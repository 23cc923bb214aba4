-- +goose Up

-- What was used of monthly budgets, and a queue that serves organizations in turn.

-- A row is locked by whoever spends from it, after agreement, grant, dataset and job: first the datasets' rows by
-- id, the organization's last. Rows of scope grant are kept for the usage of a month only, under their grant's
-- lock; a grant's budget lies in data_grant.
create table spent (
	scope   text not null constraint spent_scope_check check (scope in ('grant', 'dataset', 'org')),
	org     uuid not null references org,
	subject uuid not null,
	month   text not null constraint spent_month_check check (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
	runs    bigint not null default 0 constraint spent_runs_check check (runs >= 0),
	rows    bigint not null default 0 constraint spent_rows_check check (rows >= 0),
	failed  bigint not null default 0 constraint spent_failed_check check (failed >= 0),
	constraint spent_pkey primary key (scope, org, subject, month)
);
comment on column spent.org is 'the operator that spends';
comment on column spent.month is 'calendar month of Asia/Shanghai in which the run was submitted';

grant select, insert on spent to sluice_serve, sluice_keeper;
grant update (runs, rows, failed) on spent to sluice_serve, sluice_keeper;

alter table data_grant add column failed_left bigint not null default 50
	constraint data_grant_failed_check check (failed_left >= 0);
alter table data_grant alter column failed_left drop default;
update data_grant set scope = jsonb_set(scope, '{budget,failed}', '50');
grant update (failed_left) on data_grant to sluice_serve, sluice_keeper;

-- A check runs code over empty tables and ends with its answer.
alter table job drop constraint job_kind_check;
alter table job add constraint job_kind_check check (kind in ('production', 'debug', 'check'));
alter table job add column answer jsonb;
grant update (answer) on job to sluice_keeper;
comment on column job.answer is 'of a check: all it tells but what the code check finds';

-- Whose turn it is. A claim locks one organization's row and skips locked ones, so that two workers serve two
-- organizations, the cap is exact, and a worker that stops in the middle holds up no more than one of them.
create table turn (
	org       uuid primary key references org,
	served_at timestamptz
);
grant select, insert on turn to sluice_serve, sluice_keeper;

alter table work add column org uuid references org;
update work w set org = coalesce(
	(select j.org from job j where j.id = w.subject), (select d.org from dataset d where d.id = w.subject),
	(select u.org from upload u where u.id = w.subject));
alter table work alter column org set not null;
create index work_org_idx on work (org) where state in ('queued', 'claimed');
insert into turn (org) select distinct org from work;

-- What may be claimed, and what occupies a slot.
-- +goose StatementBegin
create function work_waits(w work) returns boolean language sql stable as $$
	select w.stop is null and (w.state = 'queued'
		or (w.state = 'claimed' and w.lease_until < now() and w.attempts < 3))
$$;
-- +goose StatementEnd
-- +goose StatementBegin
create function work_runs(w work) returns boolean language sql stable as $$
	select w.state = 'claimed' and w.lease_until >= now()
$$;
-- +goose StatementEnd

-- How much waits and runs of each organization. queue_place in catalog/postgres counts by the same order.
create view queue_share as
	select t.org, t.served_at, q.waiting, q.running, q.oldest
	from turn t cross join lateral (
		select count(*) filter (where work_waits(w)) as waiting, count(*) filter (where work_runs(w)) as running,
			min(w.queued_at) filter (where work_waits(w)) as oldest
		from work w where w.org = t.org and w.state in ('queued', 'claimed')) q;
grant select on queue_share to sluice_serve, sluice_keeper;

-- worker_claim serves the organization with the fewest running pieces, of those the one that was served longest
-- ago, and of its work the oldest. One at its cap waits (setting queue: {"running": N}, from the rule set).
-- +goose StatementBegin
create or replace function worker_claim(p_worker text, p_key bytea, p_lease interval)
returns table (id uuid, kind text, fence bigint, letter jsonb)
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
	cap    bigint := coalesce((select (s.value ->> 'running')::bigint from setting s where s.name = 'queue'), 2);
	chosen uuid;
begin
	if octet_length(p_key) <> 32 then
		raise exception 'work.key' using errcode = 'invalid_parameter_value';
	end if;
	select t.org into chosen from turn t join queue_share q on q.org = t.org
	where q.waiting > 0 and q.running < cap
	order by q.running, t.served_at nulls first, q.oldest
	limit 1 for update of t skip locked;
	-- Counted again under the lock: another worker may have served it meanwhile.
	if chosen is null or (select q.running >= cap from queue_share q where q.org = chosen) then
		return;
	end if;
	return query
	update work w
	set state = 'claimed', fence = w.fence + 1, attempts = w.attempts + 1, worker = left(p_worker, 100),
		worker_key = p_key, keys = null, admitted = false, lease_until = now() + p_lease
	where w.id = (
		select c.id from work c where c.org = chosen and c.state in ('queued', 'claimed') and work_waits(c)
		order by c.queued_at for update skip locked limit 1)
	returning w.id, w.kind, w.fence, w.letter;
	if found then
		update turn t set served_at = clock_timestamp() where t.org = chosen;
		perform pg_notify('keeper', 'claimed');
	end if;
end $$;
-- +goose StatementEnd
