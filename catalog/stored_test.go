package catalog_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
)

// What a killed process stored and nobody names is deleted once it is old; what the record names never is.
func TestSweepDeletesWhatNobodyNames(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 1, Rows: 1000, Failed: 1})
	named := c.stored()
	if len(named) == 0 {
		t.Fatal("the record names no object: this test shows nothing")
	}
	for _, bucket := range []object.Bucket{object.Data, object.Output} {
		for range 8 { // before, between and after the named ones
			key, err := object.NewDataKey(name.NewID().String(), bytes.Repeat([]byte{1}, object.SecretSize))
			c.must(err)
			_, err = c.store.Put(c.ctx, bucket, key, bytes.NewReader([]byte("left")))
			c.must(err)
		}
	}
	all := c.stored()
	for _, step := range []struct {
		now  time.Time
		want []object.Ref
	}{
		{time.Now().Add(23 * time.Hour), all},
		{time.Now().Add(25 * time.Hour), named},
	} {
		c.at(step.now)
		c.must(c.keeper.Catalog.Stored.Sweep(c.ctx))
		if got := c.stored(); !slices.Equal(got, step.want) {
			t.Fatalf("at %s: %d objects are left, want %d", step.now, len(got), len(step.want))
		}
	}
}

// What an earlier attempt stored is left to the next one, however old it is by then; once the work is settled nobody
// will name it.
func TestSweepSparesWhatWorkMayStillName(t *testing.T) {
	c := newCity(t, plenty())
	j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
	c.must(err)
	c.check()
	for _, p := range []person{c.officer, c.chief} {
		_, err := c.serve.Jobs.Approve(c.ctx, p.Subject, j.Number)
		c.must(err)
	}
	var stays []object.Ref
	sweep := func() []object.Ref {
		c.at(time.Now().Add(25 * time.Hour))
		c.must(c.keeper.Catalog.Stored.Sweep(c.ctx))
		return c.stored()
	}
	ended := func() []object.Ref {
		c.at(time.Now())
		c.must(c.keeper.Catalog.Stored.SweepEnded(c.ctx))
		return c.stored()
	}
	c.sealed(func(_ work.Letter, keys work.Keys) (string, work.Result) {
		c.put(keys, object.Output, []byte("of an attempt that was cut"))
		stays = c.stored()
		if got := ended(); !slices.Equal(got, stays) {
			t.Errorf("%d objects are left at once while the work goes on, want %d", len(got), len(stays))
		}
		if got := sweep(); !slices.Equal(got, stays) {
			t.Errorf("%d objects are left while the work goes on, want %d", len(got), len(stays))
		}
		return "failed", work.Result{Failure: &task.Failure{Class: "cast", Line: 1}}
	})
	if got := ended(); !slices.Equal(got, stays) {
		t.Errorf("%d objects are left while the work is sealed, want %d", len(got), len(stays))
	}
	c.turns()
	if got := ended(); len(got) != len(stays)-1 {
		t.Errorf("%d objects are left once the work is settled, want %d", len(got), len(stays)-1)
	}
	if got := sweep(); len(got) != len(stays)-1 {
		t.Errorf("%d objects are left for ever, want %d", len(got), len(stays)-1)
	}
}

// stored lists everything in the buckets that are swept.
func (c *city) stored() (all []object.Ref) {
	c.t.Helper()
	for _, bucket := range []object.Bucket{object.Intake, object.Data, object.Output} {
		for l, err := range c.objects.List(c.ctx, bucket) {
			c.must(err)
			all = append(all, l.Ref)
		}
	}
	return all
}

// at sets the city's clock.
func (c *city) at(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// refersToWhatIs holds every reference of the record against the store.
func (c *city) refersToWhatIs(t *testing.T) {
	t.Helper()
	there := map[string]bool{}
	for _, ref := range c.stored() {
		there[string(ref.Bucket)+ref.Key+ref.Digest] = true
	}
	c.tx(func(tx *postgres.Tx) error {
		refs, err := tx.References(c.ctx)
		for _, r := range refs {
			if r.Bucket != string(object.Release) && !there[r.Bucket+r.Key+r.Digest] {
				t.Errorf("the record refers to %s/%s/%s, which is not there", r.Bucket, r.Key, r.Digest)
			}
		}
		if len(refs) == 0 {
			t.Error("the record refers to nothing")
		}
		return err
	})
}
