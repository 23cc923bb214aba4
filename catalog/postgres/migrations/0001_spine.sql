-- +goose Up

-- Records of the spine. Rules that a table can hold are held here too, whatever the program does: states and
-- pairs are checked, histories have no foreign keys out of them, and what a role may change is granted
-- column by column (0002_roles.sql).

create table counter (
	kind text not null,
	year int  not null,
	last bigint not null,
	constraint counter_pkey primary key (kind, year)
);
comment on table counter is 'last number given out per kind and year';

create table org (
	id          uuid primary key,
	number      text not null constraint org_number_key unique,
	name        text not null constraint org_name_key unique,
	credit_code text,
	created_at  timestamptz not null
);

create table capacity (
	org      uuid not null references org,
	capacity text not null,
	document text not null,
	since    timestamptz not null,
	ended_at timestamptz,
	constraint capacity_pkey primary key (org, capacity, since)
);
comment on column capacity.document is 'the designation the capacity rests on (O6, R3)';

create table member (
	id         uuid primary key,
	org        uuid not null references org,
	login      text not null,
	name       text not null,
	roles      text[] not null,
	state      text not null constraint member_state_check check (state in ('invited', 'active', 'removed')),
	created_at timestamptz not null,
	constraint member_login_key unique (org, login)
);

create table member_key (
	id          uuid primary key,
	fingerprint text not null constraint member_key_fingerprint_key unique,
	member      uuid not null references member,
	public_key  bytea not null constraint member_key_length_check check (octet_length(public_key) = 32),
	state       text not null constraint member_key_state_check check (state in ('offered', 'admitted', 'refused', 'revoked')),
	offered_at  timestamptz not null,
	admitted_at timestamptz,
	admitted_by uuid,
	revoked_at  timestamptz,
	last_used   timestamptz
);

create table token (
	hash       bytea primary key,
	member_key uuid not null references member_key,
	created_at timestamptz not null,
	expires_at timestamptz not null
);
comment on table token is 'opaque access tokens, by SHA-256: reading the table gives nobody a session';

create table assertion (
	jti        text not null,
	member_key uuid not null,
	expires_at timestamptz not null,
	constraint assertion_pkey primary key (member_key, jti)
);
comment on table assertion is 'used jti of private_key_jwt assertions (RFC 7523): each counts once';

create table data_key (
	id           uuid primary key,
	purpose      text not null constraint data_key_purpose_check check (purpose in ('version', 'job', 'dataset', 'release')),
	suite        text not null,
	wrapped      bytea not null,
	created_at   timestamptz not null
);
comment on table data_key is 'keys sealed to the keeper''s wrapping key; nobody else can open them';

create table dataset (
	id         uuid primary key,
	slug       text not null constraint dataset_slug_key unique,
	org        uuid not null references org,
	title      text not null,
	class      text not null constraint dataset_class_check check (class in ('general', 'important', 'core')),
	state      text not null,
	columns    jsonb not null,
	units      jsonb not null,
	round_to   int not null constraint dataset_round_to_check check (round_to >= 1),
	terms      jsonb,
	secret_key uuid not null references data_key,
	created_at timestamptz not null
);
comment on column dataset.secret_key is 'master of the unit and digest keys of this dataset';
comment on column dataset.round_to is 'fixed at the first publication (cn-default: one base per dataset for ever)';

create table dataset_version (
	dataset         uuid not null references dataset,
	number          int  not null,
	state           text not null,
	data_key        uuid not null references data_key,
	raw             jsonb,
	manifest        json,
	manifest_digest text,
	rows            bigint,
	refusal         jsonb,
	profile         jsonb,
	profile_signer  uuid,
	profile_signature jsonb,
	created_by      uuid not null,
	created_at      timestamptz not null,
	constraint dataset_version_pkey primary key (dataset, number),
	constraint dataset_version_manifest_check check ((manifest is null) = (manifest_digest is null))
);

