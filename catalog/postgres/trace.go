package postgres

import (
	"context"
	"time"
)

// Pending is a row of trace_pending: committed with its act, not yet in order.
type Pending struct {
	ID    string
	At    time.Time
	Salt  []byte
	Body  []byte
	Org   *string // the actor's organization
	Owner *string // the organization whose object it concerns
}

// SendEntry writes an entry inside the transaction of its act, with the full input and answer of the decision it is
// about, if there is one, and wakes the keeper for it as the transaction commits: without the one there is no other.
// All is one statement, since every act sends it and a statement costs more on its way than these do there.
func (t *Tx) SendEntry(p Pending, about *Decision) {
	const doing = "writing trace entry"
	if about == nil {
		t.send(doing, `with entry as (insert into trace_pending (id, at, salt, body, org, owner) values ($1, $2, $3, $4, $5, $6))
			select pg_notify('keeper', 'trace')`, p.ID, p.At, p.Salt, p.Body, p.Org, p.Owner)
		return
	}
	t.send(doing, `with entry as (insert into trace_pending (id, at, salt, body, org, owner) values ($1, $2, $3, $4, $5, $6)),
			about as (insert into decision (id, request, allow, reasons, revision, at) values ($1, $7, $8, $9, $10, $2))
		select pg_notify('keeper', 'trace')`,
		p.ID, p.At, p.Salt, p.Body, p.Org, p.Owner, about.Request, about.Allow, about.Reasons, about.Revision)
}

// Head is the row of trace_head.
type Head struct {
	Size       int64
	Checkpoint string
	Latest     *time.Time    // of the entries that have a place; nil: there is none
	Lag        time.Duration // most that an entry is older than one placed before it
}

// Follow counts one more entry, which happened at that time.
func (h *Head) Follow(at time.Time) {
	h.Size++
	if h.Latest == nil || at.After(*h.Latest) {
		h.Latest = &at
		return
	}
	h.Lag = max(h.Lag, h.Latest.Sub(at))
}

// LockHead reads the head for update: whoever holds it is the one sequencer.
func (t *Tx) LockHead(ctx context.Context) (Head, error) {
	return one[Head](ctx, t, "select size, checkpoint, latest, lag from trace_head for update")
}

// Head reads the head.
func (t *Tx) Head(ctx context.Context) (Head, error) {
	return one[Head](ctx, t, "select size, checkpoint, latest, lag from trace_head")
}

// PutHead writes the head.
func (t *Tx) PutHead(ctx context.Context, h Head) error {
	return t.touch(ctx, "update trace_head set size = $1, checkpoint = $2, latest = $3, lag = $4",
		h.Size, h.Checkpoint, h.Latest, h.Lag)
}

// PendingBatch reads entries in the order of their ids. Ids become visible out of order, so the caller
// takes what is there and deletes exactly those; no cursor is kept.
func (t *Tx) PendingBatch(ctx context.Context, limit int) ([]Pending, error) {
	return many[Pending](ctx, t, "select * from trace_pending order by id limit $1", limit)
}

// DeletePending removes sequenced entries.
func (t *Tx) DeletePending(ctx context.Context, ids []string) error {
	return t.exec(ctx, "delete from trace_pending where id = any($1::uuid[])", ids)
}

// Leaf is a row of trace_leaf.
type Leaf struct {
	Index    int64
	ID       string
	At       time.Time
	Leaf     []byte
	Salt     []byte
	Body     []byte
	Org      *string
	Owner    *string
	Act      *string
	Decision *string
	Object   *string
	Person   *string // trace.PersonHash of who acted
}

// InsertLeaf adds a sequenced entry.
func (t *Tx) InsertLeaf(ctx context.Context, l Leaf) error {
	return t.exec(ctx, `insert into trace_leaf (index, id, at, leaf, salt, body, org, owner, act, decision, object, person)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		l.Index, l.ID, l.At, l.Leaf, l.Salt, l.Body, l.Org, l.Owner, l.Act, l.Decision, l.Object, l.Person)
}

// LeavesFrom reads sequenced entries from an index on, in order.
func (t *Tx) LeavesFrom(ctx context.Context, index int64, limit int) ([]Leaf, error) {
	return many[Leaf](ctx, t, "select * from trace_leaf where index >= $1 order by index limit $2", index, limit)
}

// LeafByID reads a sequenced entry.
func (t *Tx) LeafByID(ctx context.Context, id string) (Leaf, error) {
	return one[Leaf](ctx, t, "select * from trace_leaf where id = $1", id)
}

// LeafAt reads a sequenced entry by index.
func (t *Tx) LeafAt(ctx context.Context, index int64) (Leaf, error) {
	return one[Leaf](ctx, t, "select * from trace_leaf where index = $1", index)
}

// JobsWith lists the jobs a digest took part in: as product, output, evidence or code; or as the manifest or a
// part of what a production run was given the keys to. An
// organization sees the jobs it runs, oversees or whose data they read; "" sees all.
func (t *Tx) JobsWith(ctx context.Context, digest, org string) ([]Job, error) {
	return many[Job](ctx, t, `select j.* from job j where j.id in (select j.id from job j
		left join output o on o.job = j.id
		join job_input i on i.job = j.id
		join data_grant g on g.id = i.data_grant
		join agreement a on a.id = g.agreement
		join dataset d on d.id = i.dataset
		join dataset_version v on v.dataset = i.dataset and v.number = i.version
		where (o.digest = $1 or o.evidence_digest = $1 or j.code_digest = $1
				or (j.kind = 'production' and j.data_key is not null and (v.manifest_digest = $1
					or (v.manifest->'parts')::jsonb @> jsonb_build_array(jsonb_build_object('digest', $1::text)))))
			and ($2 = '' or j.org::text = $2 or a.agency::text = $2 or d.org::text = $2))
		order by j.number`, digest, org)
}
