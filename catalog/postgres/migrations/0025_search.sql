-- +goose Up

-- What a dataset comes from was asked for and not kept (R3): those declared before say nothing.
alter table dataset add column basis text not null default '';
comment on column dataset.basis is 'duty or public service the data comes from (R3)';

create index dataset_version_upload_key on dataset_version ((publication ->> 'upload'));

-- Every character of a text and every two that stand together, lower case. Words of Chinese are mostly of two
-- characters: trigrams find none of them.
-- +goose StatementBegin
create function grams(t text) returns text[] language sql immutable parallel safe cost 10000 as $$
	select array(select distinct substr(lower(t), i, n) from generate_series(1, length(lower(t))) i, generate_series(1, 2) n
		where i + n - 1 <= length(lower(t)))
$$;
-- +goose StatementEnd
create index dataset_grams_key on dataset using gin (grams(title || ' ' || slug));