create table registration (
	id          uuid primary key,
	number      text not null constraint registration_number_key unique,
	org         uuid not null references org,
	dataset     uuid not null references dataset,
	state       text not null,
	rule_set    text not null,
	application jsonb not null,
	applied_at  timestamptz not null,
	applied_by  uuid not null,
	accept_due  timestamptz not null,
	accepted_at timestamptz,
	accepted_by uuid,
	review_due  timestamptz,
	noticed_at  timestamptz,
	notice_ends timestamptz,
	coded_at    timestamptz,
	query_code  text constraint registration_query_code_key unique,
	valid_to    timestamptz
);

create table agreement (
	id         uuid primary key,
	number     text not null constraint agreement_number_key unique,
	agency     uuid not null references org,
	operator   uuid not null references org,
	authority  uuid references org,
	state      text not null,
	rule_set   text not null,
	document   jsonb not null,
	term_from  timestamptz not null,
	term_to    timestamptz not null,
	datasets   uuid[] not null,
	signatures jsonb not null default '{}',
	signed_at  timestamptz,
	file_due   timestamptz,
	filed_at   timestamptz,
	filed_late boolean not null default false,
	receipt    text,
	created_at timestamptz not null,
	constraint agreement_term_check check (term_from < term_to)
);
comment on column agreement.document is 'what the parties signed: term, datasets, digest of the text, the agency''s collective decision (O15 p3)';

create table data_grant (
	id          uuid primary key,
	number      text not null constraint data_grant_number_key unique,
	agreement   uuid not null references agreement,
	operator    uuid not null references org,
	dataset     uuid not null references dataset,
	state       text not null,
	scope       jsonb not null,
	rule_set    text not null,
	runs_left   bigint not null constraint data_grant_runs_check check (runs_left >= 0),
	rows_left   bigint not null constraint data_grant_rows_check check (rows_left >= 0),
	ends_at     timestamptz not null,
	proposed_by uuid not null,
	approved_by uuid,
	ended_at    timestamptz,
	created_at  timestamptz not null,
	constraint data_grant_two_persons_check check (approved_by is null or approved_by <> proposed_by)
);

create table job (
	id          uuid primary key,
	number      text not null constraint job_number_key unique,
	org         uuid not null references org,
	author      uuid not null references member,
	kind        text not null constraint job_kind_check check (kind in ('production', 'debug')),
	state       text not null,
	package     json not null,
	code_digest text not null,
	data_key    uuid references data_key,
	compared    uuid[] not null default '{}',
	plan        jsonb,
	findings    jsonb,
	approvals   jsonb not null default '[]',
	failure     jsonb,
	usage       jsonb,
	stopped     text,
	rule_set    text not null,
	created_at  timestamptz not null,
	ended_at    timestamptz
);

comment on column job.package is 'json, not jsonb: the canonical bytes that the code digest names';
comment on column job.compared is 'outputs this run was told apart from; a later one asks for a new run';

create table job_input (
	job      uuid not null references job,
	name     text not null,
	data_grant uuid not null references data_grant,
	dataset  uuid not null,
	version  int  not null,
	columns  text[] not null,
	constraint job_input_pkey primary key (job, name)
);

create table work (
	id          uuid primary key,
	kind        text not null constraint work_kind_check
		check (kind in ('ingest', 'profile', 'preview', 'check', 'debug', 'run')),
	subject     uuid not null,
	version     int,
	letter      jsonb not null,
	state       text not null constraint work_state_check
		check (state in ('queued', 'claimed', 'sealed', 'settled')),
	admitted    boolean not null default false,
	stop        text,
	fence       bigint not null default 0,
	attempts    int not null default 0,
	worker      text,
	worker_key  bytea,
	keys        bytea,
	lease_until timestamptz,
	outcome     text,
	result      jsonb,
	queued_at   timestamptz not null,
	retry_at    timestamptz,
	settled_at  timestamptz
);
create index work_open_idx on work (queued_at) where state in ('queued', 'claimed', 'sealed');
create index work_subject_idx on work (subject);
comment on column work.fence is 'grows with each claim; every effect carries it and a late one is refused';
comment on column work.keys is 'data keys sealed to worker_key by the keeper after it asked policy again';

