-- +goose Up

-- A seat may say no to a run, and the agency to a grant: with a reason, which the other side reads.
alter table job add column refused jsonb;
alter table data_grant add column refused jsonb;
comment on column job.refused is 'by which seat, when and why a run was refused; null: by nobody';
comment on column data_grant.refused is 'by whom, when and why the grant was refused; null: by nobody';

grant update (refused) on job to sluice_serve;
grant update (refused) on data_grant to sluice_serve;
