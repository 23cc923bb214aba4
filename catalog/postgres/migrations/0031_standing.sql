-- +goose Up

-- Every request asks who is calling. What that was read from changes seldom: one row tells whether it has, so that
-- asking it again is asking one row. It changes with the commit that changes what counts, at its very end, so that
-- whoever commits waits for nobody but another one who is committing.
create table standing (
	one     boolean primary key default true constraint standing_one_check check (one),
	changes bigint not null
);
comment on table standing is 'counts the changes of what callers are read from';
insert into standing (changes) values (0);
grant select on standing to sluice_serve, sluice_keeper;
grant update (changes) on standing to sluice_serve, sluice_keeper;

-- +goose StatementBegin
create function standing_changes() returns trigger language plpgsql as $$
begin
	-- Once a transaction is enough, however many rows it ends.
	if current_setting('sluice.counted', true) is distinct from 'yes' then
		update standing set changes = changes + 1;
		perform set_config('sluice.counted', 'yes', true);
	end if;
	return null;
end $$;
-- +goose StatementEnd

-- What a caller is read from (callers, counting). That a token was used, or a key, changes nothing of it; nor does it that a
-- token lives longer, or that one is swept whose time is over: nobody remembers it longer than that.
create constraint trigger token_standing after update of
	hash, member, member_key, identity, password, provider_strong, strong_until, certificate, created_at
	on token deferrable initially deferred for each row execute function standing_changes();
create constraint trigger token_shorter_standing after update of expires_at
	on token deferrable initially deferred for each row when (new.expires_at < old.expires_at) execute function standing_changes();
create constraint trigger token_end_standing after delete
	on token deferrable initially deferred for each row when (old.expires_at > now()) execute function standing_changes();
create constraint trigger member_standing after delete or update of id, org, roles, machine, state
	on member deferrable initially deferred for each row execute function standing_changes();
create constraint trigger member_key_standing after delete or update of id, scheme, state, expires_at
	on member_key deferrable initially deferred for each row execute function standing_changes();
create constraint trigger member_identity_standing after delete or update of id, state
	on member_identity deferrable initially deferred for each row execute function standing_changes();
create constraint trigger member_password_standing after delete or update of member
	on member_password deferrable initially deferred for each row execute function standing_changes();
create constraint trigger capacity_standing after insert or delete or update
	on capacity deferrable initially deferred for each row execute function standing_changes();

-- Also for whoever changes these tables by hand.
-- +goose StatementBegin
do $$
declare t text;
begin
	foreach t in array array['token', 'member', 'member_key', 'member_identity', 'member_password', 'capacity'] loop
		execute format('create trigger %I after truncate on %I execute function standing_changes()', t || '_truncated_standing', t);
	end loop;
end $$;
-- +goose StatementEnd
