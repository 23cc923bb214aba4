-- +goose Up

-- worker_seal ends the worker's part. What the platform interrupted is no result: up to three attempts in all the
-- work goes back, to be claimed by anybody after a pause in which what broke may come back. Until then it keeps its
-- slot and its fence is nobody's.
-- +goose StatementBegin
create or replace function worker_seal(p_id uuid, p_fence bigint, p_outcome text, p_result jsonb)
returns void language plpgsql security definer set search_path = pg_catalog, public as $$
begin
	if p_outcome not in ('success', 'failed', 'limit', 'interrupted') then
		raise exception 'work.outcome' using errcode = 'invalid_parameter_value';
	end if;
	if p_outcome = 'interrupted' then
		update work w set fence = w.fence + 1, keys = null, lease_until = now() + interval '3 seconds' * w.attempts
		where w.id = p_id and w.fence = p_fence and w.state = 'claimed' and w.stop is null and w.attempts < 3;
		if found then
			return;
		end if;
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