create table work_event (
	id     bigint generated always as identity primary key,
	work   uuid not null,
	fence  bigint not null,
	event  text not null,
	detail jsonb not null,
	at     timestamptz not null default now()
);

create table output (
	id         uuid primary key,
	job        uuid not null references job,
	name       text not null,
	state      text not null,
	digest     text not null,
	evidence_digest text not null,
	rows       bigint not null,
	object     jsonb not null,
	membership jsonb not null,
	evidence   jsonb not null,
	schema     jsonb not null,
	findings   jsonb not null,
	blocked    int not null,
	revision   text not null,
	created_at timestamptz not null,
	constraint output_name_key unique (job, name)
);

create table request (
	id         uuid primary key,
	number     text not null constraint request_number_key unique,
	output     uuid not null constraint request_output_key unique references output,
	agency     uuid not null references org,
	operator   uuid not null references org,
	opened_by  uuid not null,
	context    text not null,
	state      text not null constraint request_state_check
		check (state in ('in_review', 'approved', 'returned', 'rejected', 'released')),
	created_at timestamptz not null,
	ended_at   timestamptz
);

create table vote (
	request   uuid not null references request,
	seat      text not null constraint vote_seat_check check (seat in ('operator', 'agency')),
	voter     uuid not null,
	member_key uuid not null,
	statement jsonb not null,
	envelope  jsonb not null,
	nonce     text not null constraint vote_nonce_key unique,
	cast_at   timestamptz not null,
	constraint vote_pkey primary key (request, seat)
);

create table release (
	id          uuid primary key,
	number      text not null constraint release_number_key unique,
	request     uuid not null constraint release_request_key unique references request,
	output      uuid not null references output,
	digest      text not null,
	state       text not null constraint release_state_check check (state in ('releasing', 'released', 'stopped')),
	leaf        uuid not null,
	object      jsonb,
	certificate jsonb,
	created_at  timestamptz not null,
	released_at timestamptz
);
create index release_digest_idx on release (digest);

create table key_request (
	id         uuid primary key,
	subject    jsonb not null,
	act        text not null constraint key_request_act_check
		check (act in ('output.fetch', 'release.get', 'dataset.preview', 'dataset.profile')),
	object     uuid not null,
	version    int,
	public_key bytea not null,
	state      text not null constraint key_request_state_check check (state in ('asked', 'sealed', 'denied')),
	keys       bytea,
	refusal    jsonb,
	created_at timestamptz not null
);

create table decision (
	id       uuid primary key,
	request  jsonb not null,
	allow    boolean not null,
	reasons  jsonb not null,
	revision text not null,
	at       timestamptz not null
);
comment on table decision is 'the full input of every decision: replaying it gives the same answer (invariant 6)';

create table policy_bundle (
	revision text primary key,
	files    jsonb not null,
	seen_at  timestamptz not null
);

-- Trace. Acts insert into trace_pending inside their transaction; the keeper moves entries to trace_leaf in
-- one order. No foreign keys: a trace outlives its subjects.

create table trace_pending (
	id     uuid primary key,
	at     timestamptz not null,
	salt   bytea not null constraint trace_pending_salt_check check (octet_length(salt) = 32),
	body   bytea not null,
	org    uuid,
	owner  uuid
);

create table trace_leaf (
	index  bigint primary key,
	id     uuid not null constraint trace_leaf_id_key unique,
	at     timestamptz not null,
	leaf   bytea not null,
	salt   bytea,
	body   bytea,
	org    uuid,
	owner  uuid,
	act    text,
	decision text,
	object text
);
create index trace_leaf_org_idx on trace_leaf (org, index);
create index trace_leaf_owner_idx on trace_leaf (owner, index);
comment on column trace_leaf.body is 'may be erased together with salt: every proof stays valid';

create table trace_head (
	single     boolean primary key default true constraint trace_head_single_check check (single),
	size       bigint not null,
	checkpoint text not null
);
insert into trace_head (size, checkpoint) values (0, '');

create table setting (
	name  text primary key,
	value jsonb not null
);
comment on table setting is 'public facts of this instance: wrapping public key, trust.json, root public key';
