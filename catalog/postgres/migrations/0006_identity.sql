-- +goose Up

-- How people and programs prove who they are: keys that end, certificates that go with a key, names at other
-- providers, second factors. What is secret lies here hashed, or sealed under a key the database never sees.

alter table member add column machine boolean not null default false;
comment on column member.machine is 'a program of the organization: it never decides';

alter table member_key
	add column expires_at timestamptz,
	add column certificate text not null default '';
comment on column member_key.certificate is 'digest of the certificate that must come with the key (RFC 8705); empty: none';
update member_key set expires_at = coalesce(admitted_at, offered_at) + interval '365 days' where state = 'admitted';
alter table member_key add constraint member_key_expires_check check (state <> 'admitted' or expires_at is not null);

-- A vote cast by a key that ended before the release is void, and its seat free again. It stays on record.
alter table vote add column voided_at timestamptz;
alter table vote drop constraint vote_pkey;
create unique index vote_pkey on vote (request, seat) where voided_at is null;

create table member_identity (
	id          uuid primary key,
	issuer      text not null,
	subject     text not null,
	label       text not null,
	member      uuid not null references member,
	state       text not null constraint member_identity_state_check check (state in ('offered', 'admitted', 'revoked')),
	offered_at  timestamptz not null,
	admitted_at timestamptz,
	admitted_by uuid,
	revoked_at  timestamptz,
	last_used   timestamptz
);
comment on table member_identity is 'who a person is at an OpenID provider; (issuer, subject) is the name that counts';
comment on column member_identity.label is 'what the provider calls the person, for the administrator who compares';
create unique index member_identity_subject_key on member_identity (issuer, subject) where state = 'admitted';
create unique index member_identity_offer_key on member_identity (issuer, subject, member) where state = 'offered';

delete from token; -- they last minutes; their holders prove themselves anew
alter table token
	alter column member_key drop not null,
	add column member uuid not null references member,
	add column identity uuid references member_identity,
	add column provider_strong boolean not null default false,
	add column strong_until timestamptz,
	add column certificate text not null default '',
	add constraint token_proof_check check (num_nonnulls(member_key, identity) = 1);
comment on column token.strong_until is 'a second factor was proven; until then the session is strong';
comment on column token.certificate is 'the token counts only over a connection with this certificate; empty: over any';

create table login_attempt (
	state      bytea primary key,
	nonce      text not null,
	verifier   text not null,
	redirect   text not null,
	challenge  text not null,
	relay      text not null,
	org        text not null,
	login      text not null,
	expires_at timestamptz not null
);
comment on table login_attempt is 'logins on their way to a provider and back, by SHA-256 of their state: each counts once';

create table login_code (
	hash            bytea primary key,
	identity        uuid not null references member_identity,
	provider_strong boolean not null,
	redirect        text not null,
	challenge       text not null,
	expires_at      timestamptz not null
);
comment on table login_code is 'codes a program exchanges for a token, by SHA-256: each counts once (RFC 6749 4.1.2)';

create table member_factor (
	member        uuid primary key references member,
	secret        bytea not null,
	state         text not null constraint member_factor_state_check check (state in ('offered', 'admitted')),
	step          bigint not null default 0,
	failures      int not null default 0,
	failing_since timestamptz,
	locked_until  timestamptz,
	made_at       timestamptz not null
);
comment on column member_factor.secret is 'sealed under the gateway''s session key, bound to its member';
comment on column member_factor.step is 'last time step that counted (RFC 6238 5.2): each counts once';

create table member_code (
	member     uuid not null references member,
	kind       text not null constraint member_code_kind_check check (kind in ('enrolment', 'recovery')),
	hash       bytea not null,
	expires_at timestamptz,
	constraint member_code_pkey primary key (member, hash)
);
comment on table member_code is 'one-time codes, by SHA-256: a row is deleted when its code is used';

-- Refusals at the door are traced one by one up to a bound a minute; past it they are counted.
create table refusal (
	minute timestamptz primary key,
	times  bigint not null
);

grant update (voided_at) on vote to sluice_serve;
grant update (state, admitted_at, admitted_by, revoked_at, expires_at, last_used) on member_key to sluice_serve;
grant update (strong_until) on token to sluice_serve;
grant insert, select on member_identity, member_factor, refusal to sluice_serve;
grant insert, select, delete on login_attempt, login_code, member_code to sluice_serve;
grant update (state, admitted_at, admitted_by, revoked_at, last_used) on member_identity to sluice_serve;
grant update (state, secret, step, failures, failing_since, locked_until, made_at) on member_factor to sluice_serve;
grant update (times) on refusal to sluice_serve;
grant delete on member_factor, refusal to sluice_serve;
-- The keeper locks a voter's key while it releases; locking needs a right to update.
grant update (last_used) on member_key to sluice_keeper;
