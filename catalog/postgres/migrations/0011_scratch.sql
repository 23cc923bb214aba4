-- +goose Up

-- A share of the scratch disk in bytes: what a piece of work fetches lies there beside what its containers may write.

alter table work add column bytes bigint not null default 0 constraint work_bytes_check check (bytes >= 0);
comment on column work.bytes is 'plain bytes of the objects it fetches to the scratch disk';
update work w set bytes = coalesce((
	select sum(size::text::bigint) from jsonb_path_query(w.letter, 'strict $.**.size ? (@.type() == "number")') size), 0)
where w.state in ('queued', 'claimed');

-- held: bytes fetched by what runs. next: bytes the piece that waits longest will fetch.
create or replace view queue_share as
	select t.org, t.served_at, q.waiting, q.running, q.oldest, q.held, q.next
	from turn t cross join lateral (
		select count(*) filter (where work_waits(w)) as waiting, count(*) filter (where work_runs(w)) as running,
			min(w.queued_at) filter (where work_waits(w)) as oldest,
			coalesce(sum(w.bytes) filter (where work_runs(w)), 0)::bigint as held,
			(array_agg(w.bytes order by w.queued_at) filter (where work_waits(w)))[1] as next
		from work w where w.org = t.org and w.state in ('queued', 'claimed')) q;

-- queue_room tells how many bytes one organization's next piece may fetch, null for none: at its cap of pieces. What
-- runs alone may fetch what it must, else a file larger than the share would never be read. Setting queue, from the
-- rule set: {"running": pieces, "scratch": bytes of an organization, "piece": bytes a piece's containers may write}.
-- +goose StatementBegin
create function queue_room(running bigint, held bigint) returns bigint
language sql stable set search_path = pg_catalog, public as $$
	select case
		when running >= coalesce((s.value ->> 'running')::bigint, 2) then null
		when running = 0 or s.value ->> 'scratch' is null then 9223372036854775807
		else (s.value ->> 'scratch')::bigint - (running + 1) * (s.value ->> 'piece')::bigint - held
	end
	from (select 1) always left join setting s on s.name = 'queue'
$$;
-- +goose StatementEnd

-- worker_claim serves organizations as before. One waits while its oldest piece has no room: smaller ones do not
-- overtake it.
-- +goose StatementBegin
create or replace function worker_claim(p_worker text, p_key bytea, p_lease interval)
returns table (id uuid, kind text, fence bigint, letter jsonb)
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
	chosen uuid;
	room   bigint;
begin
	if octet_length(p_key) <> 32 then
		raise exception 'work.key' using errcode = 'invalid_parameter_value';
	end if;
	select t.org into chosen from turn t join queue_share q on q.org = t.org
	where q.waiting > 0 and q.next <= queue_room(q.running, q.held)
	order by q.running, t.served_at nulls first, q.oldest
	limit 1 for update of t skip locked;
	-- Counted again under the lock: another worker may have served it meanwhile.
	select queue_room(q.running, q.held) into room from queue_share q where q.org = chosen and q.next <= queue_room(q.running, q.held);
	if room is null then
		return;
	end if;
	return query
	update work w
	set state = 'claimed', fence = w.fence + 1, attempts = w.attempts + 1, worker = left(p_worker, 100),
		worker_key = p_key, keys = null, admitted = false, lease_until = now() + p_lease
	where w.id = (
		select c.id from work c where c.org = chosen and c.state in ('queued', 'claimed') and work_waits(c) and c.bytes <= room
		order by c.queued_at for update skip locked limit 1)
	returning w.id, w.kind, w.fence, w.letter;
	if found then
		update turn t set served_at = clock_timestamp() where t.org = chosen;
		perform pg_notify('keeper', 'claimed');
	end if;
end $$;
-- +goose StatementEnd
