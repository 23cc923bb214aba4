-- +goose Up

-- The trace is narrowed by person, act, object and time without reading all of it. A body's canonical form begins with
-- act and actor, so what stands for the person is found in entries of before without trusting the rest of them.
alter table trace_leaf add column person text;
update trace_leaf set person = substring(encode(body, 'escape') from '^\{"act":"[^"]*","actor":\{"member":"([0-9a-f]{64})"')
where body is not null;
alter table trace_leaf add constraint trace_leaf_person_check check (person is null or body is not null);
comment on column trace_leaf.person is 'stands for who acted, as in the body: whoever erases the one erases the other';
grant update (person) on trace_leaf to sluice_keeper;

-- Nulls last, as the primary key has them not: only these give the order that a query by their column asks for, so the
-- server does not read the log itself for what it takes to be frequent.
drop index trace_leaf_org_idx;
drop index trace_leaf_owner_idx;
create index trace_leaf_org_idx on trace_leaf (org, index desc nulls last);
create index trace_leaf_owner_idx on trace_leaf (owner, index desc nulls last);
create index trace_leaf_person_idx on trace_leaf (person, index desc nulls last);
create index trace_leaf_act_idx on trace_leaf (act, index desc nulls last);
create index trace_leaf_object_idx on trace_leaf (object, index desc nulls last);
create index trace_leaf_denied_idx on trace_leaf (index) where decision = 'deny';
create index trace_leaf_at_idx on trace_leaf (at);

-- Entries get their places nearly in the order of their times. How far an entry came behind a later one bounds where
-- the entries of a span of time can lie.
alter table trace_head add column latest timestamptz, add column lag interval not null default interval '0';
update trace_head set latest = (select max(at) from trace_leaf), lag = (
	select coalesce(make_interval(secs => extract(epoch from max(peak - at))::float8), interval '0')
	from (select at, max(at) over (order by index) as peak from trace_leaf) p);
comment on column trace_head.latest is 'latest time of an entry that has its place';
comment on column trace_head.lag is 'most that an entry is older than one placed before it';
grant update (latest, lag) on trace_head to sluice_keeper;
