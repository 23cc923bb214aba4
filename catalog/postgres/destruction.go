package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Destruction is a row of destruction.
type Destruction struct {
	ID          string
	Dataset     string
	Version     int
	State       string
	Reason      string
	AskedBy     *string // nil: a restore replays what another record did
	AskedAt     time.Time
	ApprovedBy  *string
	ApprovedAt  *time.Time
	ErasedAt    *time.Time
	Keys        []string // ids of erased data keys
	Leaf        *string  // entry that recorded the erasure
	Certificate json.RawMessage
}

// InsertDestruction adds a proposal. A second one that has not ended violates destruction_live_idx.
func (t *Tx) InsertDestruction(ctx context.Context, x Destruction) error {
	return t.exec(ctx, `insert into destruction (id, dataset, version, state, reason, asked_by, asked_at)
		values ($1, $2, $3, $4, $5, $6, $7)`, x.ID, x.Dataset, x.Version, x.State, x.Reason, x.AskedBy, x.AskedAt)
}

// Destruction reads what was asked for last of a version. ErrNone when nothing was.
func (t *Tx) Destruction(ctx context.Context, dataset string, version int) (Destruction, error) {
	return one[Destruction](ctx, t, `select * from destruction where dataset = $1 and version = $2
		order by asked_at desc, id desc limit 1`, dataset, version)
}

// MoveDestruction moves a proposal, with who approved it and when.
func (t *Tx) MoveDestruction(ctx context.Context, x Destruction) error {
	return t.touch(ctx, `update destruction set state = $2, approved_by = $3, approved_at = $4
		where id = $1 and state = 'proposed'`, x.ID, x.State, x.ApprovedBy, x.ApprovedAt)
}

// RestingVersions lists the versions that hold parts under a version's own key, or will.
func (t *Tx) RestingVersions(ctx context.Context, dataset string, version int) ([]int, error) {
	return values[int](ctx, t, `select n.number from dataset_version n join dataset_version v on v.dataset = n.dataset
		where v.dataset = $1 and v.number = $2 and n.number <> v.number and n.state <> 'destroyed'
			and (n.locations @> jsonb_build_array(jsonb_build_object('key', v.data_key::text))
				or n.state = 'ingesting' and (n.publication ->> 'base')::int = v.number)
		order by n.number`, dataset, version)
}

// StopVersionWork asks whoever works on one version itself to stop.
func (t *Tx) StopVersionWork(ctx context.Context, dataset string, version int, reason string) error {
	return t.exec(ctx, `update work set stop = $3
		where subject = $1 and version = $2 and state in ('queued', 'claimed') and stop is null`, dataset, version, reason)
}

// ErasableDestruction locks one approved destruction whose version nothing reads any more: no work on it, on a job that
// reads it or on the file it came from is under way, nothing of it is on its way out. ErrNone when there is none.
func (t *Tx) ErasableDestruction(ctx context.Context) (Destruction, error) {
	return one[Destruction](ctx, t, `select x.* from destruction x
		join dataset_version v on v.dataset = x.dataset and v.number = x.version
		where x.state = 'approved'
			and not exists (select from work w where w.state <> 'settled' and (w.subject = x.dataset and w.version = x.version
				or w.subject::text = v.publication ->> 'upload'
				or w.subject in (select i.job from job_input i where i.dataset = x.dataset and i.version = x.version)))
			and not exists (select from output o join job_input i on i.job = o.job
				where i.dataset = x.dataset and i.version = x.version and o.state in ('approved', 'releasing'))
			and not exists (select from dataset_version n where n.state = 'ingesting'
				and n.publication ->> 'upload' = v.publication ->> 'upload')
		order by x.approved_at, x.id limit 1 for update of x skip locked`)
}

// DoomedOutputs locks the outputs of runs on a version that did not leave and were not destroyed.
func (t *Tx) DoomedOutputs(ctx context.Context, dataset string, version int) ([]Output, error) {
	return many[Output](ctx, t, `select * from output where state not in ('released', 'destroyed') and job in
		(select job from job_input where dataset = $1 and version = $2) order by id for update`, dataset, version)
}

// OpenRequest locks the request an output is under review by. ErrNone when it is not.
func (t *Tx) OpenRequest(ctx context.Context, output string) (Request, error) {
	return one[Request](ctx, t, "select * from request where output = $1 and state = 'in_review' for update", output)
}

