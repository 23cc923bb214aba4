-- +goose Up

-- Each search read the list of what was not yet in its place; datasets are declared one at a time and can be put there
-- at once.
alter index dataset_grams_key set (fastupdate = off);
select gin_clean_pending_list('dataset_grams_key');
