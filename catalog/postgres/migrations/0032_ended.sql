-- +goose Up

-- What ended work left in the store is looked for every few seconds, among all the work there ever was.
create index work_settled_idx on work (settled_at) where state = 'settled';
