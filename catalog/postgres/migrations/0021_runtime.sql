-- +goose Up

-- Under which runtimes a piece of work may run: the rules say so for the level of its data. A worker claims only what
-- may run under one that is proved on its machine.

alter table work add column runtimes text[] not null default '{runsc}'
	constraint work_runtimes_check check (cardinality(runtimes) > 0 and runtimes <@ '{runsc,runc}');
comment on column work.runtimes is 'by name; one of them makes the walls';

-- What queue_share says, of those pieces alone that may run under one of some runtimes. What runs counts whatever it
-- runs under.
-- +goose StatementBegin
create function queue_share_under(p_runtimes text[])
returns table (org uuid, served_at timestamptz, waiting bigint, running bigint, oldest timestamptz, held bigint, next bigint)
language sql stable set search_path = pg_catalog, public as $$
	select t.org, t.served_at, q.waiting, q.running, q.oldest, q.held, q.next
	from turn t cross join lateral (
		select count(*) filter (where work_waits(w) and w.runtimes && p_runtimes) as waiting,
			count(*) filter (where work_runs(w)) as running,
			min(w.queued_at) filter (where work_waits(w) and w.runtimes && p_runtimes) as oldest,
			coalesce(sum(w.bytes) filter (where work_runs(w)), 0)::bigint as held,
			(array_agg(w.bytes order by w.queued_at) filter (where work_waits(w) and w.runtimes && p_runtimes))[1] as next
		from work w where w.org = t.org and w.state in ('queued', 'claimed')) q
$$;
-- +goose StatementEnd
revoke all on function queue_share_under from public;

-- worker_claim serves organizations as before, and of the work only what may run under one of the worker's runtimes.
drop function worker_claim(text, bytea, interval);
-- +goose StatementBegin
create function worker_claim(p_worker text, p_key bytea, p_lease interval, p_runtimes text[])
returns table (id uuid, kind text, fence bigint, letter jsonb)
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
	chosen uuid;
	room   bigint;
begin
	if octet_length(p_key) <> 32 then
		raise exception 'work.key' using errcode = 'invalid_parameter_value';
	end if;
	select t.org into chosen from turn t join queue_share_under(p_runtimes) q on q.org = t.org
	where q.waiting > 0 and q.next <= queue_room(q.running, q.held)
	order by q.running, t.served_at nulls first, q.oldest
	limit 1 for update of t skip locked;
	-- Counted again under the lock: another worker may have served it meanwhile.
	select queue_room(q.running, q.held) into room from queue_share_under(p_runtimes) q
	where q.org = chosen and q.next <= queue_room(q.running, q.held);
	if room is null then
		return;
	end if;
	return query
	update work w
	set state = 'claimed', fence = w.fence + 1, attempts = w.attempts + 1, worker = left(p_worker, 100),
		worker_key = p_key, keys = null, admitted = false, lease_until = now() + p_lease
	where w.id = (
		select c.id from work c
		where c.org = chosen and c.state in ('queued', 'claimed') and work_waits(c) and c.bytes <= room and c.runtimes && p_runtimes
		order by c.queued_at for update skip locked limit 1)
	returning w.id, w.kind, w.fence, w.letter;
	if found then
		update turn t set served_at = clock_timestamp() where t.org = chosen;
		perform pg_notify('keeper', 'claimed');
	end if;
end $$;
-- +goose StatementEnd
revoke all on function worker_claim from public;
grant execute on function worker_claim to sluice_worker;
