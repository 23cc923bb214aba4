-- +goose Up

-- Images Python jobs run in: proposed by one person of the platform, approved by another.
create table image (
	id           uuid primary key,
	name         text not null constraint image_name_key unique,
	digest       text not null constraint image_digest_check check (digest ~ '^sha256:[0-9a-f]{64}$'),
	sbom         text not null constraint image_sbom_check check (sbom ~ '^sha256:[0-9a-f]{64}$'),
	state        text not null constraint image_state_check check (state in ('proposed', 'approved', 'retired')),
	proposed_by  uuid not null,
	proposed_at  timestamptz not null,
	approved_by  uuid,
	approved_at  timestamptz,
	retired_at   timestamptz,
	constraint image_two_persons_check check (approved_by <> proposed_by),
	constraint image_approved_check check ((approved_by is null) = (approved_at is null) and (state <> 'approved' or approved_by is not null)),
	constraint image_retired_check check ((state = 'retired') = (retired_at is not null))
);
create unique index image_digest_idx on image (digest) where state <> 'retired';
comment on column image.digest is 'of the configuration, as engines compute it';
comment on column image.sbom is 'digest of the bill of materials';

alter table job add column image text;
create index job_image_idx on job (image) where image is not null;
comment on column job.image is 'digest of the image its package names; null: no Python';

grant select, insert on image to sluice_serve;
grant update (state, approved_by, approved_at, retired_at) on image to sluice_serve;
grant select on image to sluice_keeper;
