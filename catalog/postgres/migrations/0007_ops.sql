-- +goose Up

-- A recall takes a product back that has left: from its row on nobody gets the product here any more, and the
-- keeper signs a statement that tells everybody who has it. Releases never change but for their state.
create table recall (
	release   uuid primary key references release,
	reason    text not null constraint recall_reason_check check (reason in ('error', 'rights', 'disclosure', 'law')),
	asked_by  uuid not null references member,
	asked_at  timestamptz not null,
	statement json
);
comment on column recall.statement is 'json, not jsonb: what the keeper signed, byte by byte; null until then';

grant select on recall to sluice_serve, sluice_keeper;
grant insert on recall to sluice_serve;
grant update (statement) on recall to sluice_keeper;

alter table release drop constraint release_state_check;
alter table release add constraint release_state_check check (state in ('releasing', 'released', 'stopped', 'recalled'));
