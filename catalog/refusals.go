package catalog

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// maxRefusals is how many refusals at the door a minute are traced one by one. Past it they are counted, and the
// next minute's first entry says how many: strangers can knock as often as they like without filling the trace.
const maxRefusals = 60

// Refused traces that a proof of identity was refused. code says coarsely why; who knocked nobody knows, so the
// entry names nobody, and nothing the stranger sent.
func (s *Sessions) Refused(ctx context.Context, code string) error {
	d := s.c.newDeed(ctx, policy.Subject{}, "session.open")
	d.object, d.detail["answer"] = policy.Object{Kind: "session"}, code
	return s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		d.tx = tx
		return d.knocked()
	})
}

// knocked counts a refusal at the door, and enters it unless there were too many this minute.
func (d *deed) knocked() error {
	minute := d.now.UTC().Truncate(time.Minute)
	times, err := d.tx.CountRefusal(d.ctx, minute)
	if err != nil {
		return fmt.Errorf("counting refusals: %w", err)
	}
	if times > maxRefusals {
		return nil
	}
	if times == 1 {
		if err := d.untraced(minute); err != nil {
			return err
		}
	}
	return d.enter("deny")
}

// untraced says in the entry how many refusals of earlier minutes were only counted.
func (d *deed) untraced(minute time.Time) error {
	missed, err := d.tx.SweepRefusals(d.ctx, minute, maxRefusals)
	if err != nil {
		return fmt.Errorf("counting refusals: %w", err)
	}
	if missed > 0 {
		d.detail["untraced"] = strconv.FormatInt(missed, 10)
	}
	return nil
}
