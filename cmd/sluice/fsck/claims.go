package fsck

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
)

// claims asks of every object a worker has put whether the record gave the claim it names: whoever puts under another
// was never let in. What was restored from a backup names none.
func claims(ctx context.Context, s Source, r *Result) error {
	for _, bucket := range []object.Bucket{object.Data, object.Output} {
		for ref, err := range s.Lists[bucket].List(ctx, bucket) {
			if err == nil {
				err = s.claimed(ctx, bucket, ref.Ref, r)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// claimed looks at one object. One that was swept meanwhile is nobody's.
func (s Source) claimed(ctx context.Context, bucket object.Bucket, ref object.Ref, r *Result) error {
	by, known, err := s.Readers[bucket].MadeBy(ctx, ref)
	if errors.Is(err, object.ErrAbsent) || err == nil && !known {
		return nil
	}
	if err != nil {
		return err
	}
	r.Looked++
	given := false
	err = s.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
		given, err = tx.Gave(ctx, by.Work, by.Fence)
		return err
	})
	if err != nil {
		return fmt.Errorf("looking for an object's claim: %w", err)
	}
	if !given {
		r.add(place(ref), "claim.unknown")
	}
	return nil
}
