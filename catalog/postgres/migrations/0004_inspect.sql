-- +goose Up

-- Looking at an upload before anything is declared is work too.
alter table work drop constraint work_kind_check;
alter table work add constraint work_kind_check
	check (kind in ('inspect', 'ingest', 'profile', 'preview', 'check', 'debug', 'run'));
