-- +goose Up

-- A job closes with the last of its outputs that is released, rejected or destroyed. Those of before are closed now.
update job j set state = 'closed', ended_at = coalesce(
	(select max(r.ended_at) from request r join output o on o.id = r.output where o.job = j.id), now())
where j.state = 'output_quarantined'
	and exists (select from output o where o.job = j.id)
	and not exists (select from output o where o.job = j.id and o.state not in ('released', 'rejected', 'destroyed'));
