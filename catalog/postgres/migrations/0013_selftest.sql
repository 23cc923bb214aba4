-- +goose Up

-- What workers' self-tests found out. A worker tells, once for each test; the keeper puts it on the record of the
-- trace. It holds names of canaries and digests, and nothing of the machine.
create table self_test (
	id      uuid primary key,
	worker  text not null,
	runtime text not null,
	runtime_digest text not null,
	made_at timestamptz not null,
	broken  text[] not null,
	told_at timestamptz not null default now(),
	leaf    uuid
);
create index self_test_waiting_idx on self_test (told_at) where leaf is null;
comment on column self_test.runtime_digest is 'over runtime, engine, kernel and template: of what the verdict is';
comment on column self_test.broken is 'canaries that did not hold; none: the runtime takes jobs';
comment on column self_test.leaf is 'the trace entry; null until the keeper has written it';

grant select on self_test to sluice_serve, sluice_keeper;
grant update (leaf) on self_test to sluice_keeper;

-- Telling the same test again changes nothing.
-- +goose StatementBegin
create function worker_tell(p_id uuid, p_worker text, p_runtime text, p_digest text, p_made timestamptz, p_broken text[])
returns void language plpgsql security definer set search_path = pg_catalog, public as $$
begin
	if cardinality(p_broken) > 64 or exists (select from unnest(p_broken) b where b is null or b !~ '^[a-z]{1,20}$')
		or p_digest !~ '^sha256:[0-9a-f]{64}$' then
		raise exception 'self_test.told' using errcode = 'invalid_parameter_value';
	end if;
	insert into self_test (id, worker, runtime, runtime_digest, made_at, broken)
	values (p_id, left(p_worker, 100), left(p_runtime, 100), p_digest, p_made, p_broken)
	on conflict do nothing;
	if found then
		perform pg_notify('keeper', 'told');
	end if;
end $$;
-- +goose StatementEnd
revoke all on function worker_tell from public;
grant execute on function worker_tell to sluice_worker;
