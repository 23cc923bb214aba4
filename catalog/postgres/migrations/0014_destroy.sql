-- +goose Up

-- The end of a dataset version: one person proposes it, another of the same department approves, the keeper erases
-- the secrets of the version's data keys and signs a certificate over the entry that recorded it.

alter table data_key
	alter column wrapped drop not null,
	add column wrap_key text,
	add column erased_at timestamptz,
	add column cleared_at timestamptz,
	add constraint data_key_erased_check check ((wrapped is null) = (erased_at is not null)),
	add constraint data_key_cleared_check check (cleared_at is null or erased_at is not null);
create index data_key_erased_idx on data_key (erased_at) where erased_at is not null and cleared_at is null;
comment on column data_key.wrap_key is 'id of the wrapping key its provider knows; null: from before it was kept';
comment on column data_key.erased_at is 'the secret was erased: nothing under the key opens again';
comment on column data_key.cleared_at is 'the objects under the erased key were deleted from the store';

create table destruction (
	id           uuid primary key,
	dataset      uuid not null,
	version      int not null,
	state        text not null constraint destruction_state_check
		check (state in ('proposed', 'withdrawn', 'approved', 'erased', 'certified')),
	reason       text not null constraint destruction_reason_check
		check (reason in ('retention', 'agreement_ended', 'mistake', 'subject_request', 'order')),
	asked_by     uuid,
	asked_at     timestamptz not null,
	approved_by  uuid,
	approved_at  timestamptz,
	erased_at    timestamptz,
	keys         uuid[] not null default '{}',
	leaf         uuid,
	certificate  jsonb,
	constraint destruction_version_fkey foreign key (dataset, version) references dataset_version (dataset, number),
	constraint destruction_two_persons_check check (approved_by is null or approved_by <> asked_by),
	constraint destruction_approved_check check (state not in ('approved', 'erased', 'certified')
		or certificate is not null or asked_by is not null and approved_by is not null),
	constraint destruction_erased_check check (state not in ('erased', 'certified') or erased_at is not null and leaf is not null),
	constraint destruction_certified_check check (state <> 'certified' or certificate is not null)
);
create unique index destruction_live_idx on destruction (dataset, version) where state <> 'withdrawn';
comment on column destruction.asked_by is 'null: another record did it, and a restore replays its certificate';
comment on column destruction.leaf is 'entry that recorded the erasure; the certificate proves it';
comment on column destruction.keys is 'data keys that were erased';

grant select, insert on destruction to sluice_serve;
grant update (state, approved_by, approved_at) on destruction to sluice_serve;
grant select on destruction to sluice_keeper;
grant update (state, erased_at, keys, leaf, certificate) on destruction to sluice_keeper;
grant update (wrapped, erased_at, cleared_at) on data_key to sluice_keeper;

-- The gateway proposes, approves and withdraws; what follows is the keeper's.
-- +goose StatementBegin
create function guard_serve_destructions() returns trigger language plpgsql as $$
begin
	if current_user = 'sluice_serve' and (tg_op = 'INSERT' and new.state <> 'proposed'
		or tg_op = 'UPDATE' and (old.state <> 'proposed' or new.state not in ('approved', 'withdrawn'))) then
		raise exception 'destruction.state: not the gateway''s move' using errcode = 'insufficient_privilege';
	end if;
	return new;
end $$;
-- +goose StatementEnd
create trigger destruction_guard before insert or update on destruction for each row execute function guard_serve_destructions();

-- What was erased stays erased, whoever asks.
-- +goose StatementBegin
create function guard_erased() returns trigger language plpgsql as $$
begin
	if old.erased_at is not null and new.wrapped is not null then
		raise exception 'data_key.erased' using errcode = 'integrity_constraint_violation';
	end if;
	return new;
end $$;
-- +goose StatementEnd
create trigger data_key_guard before update on data_key for each row execute function guard_erased();
