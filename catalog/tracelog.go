package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trace/tilestore"
	"github.com/sluicedata/sluice/policy"
)

// Trace reads the trace, and for the keeper puts entries in order. Readers of the trace are traced.
type Trace struct{ c *core }

// tracePart decides a read of the trace and returns whose part it may see; "" is all.
func (d *deed) tracePart() (string, error) {
	part, owner := d.caller.Org, d.caller.Org
	if slices.Contains(d.caller.Roles, "audit_admin") && slices.Contains(d.caller.Capacities, "platform") {
		part = ""
	}
	return part, d.decide(policy.Object{Kind: "trace", Org: owner}, "", policy.Facts{})
}

// Prove returns one entry with the proof that it is in the signed log. Who: as Query.
func (s *Trace) Prove(ctx context.Context, caller policy.Subject, id string) (view trace.View, proof trace.Proof, err error) {
	if _, err := name.ParseID(id); err != nil {
		return view, proof, fault.NotFound()
	}
	err = s.c.act(ctx, caller, "trace.prove", func(d *deed) error {
		part, err := d.tracePart()
		if err != nil {
			return err
		}
		l, err := d.tx.LeafByID(ctx, id)
		if err != nil {
			return err
		}
		if part != "" && text(l.Org) != part && text(l.Owner) != part {
			return fault.NotFound()
		}
		head, err := d.tx.Head(ctx)
		if err != nil {
			return fmt.Errorf("reading head: %w", err)
		}
		view = leafView(l)
		proof, err = s.prove(ctx, head, l.Index)
		return err
	})
	return view, proof, err
}

// prove makes a proof under the published checkpoint.
func (s *Trace) prove(ctx context.Context, head postgres.Head, index int64) (trace.Proof, error) {
	checkpoint, err := trace.ReadCheckpoint(head.Checkpoint)
	if err != nil || index >= checkpoint.Size {
		return trace.Proof{}, &fault.Error{Kind: fault.Unavailable, Code: "trace.not_yet_signed", Cause: err}
	}
	proof, err := trace.Prove(ctx, tilestore.NewS3(s.c.Store), checkpoint, index)
	if err != nil {
		return trace.Proof{}, fmt.Errorf("proving entry: %w", err)
	}
	return proof, nil
}

// Checkpoint returns the newest signed checkpoint. It is public.
func (s *Trace) Checkpoint(ctx context.Context) (note string, err error) {
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		head, err := tx.Head(ctx)
		note = head.Checkpoint
		return err
	})
	return note, err
}

// Tile returns one file of the log by its tlog-tiles path: hashes of salted bodies, public.
func (s *Trace) Tile(ctx context.Context, path string) ([]byte, error) {
	data, err := tilestore.NewS3(s.c.Store).Get(ctx, path)
	if err != nil {
		return nil, fault.NotFound()
	}
	return data, nil
}

// Lineage follows a digest both ways: from a product, output, code, manifest or part to every job it took
// part in, with all they read and wrote. Who: as Query, each organization its own part.
func (s *Trace) Lineage(ctx context.Context, caller policy.Subject, digest string) (chains []trace.Chain, err error) {
	if !name.Digest(digest).Valid() {
		return nil, fault.Bad("lineage.invalid", fault.Place{Location: "digest", Code: "digest.invalid"})
	}
	err = s.c.act(ctx, caller, "trace.lineage", func(d *deed) error {
		part, err := d.tracePart()
		if err != nil {
			return err
		}
		d.refs["digest"] = digest
		jobs, err := d.tx.JobsWith(ctx, digest, part)
		if err != nil {
			return fmt.Errorf("following digest: %w", err)
		}
		chains, err = each(jobs, d.chain)
		return err
	})
	return chains, err
}

func (d *deed) chain(row postgres.Job) (trace.Chain, error) {
	c := trace.Chain{Job: row.Number, Code: row.CodeDigest, State: row.State, Inputs: []trace.ChainInput{}, Outputs: []trace.ChainOutput{}}
	inputs, err := d.tx.JobInputs(d.ctx, row.ID)
	if err != nil {
		return c, fmt.Errorf("reading inputs: %w", err)
	}
	if c.Inputs, err = each(inputs, d.chainInput); err != nil {
		return c, err
	}
	outputs, err := d.tx.Outputs(d.ctx, row.ID)
	if err != nil {
		return c, fmt.Errorf("reading outputs: %w", err)
	}
	c.Outputs, err = each(outputs, d.chainOutput)
	return c, err
}

