package catalog

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strconv"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Bounds of trying passwords. All of it is the record's: a gateway that starts anew, and one beside it, count on.
const (
	freePerson  = 5                // failures of a claimed name before the next one waits
	freeAddress = 30               // of an address: an office may lie behind it
	firstWait   = 30 * time.Second // doubled by each further failure
	longestWait = time.Hour
	quietTime   = time.Hour        // without a try everything is forgotten
	toldTime    = 15 * time.Minute // of one name, the trace gets one entry in it
)

// trying is what a try is counted under: the name that is claimed, whether anybody has it or not, and the address.
type trying struct {
	person  []byte
	address []byte // nil: none is counted
}

// tryKey stands for a name or an address. It is keyed, so that whoever reads the record learns neither.
func (c *core) tryKey(kind, name string) []byte {
	h := hmac.New(sha256.New, c.PersonKey)
	h.Write([]byte("sluice/signin/" + kind + "/" + name))
	return h.Sum(nil)
}

func (c *core) trying(number, login, from string) trying {
	t := trying{person: c.tryKey("person", number+"/"+login)}
	if from != "" {
		t.address = c.tryKey("address", from)
	}
	return t
}

// countTry counts a try before it is made: of tries at the same time none is free that would not have been one after
// the other. late is set when it comes too early to count at all.
func (d *deed) countTry(t trying) (late *fault.Error, err error) {
	for _, k := range []struct {
		key  []byte
		free int
	}{{t.person, freePerson}, {t.address, freeAddress}} {
		if k.key == nil {
			continue
		}
		row, err := d.tx.LockTry(d.ctx, k.key, d.now)
		if err != nil {
			return nil, fmt.Errorf("counting a try: %w", err)
		}
		if row.WaitsTo != nil && d.now.Before(*row.WaitsTo) {
			late = &fault.Error{Kind: fault.Limited, Code: "signin.wait", After: max(row.WaitsTo.Sub(d.now), afterOf(late))}
			continue
		}
		if err := d.tx.SetTry(d.ctx, counted(row, k.free, d.now)); err != nil {
			return nil, fmt.Errorf("counting a try: %w", err)
		}
	}
	return late, nil
}

func afterOf(late *fault.Error) time.Duration {
	if late == nil {
		return 0
	}
	return late.After
}

// counted is a row with one more failure, and with how long the next try waits.
func counted(row postgres.Try, free int, now time.Time) postgres.Try {
	if now.Sub(row.LastAt) >= quietTime && (row.WaitsTo == nil || now.Sub(*row.WaitsTo) >= quietTime) {
		row.Failures = 0
	}
	row.Failures, row.LastAt, row.WaitsTo = row.Failures+1, now, nil
	if wait := waitAfter(row.Failures, free); wait > 0 {
		until := now.Add(wait)
		row.WaitsTo = &until
	}
	return row
}

// waitAfter is how long the next try waits after so many failures in a row.
func waitAfter(failures, free int) time.Duration {
	if failures < free {
		return 0
	}
	wait := firstWait
	for i := free; i < failures && wait < longestWait; i++ {
		wait *= 2
	}
	return min(wait, longestWait)
}

// forgetTries ends the count of a name whose owner came in. That of their address is only set back by this one try:
// whoever has an account here does not guess others' for free.
func (d *deed) forgetTries(t trying) error {
	row, err := d.tx.LockTry(d.ctx, t.person, d.now)
	if err != nil {
		return fmt.Errorf("forgetting tries: %w", err)
	}
	row.Failures, row.WaitsTo = 0, nil
	if err := d.tx.SetTry(d.ctx, row); err != nil || t.address == nil {
		return err
	}
	if row, err = d.tx.LockTry(d.ctx, t.address, d.now); err != nil {
		return fmt.Errorf("forgetting a try: %w", err)
	}
	row.Failures, row.WaitsTo = max(row.Failures-1, 0), nil
	return d.tx.SetTry(d.ctx, row)
}

// enterTry puts a try that did not count on the trace: of one name once in a while, with how many there were since. The
// entry names the person by a hash, and their organization as whose it is; of a name nobody has it says nothing.
func (d *deed) enterTry(t trying, who postgres.Member, code string) error {
	row, err := d.tx.LockTry(d.ctx, t.person, d.now)
	if err != nil {
		return fmt.Errorf("counting refusals: %w", err)
	}
	if row.ToldAt != nil && d.now.Sub(*row.ToldAt) < toldTime {
		row.Untold++
		return d.tx.SetTry(d.ctx, row)
	}
	d.object, d.detail = policy.Object{Kind: "session", Org: who.Org}, map[string]string{"answer": code}
	if who.ID != "" {
		d.detail["person"] = d.personHash(who.ID)
	}
	if row.Untold > 0 {
		d.detail["untold"] = strconv.FormatInt(row.Untold, 10)
	}
	row.ToldAt, row.Untold = &d.now, 0
	if err := d.tx.SetTry(d.ctx, row); err != nil {
		return err
	}
	return d.knocked()
}
