-- +goose Up

-- A passkey is a key of a person like any other: admitted, ended and traced alike. What differs is how it signs.
alter table member_key
	add column scheme text not null default 'ed25519' constraint member_key_scheme_check check (scheme in ('ed25519', 'webauthn')),
	add column title text not null default '',
	add column credential bytea,
	add column sign_count bigint not null default 0,
	add column synced boolean not null default false,
	add column origin text not null default '',
	add constraint member_key_passkey_check check (
		(credential is not null) = (scheme = 'webauthn') and (origin <> '') = (scheme = 'webauthn')),
	drop constraint member_key_length_check,
	add constraint member_key_length_check check (
		case scheme when 'ed25519' then octet_length(public_key) = 32 else octet_length(public_key) between 33 and 1024 end);
create unique index member_key_credential_key on member_key (credential) where credential is not null;
comment on column member_key.public_key is 'ed25519: 32 bytes; webauthn: COSE_Key (RFC 9052 7)';
comment on column member_key.title is 'what its owner calls a passkey';
comment on column member_key.credential is 'what an authenticator calls a passkey';
comment on column member_key.sign_count is 'last signature counter of a passkey; 0: it keeps none';
comment on column member_key.synced is 'the owner''s other devices may hold the passkey too';
comment on column member_key.origin is 'address a passkey was enrolled at: what it signs names it';

grant update (sign_count) on member_key to sluice_serve;