func (d *deed) chainInput(in postgres.JobInput) (trace.ChainInput, error) {
	out := trace.ChainInput{Name: in.Name, Version: in.Version, Columns: in.Columns, Parts: []string{}}
	ds, err := d.tx.DatasetByID(d.ctx, in.Dataset)
	if err != nil {
		return out, fmt.Errorf("reading dataset: %w", err)
	}
	v, err := d.tx.Version(d.ctx, in.Dataset, in.Version)
	if err != nil {
		return out, fmt.Errorf("reading version: %w", err)
	}
	g, err := d.tx.GrantByID(d.ctx, in.DataGrant)
	if err != nil {
		return out, fmt.Errorf("reading grant: %w", err)
	}
	a, err := d.tx.ShareAgreement(d.ctx, g.Agreement)
	if err != nil {
		return out, fmt.Errorf("reading agreement: %w", err)
	}
	out.Dataset, out.Manifest, out.Grant, out.Agreement = ds.Slug, text(v.ManifestDigest), g.Number, a.Number
	if r, err := d.tx.DatasetRegistration(d.ctx, ds.ID); err == nil {
		out.Registration = r.Number
	} else if !absent(err) {
		return out, fmt.Errorf("reading registration: %w", err)
	}
	out.Parts, err = partDigests(v)
	return out, err
}

// partDigests lists a version's parts, also when it has been withdrawn.
func partDigests(v postgres.Version) ([]string, error) {
	digests := []string{}
	if v.Manifest == nil {
		return digests, nil
	}
	var m struct {
		Parts []struct {
			Digest string `json:"digest"`
		} `json:"parts"`
	}
	if err := json.Unmarshal(v.Manifest, &m); err != nil {
		return nil, fmt.Errorf("reading manifest: %w", err)
	}
	for _, p := range m.Parts {
		digests = append(digests, p.Digest)
	}
	return digests, nil
}

func (d *deed) chainOutput(o postgres.Output) (trace.ChainOutput, error) {
	out := trace.ChainOutput{Name: o.Name, Digest: o.Digest, Evidence: o.EvidenceDigest, State: o.State, Votes: []trace.ChainVote{}}
	r, err := d.tx.RequestOf(d.ctx, o.ID)
	if absent(err) {
		return out, nil
	}
	if err != nil {
		return out, fmt.Errorf("reading request: %w", err)
	}
	out.Request = r.Number
	if err := d.chainVotes(&out, r); err != nil {
		return out, err
	}
	l, err := d.tx.ReleaseOf(d.ctx, r.ID)
	if err == nil {
		out.Release, out.Leaf = l.Number, l.Leaf
	} else if !absent(err) {
		return out, fmt.Errorf("reading release: %w", err)
	}
	return out, nil
}

// chainVotes shows the votes once both are in: before, they are sealed from each other here too.
func (d *deed) chainVotes(out *trace.ChainOutput, r postgres.Request) error {
	rows, err := d.tx.Votes(d.ctx, r.ID)
	if err != nil {
		return fmt.Errorf("reading votes: %w", err)
	}
	if len(rows) < 2 {
		return nil
	}
	digests, err := d.voteDigests(r)
	if err != nil {
		return err
	}
	for i, v := range operatorFirst(rows) {
		var said struct {
			Decision string `json:"decision"`
		}
		if err := json.Unmarshal(v.Statement, &said); err != nil {
			return fmt.Errorf("reading vote: %w", err)
		}
		out.Votes = append(out.Votes, trace.ChainVote{Seat: v.Seat, Decision: said.Decision, Digest: string(digests[i])})
	}
	return nil
}

// batch bounds how many entries are put in order at once.
const batch = 512

// Sequence gives waiting entries their places in the log and extends the signed tree over them. Places are
// durable in the record before a tile is written, so after a crash the same leaves are appended again at the
// same places. It returns false when nothing waited.
func (s *Trace) Sequence(ctx context.Context, log *trace.Sequencer) (bool, error) {
	placed, err := s.place(ctx)
	if err != nil {
		return false, err
	}
	signed, err := s.extend(ctx, log)
	return placed || signed, err
}

