package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/task"
)

// Job is a row of job.
type Job struct {
	ID         string
	Number     string
	Org        string
	Author     string
	Kind       string
	State      string
	Package    json.RawMessage
	CodeDigest string
	DataKey    *string
	Compared   []string
	Plan       json.RawMessage
	Findings   json.RawMessage
	Approvals  []Approval
	Failure    json.RawMessage
	Usage      json.RawMessage
	Stopped    *string
	RuleSet    string
	Answer     json.RawMessage // of a check
	Refused    *flow.Handled   // by a seat
	CreatedAt  time.Time
	EndedAt    *time.Time
	Image      *string // digest; nil: no Python
}

// Approval is one seat's consent to a run on real data.
type Approval struct {
	Seat   string    `json:"seat"`
	Member string    `json:"member"`
	At     time.Time `json:"at"`
}

// JobInput is a row of job_input.
type JobInput struct {
	Job       string
	Name      string
	DataGrant string
	Dataset   string
	Version   int
	Columns   []string
}

// InsertJob adds a job and its inputs.
func (t *Tx) InsertJob(ctx context.Context, j Job, inputs []JobInput) error {
	if err := t.exec(ctx, `insert into job (id, number, org, author, kind, state, package, code_digest, rule_set, answer,
		created_at, ended_at, image) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		j.ID, j.Number, j.Org, j.Author, j.Kind, j.State, j.Package, j.CodeDigest, j.RuleSet, j.Answer, j.CreatedAt, j.EndedAt,
		j.Image); err != nil {
		return err
	}
	for _, in := range inputs {
		if err := t.exec(ctx, `insert into job_input (job, name, data_grant, dataset, version, columns)
			values ($1, $2, $3, $4, $5, $6)`, j.ID, in.Name, in.DataGrant, in.Dataset, in.Version, in.Columns); err != nil {
			return err
		}
	}
	return nil
}

// Job reads one by number.
func (t *Tx) Job(ctx context.Context, number string) (Job, error) {
	return one[Job](ctx, t, "select * from job where number = $1", number)
}

// JobByID reads one.
func (t *Tx) JobByID(ctx context.Context, id string) (Job, error) {
	return one[Job](ctx, t, "select * from job where id = $1", id)
}

// LockJob reads one by id for update.
func (t *Tx) LockJob(ctx context.Context, id string) (Job, error) {
	return one[Job](ctx, t, "select * from job where id = $1 for update", id)
}

// JobInputs lists the inputs of a job by name.
func (t *Tx) JobInputs(ctx context.Context, job string) ([]JobInput, error) {
	return many[JobInput](ctx, t, "select * from job_input where job = $1 order by name", job)
}

// Jobs lists the jobs an organization runs and those under the agreements it is the agency of.
func (t *Tx) Jobs(ctx context.Context, org string, w Window) ([]Job, error) {
	return listed[Job](ctx, t, w, `select * from job j where j.org = $1 or exists (select from job_input i
		join data_grant g on g.id = i.data_grant join agreement a on a.id = g.agreement
		where i.job = j.id and a.agency = $1)`, org)
}

// MoveJob writes a job's state; ended is set once.
func (t *Tx) MoveJob(ctx context.Context, id, state string, ended *time.Time) error {
	return t.touch(ctx, "update job set state = $2, ended_at = coalesce($3, ended_at) where id = $1", id, state, ended)
}

// StopJob writes a job's end by another's act, with its reason.
func (t *Tx) StopJob(ctx context.Context, id, state, reason string, ended time.Time) error {
	return t.touch(ctx, "update job set state = $2, stopped = $3, ended_at = $4 where id = $1", id, state, reason, ended)
}

// PutApprovals writes the approvals of a job.
func (t *Tx) PutApprovals(ctx context.Context, id, state string, approvals []Approval) error {
	return t.touch(ctx, "update job set state = $2, approvals = $3 where id = $1", id, state, approvals)
}

// RefuseJob writes that a seat refused a job.
func (t *Tx) RefuseJob(ctx context.Context, id, state string, refused *flow.Handled, ended time.Time) error {
	return t.touch(ctx, "update job set state = $2, refused = $3, ended_at = $4 where id = $1", id, state, refused, ended)
}

// PutCheck writes what check found.
func (t *Tx) PutCheck(ctx context.Context, id, state string, plan, findings json.RawMessage, ended *time.Time) error {
	return t.touch(ctx, `update job set state = $2, plan = $3, findings = $4, ended_at = $5 where id = $1`,
		id, state, plan, findings, ended)
}

// PutAnswer writes what a check tells.
func (t *Tx) PutAnswer(ctx context.Context, id string, answer json.RawMessage) error {
	return t.touch(ctx, "update job set answer = $2 where id = $1", id, answer)
}

// StartJob moves a job into its run and notes its data key and the outputs it is told apart from.
func (t *Tx) StartJob(ctx context.Context, id, state, key string, compared []string) error {
	return t.touch(ctx, "update job set state = $2, data_key = $3, compared = $4 where id = $1", id, state, key, compared)
}

// EndJob writes how a run ended.
func (t *Tx) EndJob(ctx context.Context, id, state string, failure, usage json.RawMessage, ended *time.Time) error {
	return t.touch(ctx, `update job set state = $2, failure = $3, usage = $4, ended_at = $5 where id = $1`,
		id, state, failure, usage, ended)
}

// live is the condition that a job j is under way: nothing of it has come out yet, and it has not ended. A check ends in
// the state in which a run waits for consent.
const live = "j.ended_at is null and j.state in ('submitted', 'checked', 'approved', 'queued', 'running')"

// LiveJobs lists the jobs of a grant that have not ended.
func (t *Tx) LiveJobs(ctx context.Context, grant string) ([]Job, error) {
	return many[Job](ctx, t, `select * from job j where id in (select job from job_input where data_grant = $1)
		and `+live+` order by created_at for update`, grant)
}

// LiveJobsOn lists the jobs that read a dataset (one version of it, or any when version is 0) and have not
// ended.
func (t *Tx) LiveJobsOn(ctx context.Context, dataset string, version int) ([]Job, error) {
	return many[Job](ctx, t, `select * from job j where id in
		(select job from job_input where dataset = $1 and ($2 = 0 or version = $2))
		and `+live+` order by created_at for update`,
		dataset, version)
}

// Stopping is a job that would end with what it reads.
type Stopping struct {
	Number       string
	Operator     string // number of the organization
	OperatorName string
	Kind         string
	State        string
	CreatedAt    time.Time
}

// StoppingJobs lists, for who only looks, the jobs LiveJobs would find (grant is not empty), or LiveJobsOn.
func (t *Tx) StoppingJobs(ctx context.Context, grant, dataset string, version int) ([]Stopping, error) {
	return many[Stopping](ctx, t, `select j.number, o.number as operator, o.name as operator_name, j.kind, j.state, j.created_at
		from job j join org o on o.id = j.org where j.id in (select job from job_input
			where ($1 = '' or data_grant = nullif($1, '')::uuid) and dataset = $2 and ($3 = 0 or version = $3))
		and `+live+` order by j.created_at`, grant, dataset, version)
}

// LiveJobsBy lists the jobs an organization (or one member of it, when member is not empty) has submitted and that
// have not ended.
func (t *Tx) LiveJobsBy(ctx context.Context, org, member string) ([]Job, error) {
	return many[Job](ctx, t, `select * from job j where org = $1::uuid and ($2 = '' or author = nullif($2, '')::uuid)
		and `+live+` order by created_at for update`, org, member)
}

// DebuggedCode tells whether an organization has run this very code in a debug run that succeeded.
func (t *Tx) DebuggedCode(ctx context.Context, org, codeDigest string) (bool, error) {
	return value[bool](ctx, t, `select exists (select from job where org = $1 and code_digest = $2
		and kind = 'debug' and state = 'succeeded')`, org, codeDigest)
}

// Work is a row of work.
type Work struct {
	ID         string
	Kind       string
	Subject    string
	Org        string // whose work it is: of the job or the dataset
	Version    *int
	Letter     json.RawMessage
	State      string
	Admitted   bool
	Stop       *string
	Fence      int64
	Attempts   int
	Worker     *string
	WorkerKey  []byte
	Keys       []byte
	LeaseUntil *time.Time
	Outcome    *string
	Result     json.RawMessage
	QueuedAt   time.Time
	RetryAt    *time.Time
	SettledAt  *time.Time
	Bytes      int64 // plain bytes of the objects it fetches
	Runtimes   []task.Runtime
}

// InsertWork queues work in the transaction of the act that needs it, for the organization of its job, dataset or
// upload.
func (t *Tx) InsertWork(ctx context.Context, w Work) error {
	org, err := value[string](ctx, t, `insert into work (id, kind, subject, org, version, letter, bytes, runtimes, state, queued_at)
		values ($1, $2, $3, coalesce((select org from job where id = $3), (select org from dataset where id = $3),
		(select org from upload where id = $3)), $4, $5, $6, $7, 'queued', $8) returning org`,
		w.ID, w.Kind, w.Subject, w.Version, w.Letter, w.Bytes, w.Runtimes, w.QueuedAt)
	if err != nil {
		return err
	}
	return t.exec(ctx, "insert into turn (org) values ($1) on conflict do nothing", org)
}

// NextWork locks one piece of work the keeper must act on: claimed and not yet admitted, sealed, stopped
// before it was claimed, or given up by its workers. ErrNone when there is none.
func (t *Tx) NextWork(ctx context.Context) (Waiting, error) {
	return one[Waiting](ctx, t, `select *, coalesce(lease_until < now(), false) as lease_over from work
		where (retry_at is null or retry_at <= now()) and (state = 'sealed'
			or (state = 'claimed' and not admitted and stop is null and lease_until >= now())
			or (state = 'queued' and stop is not null)
			or (state = 'claimed' and lease_until < now() and (attempts >= 3 or stop is not null)))
		order by queued_at limit 1 for update skip locked`)
}

// DeferWork puts off work the keeper failed at, so that it does not keep the rest waiting.
func (t *Tx) DeferWork(ctx context.Context, id string, pause time.Duration) error {
	return t.touch(ctx, "update work set retry_at = now() + $2 where id = $1", id, pause)
}

// Waiting is work the keeper must act on. Leases run by the database's clock, which their SQL functions use.
type Waiting struct {
	Work
	LeaseOver bool
}

// WorkOf reads the newest work of a kind about a subject.
func (t *Tx) WorkOf(ctx context.Context, subject, kind string) (Work, error) {
	return one[Work](ctx, t, `select * from work where subject = $1 and kind = $2
		order by queued_at desc limit 1`, subject, kind)
}

// WorkByID reads one piece of work.
func (t *Tx) WorkByID(ctx context.Context, id string) (Work, error) {
	return one[Work](ctx, t, "select * from work where id = $1", id)
}

// AdmitWork hands sealed keys to the worker that claimed it with this fence.
func (t *Tx) AdmitWork(ctx context.Context, id string, fence int64, keys []byte) error {
	return t.touch(ctx, `update work set admitted = true, keys = $3
		where id = $1 and fence = $2 and state = 'claimed'`, id, fence, keys)
}

// SettleWork ends a piece of work.
func (t *Tx) SettleWork(ctx context.Context, id, outcome string, at time.Time) error {
	return t.touch(ctx, `update work set state = 'settled', outcome = $2, settled_at = $3, keys = null
		where id = $1`, id, outcome, at)
}

// StopWork asks whoever runs the open work of a subject to stop.
func (t *Tx) StopWork(ctx context.Context, subject, reason string) error {
	return t.exec(ctx, `update work set stop = $2
		where subject = $1 and state in ('queued', 'claimed') and stop is null`, subject, reason)
}

// QueuePlace tells how many pieces of work are before a queued one; see QueueBefore.
func (t *Tx) QueuePlace(ctx context.Context, subject string) (int64, error) {
	place, err := many[queued](ctx, t, `select mine.org, (select count(*) from work w where w.org = mine.org
			and w.state in ('queued', 'claimed') and work_waits(w) and w.queued_at < mine.queued_at) as rank
		from work mine where mine.subject = $1 and mine.state = 'queued' order by mine.queued_at limit 1`, subject)
	if err != nil || len(place) == 0 {
		return 0, err
	}
	return t.queueBefore(ctx, place[0])
}

// QueueBefore tells how many pieces would be before a new one of an organization. Claims serve the organization
// with the fewest running pieces, then the one served longest ago, then its oldest work; the count is exact as
// long as nothing ends and nobody reaches the cap, and a guide afterwards.
func (t *Tx) QueueBefore(ctx context.Context, org string) (int64, error) {
	rank, err := value[int64](ctx, t, "select coalesce(sum(waiting), 0)::bigint from queue_share where org = $1", org)
	if err != nil {
		return 0, err
	}
	return t.queueBefore(ctx, queued{Org: org, Rank: rank})
}

// queued is a place in one organization's own queue.
type queued struct {
	Org  string
	Rank int64 // pieces of its own before it
}

// queueBefore counts, for each other organization, the claims it gets while this one's running pieces grow to
// the level at which the piece is claimed; at the last level who was served longer ago comes first, and whoever
// began there was.
func (t *Tx) queueBefore(ctx context.Context, p queued) (int64, error) {
	others, err := value[int64](ctx, t, `select coalesce(sum(least(q.waiting, greatest(0, m.running + $2 - q.running
			+ case when q.running > m.running
				or q.running = m.running and (coalesce(q.served_at, '-infinity'), q.oldest) < (m.served_at, m.oldest)
			then 1 else 0 end))), 0)::bigint
		from queue_share q, (select coalesce(max(running), 0) as running, coalesce(max(served_at), '-infinity') as served_at,
			coalesce(max(oldest), 'infinity') as oldest from queue_share where org = $1) m
		where q.org <> $1 and q.waiting > 0`, p.Org, p.Rank)
	return p.Rank + others, err
}
