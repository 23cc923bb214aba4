-- +goose Up

-- Each process has its own role, authenticated by SCRAM with a secret of this instance. Rights are what the
-- process needs and no more: the gateway cannot write a release, move a job past its queue or touch the
-- trace; the worker holds no table right at all.

-- +goose StatementBegin
do $$
declare r text;
begin
	foreach r in array array['sluice_serve', 'sluice_worker', 'sluice_keeper'] loop
		if not exists (select from pg_roles where rolname = r) then
			execute format('create role %I login', r);
		end if;
	end loop;
end $$;
-- +goose StatementEnd

revoke all on schema public from public;
revoke all on all tables in schema public from public;
grant usage on schema public to sluice_serve, sluice_worker, sluice_keeper;

grant select on all tables in schema public to sluice_serve, sluice_keeper;

grant insert on org, capacity, member, member_key, token, assertion, data_key, dataset, dataset_version,
	registration, agreement, data_grant, job, job_input, work, request, vote, key_request, decision,
	policy_bundle, trace_pending, counter to sluice_serve;
grant update (last) on counter to sluice_serve;
grant update (ended_at) on capacity to sluice_serve;
grant update (roles, state) on member to sluice_serve;
grant update (state, admitted_at, admitted_by, revoked_at, last_used) on member_key to sluice_serve;
grant update (state, columns, terms) on dataset to sluice_serve;
grant update (state, raw, profile_signer, profile_signature) on dataset_version to sluice_serve;
grant update (state, accepted_at, accepted_by, review_due, noticed_at, notice_ends, coded_at, query_code,
	valid_to) on registration to sluice_serve;
grant update (state, signatures, signed_at, file_due, filed_at, filed_late, receipt, authority)
	on agreement to sluice_serve;
grant update (state, runs_left, rows_left, approved_by, ended_at) on data_grant to sluice_serve;
grant update (state, approvals, stopped, ended_at) on job to sluice_serve;
grant update (stop) on work to sluice_serve;
grant update (state) on output to sluice_serve;
grant delete on token, assertion to sluice_serve;

grant insert on data_key, work, output, release, decision, policy_bundle, trace_pending, trace_leaf, counter,
	setting to sluice_keeper;
grant update (last) on counter to sluice_keeper;
grant update (state) on dataset, registration, agreement to sluice_keeper;
grant update (state, manifest, manifest_digest, rows, refusal, profile) on dataset_version to sluice_keeper;
grant update (state, runs_left, rows_left, ended_at) on data_grant to sluice_keeper;
grant update (state, plan, findings, failure, usage, stopped, data_key, compared, ended_at) on job to sluice_keeper;
grant update (state, admitted, stop, keys, outcome, retry_at, settled_at) on work to sluice_keeper;
grant update (state) on output to sluice_keeper;
grant update (state, ended_at) on request to sluice_keeper;
grant update (state, object, certificate, released_at) on release to sluice_keeper;
grant update (state, keys, refusal) on key_request to sluice_keeper;
grant update (size, checkpoint) on trace_head to sluice_keeper;
grant update (salt, body) on trace_leaf to sluice_keeper;
grant update (value) on setting to sluice_keeper;
grant delete on trace_pending, key_request to sluice_keeper;

-- The gateway may move an output into review and a job as far as its queue, never further: what follows
-- belongs to the keeper, whatever SQL the gateway sends.
-- +goose StatementBegin
create function guard_serve_moves() returns trigger language plpgsql as $$
begin
	if current_user = 'sluice_serve' and new.state is distinct from old.state then
		if tg_table_name = 'output' and new.state not in ('in_review', 'destroyed') then
			raise exception 'output.state: not the gateway''s move' using errcode = 'insufficient_privilege';
		end if;
		if tg_table_name = 'job' and new.state not in ('approved', 'queued', 'refused', 'killed', 'closed') then
			raise exception 'job.state: not the gateway''s move' using errcode = 'insufficient_privilege';
		end if;
	end if;
	return new;
end $$;
-- +goose StatementEnd
create trigger output_guard before update on output for each row execute function guard_serve_moves();
create trigger job_guard before update on job for each row execute function guard_serve_moves();

-- The three functions of the worker. They run with the owner's rights and check the move themselves.

-- +goose StatementBegin
create function worker_claim(p_worker text, p_key bytea, p_lease interval)
returns table (id uuid, kind text, fence bigint, letter jsonb)
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
	if octet_length(p_key) <> 32 then
		raise exception 'work.key' using errcode = 'invalid_parameter_value';
	end if;
	return query
	update work w
	set state = 'claimed', fence = w.fence + 1, attempts = w.attempts + 1, worker = left(p_worker, 100),
		worker_key = p_key, keys = null, admitted = false, lease_until = now() + p_lease
	where w.id = (
		select c.id from work c
		where c.state = 'queued'
			or (c.state = 'claimed' and c.lease_until < now() and c.attempts < 3 and c.stop is null)
		order by c.queued_at for update skip locked limit 1)
	returning w.id, w.kind, w.fence, w.letter;
	if found then
		perform pg_notify('keeper', 'claimed');
	end if;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
create function worker_append(p_id uuid, p_fence bigint, p_event text, p_detail jsonb, p_lease interval)
returns table (admitted boolean, stop text, keys bytea)
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
	return query
	update work w set lease_until = now() + p_lease
	where w.id = p_id and w.fence = p_fence and w.state = 'claimed'
	returning w.admitted, w.stop, w.keys;
	if not found then
		raise exception 'work.lost' using errcode = 'serialization_failure';
	end if;
	if p_event <> 'renew' then
		insert into work_event (work, fence, event, detail) values (p_id, p_fence, left(p_event, 40), p_detail);
	end if;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
create function worker_seal(p_id uuid, p_fence bigint, p_outcome text, p_result jsonb)
returns void language plpgsql security definer set search_path = pg_catalog, public as $$
begin
	if p_outcome not in ('success', 'failed', 'limit', 'interrupted') then
		raise exception 'work.outcome' using errcode = 'invalid_parameter_value';
	end if;
	update work w set state = 'sealed', outcome = p_outcome, result = p_result, keys = null, lease_until = null
	where w.id = p_id and w.fence = p_fence and w.state = 'claimed'
		and (w.admitted or p_outcome = 'interrupted');
	if not found then
		raise exception 'work.lost' using errcode = 'serialization_failure';
	end if;
	perform pg_notify('keeper', 'sealed');
end $$;
-- +goose StatementEnd

revoke all on function worker_claim, worker_append, worker_seal from public;
grant execute on function worker_claim, worker_append, worker_seal to sluice_worker;
