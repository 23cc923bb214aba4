-- +goose Up

-- What is granted over one dataset is asked on its pages, and before it is given back: among all the grants there are.
create index data_grant_dataset_idx on data_grant (dataset, id desc);
