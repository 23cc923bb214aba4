-- +goose Up

-- A department's own synthetic twin of a version: invented rows, parsed and compared in containers like any upload,
-- under a key of their own. What was sent stays on record; at most one of a version waits, and at most one counts.

create table twin (
	id         uuid primary key,
	dataset    uuid not null,
	version    int  not null,
	state      text not null constraint twin_state_check
		check (state in ('checking', 'accepted', 'refused', 'replaced', 'withdrawn')),
	data_key   uuid not null references data_key,
	raw        jsonb not null,
	file       text not null,
	object     jsonb,
	rows       bigint,
	refusal    jsonb,
	declaration jsonb not null,
	created_by uuid not null,
	created_at timestamptz not null,
	constraint twin_version_fkey foreign key (dataset, version) references dataset_version (dataset, number),
	constraint twin_object_check check (state not in ('accepted', 'replaced') or object is not null and rows is not null)
);
comment on column twin.raw is 'references of the chunks it was sent as, in order';
comment on column twin.file is 'digest of the whole file: what the steward''s declaration is over';
comment on column twin.object is 'where its one part lies';
create index twin_version_idx on twin (dataset, version, id);
create unique index twin_checking_key on twin (dataset, version) where state = 'checking';
create unique index twin_accepted_key on twin (dataset, version) where state = 'accepted';

grant select, insert on twin to sluice_serve;
grant update (state) on twin to sluice_serve;
grant select on twin to sluice_keeper;
grant update (state, object, rows, refusal) on twin to sluice_keeper;

-- The gateway takes a twin in and withdraws it with its version; what it is worth is the keeper's to say.
-- +goose StatementBegin
create function guard_serve_twins() returns trigger language plpgsql as $$
begin
	if current_user = 'sluice_serve' and new.state <> (case tg_op when 'INSERT' then 'checking' else 'withdrawn' end) then
		raise exception 'twin.state: not the gateway''s move' using errcode = 'insufficient_privilege';
	end if;
	return new;
end $$;
-- +goose StatementEnd
create trigger twin_guard before insert or update on twin for each row execute function guard_serve_twins();

alter table data_key drop constraint data_key_purpose_check,
	add constraint data_key_purpose_check check (purpose in ('version', 'job', 'dataset', 'release', 'upload', 'twin'));
alter table work drop constraint work_kind_check,
	add constraint work_kind_check check (kind in ('inspect', 'ingest', 'profile', 'twin', 'preview', 'check', 'debug', 'run'));
