package catalog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Stored are the objects in the store, whatever the record says of them.
type Stored struct{ c *core }

// orphanAge is how old an object is that no work under way can still be about to name: far older than the longest
// work, and than the repetition of a call that was cut.
const orphanAge = 24 * time.Hour

// mostOrphans is how many objects one sweep deletes in a bucket: the next one goes on.
const mostOrphans = 1000

// Sweep deletes objects nobody names: what a process stored before it was killed, chunks of uploads that ended. It
// leaves the delivery area and the trace alone: nothing there is ever deleted. Memory does not grow with the store.
func (s *Stored) Sweep(ctx context.Context) error {
	for _, bucket := range []object.Bucket{object.Intake, object.Data, object.Output} {
		orphans, err := Unnamed(ctx, s.c.DB, s.c.Store, bucket, s.c.Now().Add(-orphanAge))
		if err != nil {
			return fmt.Errorf("looking for orphans in %s: %w", bucket, err)
		}
		if len(orphans) == 0 {
			continue
		}
		if err := s.drop(ctx, bucket, orphans); err != nil {
			return fmt.Errorf("deleting orphans in %s: %w", bucket, err)
		}
	}
	return nil
}

// How long after its end work is looked at for what it left: lately is for all of it, and more than the time between
// two looks; where an attempt was cut, it may go on and write until it learns that it lost its claim.
const (
	lately  = 10 * time.Minute
	earlier = time.Hour
)

// mostEnded is how many keys one look takes.
const mostEnded = 1000

// SweepEnded deletes what work that has ended left under its keys, at once. Nobody can come to need it meanwhile: who
// writes under a key gets it from the keeper, which does one thing after the other. There must be no other keeper.
func (s *Stored) SweepEnded(ctx context.Context) error {
	var keys []postgres.EndedKey
	now := s.c.Now()
	err := s.c.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
		keys, err = tx.EndedKeys(ctx, now.Add(-lately), now.Add(-earlier), mostEnded)
		return err
	})
	if err != nil {
		return fmt.Errorf("looking for ended work: %w", err)
	}
	for _, key := range keys {
		for _, bucket := range []object.Bucket{object.Intake, object.Data, object.Output} {
			left, err := s.leftBy(ctx, bucket, key)
			if err == nil && len(left) > 0 {
				err = s.drop(ctx, bucket, left)
			}
			if err != nil {
				return fmt.Errorf("deleting what ended work left in %s: %w", bucket, err)
			}
		}
	}
	return nil
}

// leftBy lists what lies in a bucket under a key and is not named by whom it was written for.
func (s *Stored) leftBy(ctx context.Context, bucket object.Bucket, of postgres.EndedKey) (left []object.Ref, err error) {
	for l, err := range s.c.Store.ListUnder(ctx, bucket, of.Key) {
		if err != nil {
			return nil, err
		}
		left = append(left, l.Ref)
	}
	if len(left) == 0 {
		return nil, nil
	}
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		named, err := tx.NamedBy(ctx, string(bucket), of)
		left = slices.DeleteFunc(left, func(r object.Ref) bool { return slices.Contains(named, r.Digest) })
		return err
	})
	return left, err
}

// errEnough ends a search that has found as many as one sweep deletes.
var errEnough = errors.New("enough")

// Unnamed lists what a bucket has held since before a moment and no record names, at most a thousand of it; work under
// way may still come to. It walks the store's list and the record's side by side, both in the same order.
func Unnamed(ctx context.Context, db *postgres.DB, store *object.Store, bucket object.Bucket, before time.Time) ([]object.Ref, error) {
	var found []object.Ref
	err := db.InTx(ctx, func(tx *postgres.Tx) error {
		next, stop := iter.Pull2(store.List(ctx, bucket))
		defer stop()
		w := walk{next: next, before: before}
		err := w.step()
		if err == nil {
			err = tx.EachNamed(ctx, string(bucket), w.upTo)
		}
		if err == nil {
			err = w.rest()
		}
		found = w.found
		return err
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}

// walk goes along a bucket's list.
type walk struct {
	next   func() (object.Listed, error, bool)
	at     object.Listed
	ended  bool
	before time.Time
	found  []object.Ref
}

// upTo passes everything in the store before what the record names next, and that.
func (w *walk) upTo(n postgres.Named) error {
	for !w.ended {
		order := slices.Compare([]string{w.at.Key, w.at.Digest}, []string{n.Key, n.Digest})
		if order > 0 {
			return nil
		}
		if order < 0 {
			if err := w.keep(); err != nil {
				return err
			}
		}
		if err := w.step(); err != nil {
			return err
		}
	}
	return nil
}

// rest passes everything after the last one the record names.
func (w *walk) rest() error {
	for !w.ended {
		if err := errors.Join(w.keep(), w.step()); err != nil {
			return err
		}
	}
	return nil
}

// step goes to the next object.
func (w *walk) step() error {
	at, err, more := w.next()
	w.at, w.ended = at, !more
	return err
}

// keep takes the object the walk is at for an orphan, if it is old enough.
func (w *walk) keep() error {
	if w.at.Since.Before(w.before) {
		w.found = append(w.found, w.at.Ref)
	}
	if len(w.found) == mostOrphans {
		return errEnough
	}
	return nil
}

// drop deletes orphans, and puts on the trace how many. Each is looked at once more: a record may have come to name
// it since, or work that goes on may.
func (s *Stored) drop(ctx context.Context, bucket object.Bucket, orphans []object.Ref) error {
	return s.c.act(ctx, Keeper(), "platform.sweep", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "store"}, string(bucket), policy.Facts{}); err != nil {
			return err
		}
		dropped := 0
		for _, ref := range orphans {
			needed, err := d.tx.Needs(ctx, string(bucket), postgres.Named{Key: ref.Key, Digest: ref.Digest})
			if err != nil {
				return fmt.Errorf("looking at an orphan again: %w", err)
			}
			if needed {
				continue
			}
			if err := s.c.Store.Delete(ctx, ref); err != nil {
				return err
			}
			dropped++
		}
		d.detail["objects"] = fmt.Sprint(dropped)
		return nil
	})
}
