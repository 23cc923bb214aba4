-- +goose Up

-- Files on their way in. A chunk is its own object under its own data key: whoever takes it forgets the key with
-- the call, and a broken line costs one chunk.

create table upload (
	id          uuid primary key,
	org         uuid not null references org,
	dataset     uuid references dataset,
	state       text not null constraint upload_state_check check (state in ('open', 'complete', 'dropped', 'expired')),
	size        bigint not null constraint upload_size_check check (size >= 1),
	chunk_bytes bigint not null constraint upload_chunk_bytes_check check (chunk_bytes >= 1),
	digest      text,
	source      jsonb not null,
	data_key    uuid not null references data_key,
	inspection  jsonb,
	created_by  uuid not null,
	created_at  timestamptz not null,
	expires_at  timestamptz not null,
	constraint upload_complete_check check (state <> 'complete' or digest is not null)
);
create index upload_org_idx on upload (org, created_at);
create index upload_open_idx on upload (expires_at) where state in ('open', 'complete');
comment on column upload.data_key is 'of what is made of the file: its inspection';

create table upload_chunk (
	upload uuid not null references upload,
	number int  not null constraint upload_chunk_number_check check (number >= 1),
	size   bigint not null,
	digest text not null,
	object jsonb not null,
	at     timestamptz not null,
	constraint upload_chunk_pkey primary key (upload, number)
);
comment on table upload_chunk is 'goes with its upload''s end; an object of the intake that no row and no ingesting version names is an orphan';

-- What a version was published from and as, and where its parts lie: they may be older versions', under their keys.
alter table dataset_version
	add column publication jsonb,
	add column locations jsonb;
comment on column dataset_version.raw is 'references of the chunks it was published from, in order';
comment on column dataset_version.locations is 'references of the parts, in the manifest''s order; null: all under data_key';
update dataset_version set raw = jsonb_build_array(raw) where jsonb_typeof(raw) = 'object';
update work set letter = jsonb_set(letter, '{ingest,raw}', jsonb_build_array(letter #> '{ingest,raw}'))
	where kind = 'ingest' and jsonb_typeof(letter #> '{ingest,raw}') = 'object';

-- What the steward confirmed when the dataset was declared, and against which inspection.
alter table dataset add column confirmed jsonb;

alter table data_key drop constraint data_key_purpose_check,
	add constraint data_key_purpose_check check (purpose in ('version', 'job', 'dataset', 'release', 'upload'));
alter table key_request drop constraint key_request_act_check,
	add constraint key_request_act_check
		check (act in ('output.fetch', 'release.get', 'dataset.preview', 'dataset.profile', 'upload.inspect'));

grant select, insert on upload, upload_chunk to sluice_serve;
grant update (state, digest) on upload to sluice_serve;
grant select, delete on upload_chunk to sluice_keeper;
grant select on upload to sluice_keeper;
grant update (state, inspection) on upload to sluice_keeper;
grant update (locations) on dataset_version to sluice_keeper;