// place moves waiting entries to trace_leaf under the lock on the head: ids become visible out of order, so
// no cursor over them is kept.
func (s *Trace) place(ctx context.Context) (bool, error) {
	moved := false
	err := s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		head, err := tx.LockHead(ctx)
		if err != nil {
			return fmt.Errorf("locking head: %w", err)
		}
		waiting, err := tx.PendingBatch(ctx, batch)
		if err != nil || len(waiting) == 0 {
			return err
		}
		moved = true
		ids := make([]string, 0, len(waiting))
		for _, p := range waiting {
			l, err := leafOf(p, head.Size)
			if err != nil {
				return err
			}
			if err := tx.InsertLeaf(ctx, l); err != nil {
				return fmt.Errorf("placing entry: %w", err)
			}
			head.Follow(p.At)
			ids = append(ids, p.ID)
		}
		if err := tx.DeletePending(ctx, ids); err != nil {
			return fmt.Errorf("clearing placed entries: %w", err)
		}
		return tx.PutHead(ctx, head)
	})
	return moved, err
}

func leafOf(p postgres.Pending, index int64) (postgres.Leaf, error) {
	entry := trace.Entry{ID: p.ID, Time: p.At, Salt: p.Salt, Body: p.Body}
	leaf, err := entry.Leaf()
	if err != nil {
		return postgres.Leaf{}, fmt.Errorf("making leaf: %w", err)
	}
	body, err := trace.DecodeBody(p.Body)
	if err != nil {
		return postgres.Leaf{}, fmt.Errorf("reading entry: %w", err)
	}
	return postgres.Leaf{
		Index: index, ID: p.ID, At: p.At, Leaf: leaf, Salt: p.Salt, Body: p.Body, Org: p.Org, Owner: p.Owner,
		Act: &body.Act, Decision: &body.Decision, Object: optional(body.Object.Name), Person: optional(body.Actor.Member),
	}, nil
}

// extend appends placed leaves the signed tree does not cover yet.
func (s *Trace) extend(ctx context.Context, log *trace.Sequencer) (bool, error) {
	covered, err := log.Checkpoint(ctx)
	if err != nil {
		return false, fmt.Errorf("reading checkpoint: %w", err)
	}
	leaves, published, err := s.uncovered(ctx, covered)
	if err != nil || len(leaves) == 0 && published {
		return false, err
	}
	if len(leaves) > 0 {
		if covered, err = log.Append(ctx, covered.Size, leaves); err != nil {
			return false, fmt.Errorf("extending log: %w", err)
		}
	}
	return true, s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		head, err := tx.LockHead(ctx)
		if err != nil {
			return fmt.Errorf("locking head: %w", err)
		}
		head.Checkpoint = covered.Note
		return tx.PutHead(ctx, head)
	})
}

// uncovered reads the placed leaves after a checkpoint, and whether that checkpoint is the published one.
func (s *Trace) uncovered(ctx context.Context, covered trace.Checkpoint) (leaves [][]byte, published bool, err error) {
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		head, err := tx.Head(ctx)
		if err != nil {
			return fmt.Errorf("reading head: %w", err)
		}
		published = head.Checkpoint == covered.Note
		rows, err := tx.LeavesFrom(ctx, covered.Size, batch)
		if err != nil {
			return fmt.Errorf("reading placed entries: %w", err)
		}
		for _, l := range rows {
			leaves = append(leaves, l.Leaf)
		}
		return nil
	})
	return leaves, published, err
}

// Prover returns what a release needs of the trace: where an entry stands under the published checkpoint.
func (s *Trace) Prover(ctx context.Context, leafID string) (trace.Checkpoint, trace.Proof, error) {
	var head postgres.Head
	var l postgres.Leaf
	err := s.c.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
		if head, err = tx.Head(ctx); err != nil {
			return fmt.Errorf("reading head: %w", err)
		}
		l, err = tx.LeafByID(ctx, leafID)
		return err
	})
	if err != nil {
		return trace.Checkpoint{}, trace.Proof{}, err
	}
	proof, err := s.prove(ctx, head, l.Index)
	if err != nil {
		return trace.Checkpoint{}, trace.Proof{}, err
	}
	checkpoint, err := trace.ReadCheckpoint(head.Checkpoint)
	return checkpoint, proof, err
}

func leafView(l postgres.Leaf) trace.View {
	return trace.View{Index: l.Index, ID: l.ID, At: l.At.UTC(), Leaf: l.Leaf, Salt: l.Salt, Body: l.Body}
}