// DoomedKeys lists the data keys that end with a version, in order: its own, those of the file it was made from and
// of its twins, and those of runs on it of which nothing left.
func (t *Tx) DoomedKeys(ctx context.Context, dataset string, version int) ([]string, error) {
	return values[string](ctx, t, `with doomed as (select * from dataset_version where dataset = $1 and number = $2),
		named (key) as (
			select data_key::text from doomed
			union select r ->> 'key' from doomed, jsonb_array_elements(raw) r
			union select u.data_key::text from doomed join upload u on u.id::text = publication ->> 'upload'
			union select data_key::text from twin where dataset = $1 and version = $2
			union select r ->> 'key' from twin, jsonb_array_elements(raw) r where dataset = $1 and version = $2
			union select j.data_key::text from job j join job_input i on i.job = j.id
				where i.dataset = $1 and i.version = $2 and j.kind = 'production'
					and not exists (select from output o where o.job = j.id and o.state = 'released'))
		select key from named where key is not null order by key`, dataset, version)
}

// EraseKeys erases the secrets of data keys, and tells how many it was that erased them.
func (t *Tx) EraseKeys(ctx context.Context, ids []string, at time.Time) (int64, error) {
	tag, err := t.run(ctx, `update data_key set wrapped = null, erased_at = $2
		where id::text = any($1) and erased_at is null`, ids, at)
	if err != nil {
		return 0, fmt.Errorf("erasing data keys: %w", err)
	}
	return tag.RowsAffected(), nil
}

// FinishErasure records which keys a destruction erased, and the entry that says so.
func (t *Tx) FinishErasure(ctx context.Context, x Destruction) error {
	return t.touch(ctx, `update destruction set state = $2, erased_at = $3, keys = $4::uuid[], leaf = $5
		where id = $1 and state = 'approved'`, x.ID, x.State, x.ErasedAt, x.Keys, x.Leaf)
}

// SequencedErasure locks one destruction whose erasure has been sequenced. ErrNone when there is none.
func (t *Tx) SequencedErasure(ctx context.Context) (Destruction, error) {
	return one[Destruction](ctx, t, `select x.* from destruction x join trace_leaf f on f.id = x.leaf
		where x.state = 'erased' order by x.erased_at, x.id limit 1 for update of x skip locked`)
}

// CertifyDestruction keeps a certificate.
func (t *Tx) CertifyDestruction(ctx context.Context, id, state string, certificate json.RawMessage) error {
	return t.touch(ctx, "update destruction set state = $2, certificate = $3 where id = $1 and state = 'erased'",
		id, state, certificate)
}

// UnclearedDestruction finds one certified destruction under whose keys objects may still lie. ErrNone when there is
// none.
func (t *Tx) UnclearedDestruction(ctx context.Context) (Destruction, error) {
	return one[Destruction](ctx, t, `select x.* from destruction x where x.state = 'certified' and exists
		(select from data_key k where k.id = any(x.keys) and k.erased_at is not null and k.cleared_at is null)
		order by x.erased_at, x.id limit 1`)
}

// ClearKeys records that nothing lies under erased keys any more.
func (t *Tx) ClearKeys(ctx context.Context, ids []string, at time.Time) error {
	return t.exec(ctx, `update data_key set cleared_at = $2
		where id::text = any($1) and erased_at is not null and cleared_at is null`, ids, at)
}

// Certificates lists the certificate of every destruction, oldest first.
func (t *Tx) Certificates(ctx context.Context) ([]Destruction, error) {
	return many[Destruction](ctx, t, `select * from destruction where certificate is not null order by erased_at nulls last, id`)
}

// ReplayDestruction puts a destruction that another record carried out in place of what this one knows of it, and takes
// the version out of use. It reports false for a version whose end is on record already.
func (t *Tx) ReplayDestruction(ctx context.Context, x Destruction) (bool, error) {
	tag, err := t.run(ctx, `update dataset_version set state = 'destroying'
		where dataset = $1 and number = $2 and state not in ('destroying', 'destroyed')`, x.Dataset, x.Version)
	if err != nil {
		return false, fmt.Errorf("ending the version: %w", err)
	}
	for _, sql := range []string{
		"update twin set state = 'withdrawn' where dataset = $1 and version = $2 and state in ('checking', 'accepted')",
		"update destruction set state = 'withdrawn' where dataset = $1 and version = $2 and state = 'proposed'",
	} {
		if err := t.exec(ctx, sql, x.Dataset, x.Version); err != nil {
			return false, fmt.Errorf("ending what rests on the version: %w", err)
		}
	}
	err = t.exec(ctx, `insert into destruction (id, dataset, version, state, reason, asked_at, approved_at, keys, certificate)
		values ($1, $2, $3, $4, $5, $6, $7, $8::uuid[], $9) on conflict do nothing`,
		x.ID, x.Dataset, x.Version, x.State, x.Reason, x.AskedAt, x.ApprovedAt, x.Keys, x.Certificate)
	return tag.RowsAffected() > 0, err
}
