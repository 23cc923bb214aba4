package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/policy"
)

// Recall takes a product back: from now on nobody gets it here, and the keeper tells everybody who has it. Who:
// approver of the agency.
func (s *Releases) Recall(ctx context.Context, caller policy.Subject, number string, spec release.RecallSpec) (view release.View, err error) {
	if err := spec.Validate(); err != nil {
		return view, err
	}
	err = s.c.change(ctx, caller, "release.recall", &view, func(d *deed) error {
		l, row, err := d.release(number)
		if err != nil {
			return err
		}
		if err := d.seen(d.releaseView(l, row)); err != nil {
			return err
		}
		if err := d.recall(l, spec.Reason); err != nil {
			return err
		}
		view, err = d.releaseView(l, row)
		return err
	})
	return view, err
}

func (d *deed) recall(l postgres.Release, why release.Reason) error {
	now, err := d.releaseState(l)
	if err != nil {
		return err
	}
	if _, err := release.Flow().Check(now, "recall"); err != nil {
		return err
	}
	d.refs["product"], d.detail["reason"] = l.Digest, string(why)
	err = d.tx.InsertRecall(d.ctx, postgres.Recall{Release: l.ID, Reason: string(why), AskedBy: d.caller.Member, AskedAt: d.now})
	if postgres.IsUnique(err, "recall_pkey") {
		_, err = release.Flow().Check(release.Recalled, "recall") // another one was first
	}
	if err != nil {
		return err
	}
	d.tx.Notify("keeper", "recall")
	return nil
}

// releaseState is the state a release is in for everyone: a recall counts from the moment it is asked for, not
// from when the keeper has signed it.
func (d *deed) releaseState(l postgres.Release) (flow.State, error) {
	_, err := d.tx.RecallOf(d.ctx, l.ID)
	switch {
	case absent(err):
		return flow.State(l.State), nil
	case err != nil:
		return flow.None, fmt.Errorf("reading recall: %w", err)
	default:
		return release.Recalled, nil
	}
}

// obtainable refuses a product that has not left yet or was taken back.
func (d *deed) obtainable(l postgres.Release) error {
	now, err := d.releaseState(l)
	switch {
	case err != nil:
		return err
	case now == release.Recalled:
		return fault.New(fault.Conflict, "release.recalled")
	case now != release.Released:
		return fault.New(fault.Conflict, "release.not_released")
	}
	return nil
}

// SignRecall signs the statement of one recall. It returns false when none waits.
func (s *Releases) SignRecall(ctx context.Context, signer Signer) (bool, error) {
	err := s.c.act(ctx, Keeper(), "work.settle", func(d *deed) error {
		r, err := d.tx.UnsignedRecall(ctx)
		if absent(err) {
			return errNothing
		}
		if err != nil {
			return fmt.Errorf("looking for a recall: %w", err)
		}
		return d.signRecall(r, signer)
	})
	if errors.Is(err, errNothing) {
		return false, nil
	}
	return err == nil, err
}

func (d *deed) signRecall(r postgres.Recall, signer Signer) error {
	l, err := d.tx.ReleaseByID(d.ctx, r.Release)
	if err != nil {
		return err
	}
	row, err := d.jobOfOutput(l.Output)
	if err != nil {
		return err
	}
	if err := d.decide(policy.Object{Kind: "release", ID: l.ID, Org: row.Org}, l.Number, policy.Facts{}); err != nil {
		return err
	}
	statement, err := release.Recall{
		Release: name.Number(l.Number), Product: name.Digest(l.Digest), Reason: release.Reason(r.Reason),
		Recalled: r.AskedAt, Issued: d.now,
	}.Sign(signer.KeyID, signer.Key)
	if err != nil {
		return err
	}
	body, err := json.Marshal(statement)
	if err != nil {
		return fmt.Errorf("encoding recall: %w", err)
	}
	d.refs["product"], d.detail["recall"] = l.Digest, r.Reason
	return d.tx.SignRecall(d.ctx, l.ID, body)
}

// Recalls lists the signed statements of every recall, oldest first. They are public: whoever has a product must be
// able to learn that it was taken back.
func (s *Releases) Recalls(ctx context.Context) ([]envelope.Envelope, error) {
	var rows []json.RawMessage
	err := s.c.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
		rows, err = tx.Statements(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing recalls: %w", err)
	}
	return each(rows, func(row json.RawMessage) (e envelope.Envelope, err error) {
		if err := json.Unmarshal(row, &e); err != nil {
			return e, fmt.Errorf("reading recall: %w", err)
		}
		return e, nil
	})
}
