package postgres

import (
	"context"
	"time"
)

// Spent is a row of spent: what one operator used under one scope in one month.
type Spent struct {
	Scope   string
	Org     string
	Subject string // id of the grant or dataset, or the organization's
	Month   string
	Runs    int64
	Rows    int64
	Failed  int64
}

// LockSpent reads what was used so that nobody else spends from it before this transaction ends; the row is made
// when it is the month's first. Callers lock the rows of datasets by id, then the organization's.
func (t *Tx) LockSpent(ctx context.Context, s Spent) (Spent, error) {
	return one[Spent](ctx, t, `insert into spent (scope, org, subject, month) values ($1, $2, $3, $4)
		on conflict (scope, org, subject, month) do update set runs = spent.runs returning *`, s.Scope, s.Org, s.Subject, s.Month)
}

// Spent reads what was used; nothing is the zero of all figures.
func (t *Tx) Spent(ctx context.Context, s Spent) (Spent, error) {
	found, err := many[Spent](ctx, t, `select * from spent where scope = $1 and org = $2 and subject = $3 and month = $4`,
		s.Scope, s.Org, s.Subject, s.Month)
	if err == nil && len(found) == 1 {
		s = found[0]
	}
	return s, err
}

// Spend adds to what was used. Negative figures give back, never below nothing: what was taken before there were
// such rows was taken from none.
func (t *Tx) Spend(ctx context.Context, s Spent) error {
	return t.exec(ctx, `insert into spent as old (scope, org, subject, month, runs, rows, failed)
		values ($1, $2, $3, $4, greatest($5::bigint, 0), greatest($6::bigint, 0), greatest($7::bigint, 0))
		on conflict (scope, org, subject, month) do update
		set runs = greatest(old.runs + $5, 0), rows = greatest(old.rows + $6, 0), failed = greatest(old.failed + $7, 0)`,
		s.Scope, s.Org, s.Subject, s.Month, s.Runs, s.Rows, s.Failed)
}

// Use is what was done under one grant in one month.
type Use struct {
	Operator     string
	OperatorName string
	Agreement    string
	Number       string // of the grant
	Dataset      string // slug
	Columns      []string
	Runs         int64
	Rows         int64
	Failed       int64
	Releases     int64
}

// UseFilter bounds whose use is read: an empty member bounds nothing. All are ids.
type UseFilter struct {
	Party    string // operator, or agency of the agreement
	Dataset  string
	Month    string
	From, To time.Time // of the month
}

// Uses lists the use of a month by grant. Columns are those of runs that were given them; a release counts in the
// month it was released.
func (t *Tx) Uses(ctx context.Context, f UseFilter) ([]Use, error) {
	return many[Use](ctx, t, `select * from (
		select o.number as operator, o.name as operator_name, a.number as agreement, g.number as number, d.slug as dataset,
			coalesce(s.runs, 0) as runs, coalesce(s.rows, 0) as rows, coalesce(s.failed, 0) as failed,
			array(select distinct c from job j join job_input i on i.job = j.id, unnest(i.columns) c
				where i.data_grant = g.id and j.kind = 'production' and j.data_key is not null
				and j.created_at >= $4 and j.created_at < $5 order by c) as columns,
			(select count(distinct r.id) from release r join output u on u.id = r.output join job_input i on i.job = u.job
				where i.data_grant = g.id and r.released_at >= $4 and r.released_at < $5) as releases
		from data_grant g
			join org o on o.id = g.operator join agreement a on a.id = g.agreement join dataset d on d.id = g.dataset
			left join spent s on s.scope = 'grant' and s.org = g.operator and s.subject = g.id and s.month = $3
		where ($1 = '' or $1 in (g.operator::text, a.agency::text)) and ($2 = '' or g.dataset::text = $2)
	) used where runs > 0 or releases > 0 order by operator, number`, f.Party, f.Dataset, f.Month, f.From, f.To)
}

// RecentUse is what one operator did with one dataset since some moment.
type RecentUse struct {
	Dataset      string // slug
	Operator     string
	OperatorName string
	Columns      []string
	Runs         int64
	Releases     int64
}

// RecentUses lists who used the datasets of a provider since a moment: runs that began after it and the columns they were
// given, and releases after it, whenever their runs were.
func (t *Tx) RecentUses(ctx context.Context, provider string, since time.Time) ([]RecentUse, error) {
	return many[RecentUse](ctx, t, `with ran as (
		select i.dataset as dataset_id, j.org as operator_id, count(distinct j.id) as runs, array_agg(distinct c order by c) as given
		from job j join job_input i on i.job = j.id join dataset d on d.id = i.dataset cross join unnest(i.columns) c
		where d.org = $1 and j.kind = 'production' and j.data_key is not null and j.created_at >= $2
		group by i.dataset, j.org
	), gone as (
		select i.dataset as dataset_id, j.org as operator_id, count(distinct r.id) as releases
		from release r join output u on u.id = r.output join job j on j.id = u.job join job_input i on i.job = j.id join dataset d on d.id = i.dataset
		where d.org = $1 and r.released_at >= $2
		group by i.dataset, j.org
	)
	select d.slug as dataset, o.number as operator, o.name as operator_name, coalesce(given, '{}') as columns,
		coalesce(runs, 0) as runs, coalesce(releases, 0) as releases
	from ran full join gone using (dataset_id, operator_id) join dataset d on d.id = dataset_id join org o on o.id = operator_id
	order by d.slug, o.number`, provider, since)
}

// SpentDatasets lists the datasets an operator used in a month, by id.
func (t *Tx) SpentDatasets(ctx context.Context, org, month string) ([]Spent, error) {
	return many[Spent](ctx, t, `select * from spent where scope = 'dataset' and org = $1 and month = $2 order by subject`, org, month)
}
