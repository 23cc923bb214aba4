-- +goose Up

-- A person signs in by a password of their own and a second factor: never by one of them alone.
create table member_password (
	member uuid primary key references member,
	hash   text not null constraint member_password_hash_check check (hash like '$argon2id$%'),
	set_at timestamptz not null
);
comment on column member_password.hash is 'PHC string: algorithm, cost, salt and hash';

alter table token
	add column password boolean not null default false,
	add column used_at timestamptz,
	drop constraint token_proof_check,
	add constraint token_proof_check check (num_nonnulls(member_key, identity) + password::int = 1);
comment on column token.password is 'opened by password and second factor; counts while its member has a password';
comment on column token.used_at is 'last request, to within a minute; null: none since it was opened';

-- A link with which a person makes password and second factor: shown once to the administrator who hands it over.
alter table member_code
	drop constraint member_code_kind_check,
	add constraint member_code_kind_check check (kind in ('enrolment', 'recovery', 'link'));
create unique index member_code_link_key on member_code (hash) where kind = 'link';

-- A new authenticator waits beside the one that counts until it has shown that it works.
alter table member_factor add column next bytea;
comment on column member_factor.next is 'sealed as secret is; takes its place once it was seen to work';

-- What was tried in vain: by a keyed hash of the name that was claimed, known or not, and of the address it came from.
create table signin_try (
	key      bytea primary key,
	failures int not null,
	last_at  timestamptz not null,
	waits_to timestamptz,
	told_at  timestamptz,
	untold   bigint not null default 0
);
comment on column signin_try.waits_to is 'until then no try counts: longer with each failure';
comment on column signin_try.told_at is 'when the trace was last told; untold counts the refusals since';
create index signin_try_last_idx on signin_try (last_at);

-- A key that was added to take the place of another ends that one when it is admitted.
alter table member_key add column replaces text not null default '';
comment on column member_key.replaces is 'fingerprint of the key whose place it takes; empty: none';

grant select, insert, delete on member_password to sluice_serve;
grant update (hash, set_at) on member_password to sluice_serve;
grant update (used_at) on token to sluice_serve;
grant update (next) on member_factor to sluice_serve;
grant select, insert, update, delete on signin_try to sluice_serve;

-- An agency may allow less than was asked: the grant keeps both. What is in force never changes.
alter table data_grant add column asked jsonb;
comment on column data_grant.asked is 'the proposed scope, when a part of it was allowed; null: the scope is what was asked';
-- +goose StatementBegin
create function guard_grant_scope() returns trigger language plpgsql as $$
begin
	if current_user = 'sluice_serve' and old.state <> 'proposed' and (new.scope is distinct from old.scope or new.asked is distinct from old.asked or new.ends_at <> old.ends_at) then
		raise exception 'data_grant.scope: what was decided stays' using errcode = 'insufficient_privilege';
	end if;
	return new;
end $$;
-- +goose StatementEnd
create trigger data_grant_scope_guard before update on data_grant for each row execute function guard_grant_scope();
grant update (scope, asked, ends_at) on data_grant to sluice_serve;
