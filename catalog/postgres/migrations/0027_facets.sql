-- +goose Up

-- What a catalogue is narrowed by, besides a text and a state: the department, and the highest level of a column.
-- +goose StatementBegin
create function highest_level(columns jsonb) returns int language sql immutable parallel safe as $$
	select coalesce(max((c ->> 'level')::int), 0) from jsonb_array_elements(columns) c
$$;
-- +goose StatementEnd
create index dataset_org_key on dataset (org, id);
create index dataset_level_key on dataset (highest_level(columns), id);
