package postgres_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
)

// TestWhatIsSentCounts: a statement nobody waits for is seen by the next one, commits with the transaction, and
// fails it; the connection goes on afterwards.
func TestWhatIsSentCounts(t *testing.T) {
	db := pgtest.Open(t, pgtest.New(t).Owner)
	ctx := context.Background()
	entry := postgres.Pending{ID: name.NewID().String(), At: time.Now(), Salt: make([]byte, 32), Body: []byte(`{}`)}
	pending := func(tx *postgres.Tx) int {
		t.Helper()
		batch, err := tx.PendingBatch(ctx, 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(batch)
	}
	err := db.InTx(ctx, func(tx *postgres.Tx) error {
		tx.SendEntry(entry, nil)
		if n := pending(tx); n != 1 {
			t.Errorf("sent one entry, the transaction sees %d", n)
		}
		return errors.New("changed my mind")
	})
	if err == nil || err.Error() != "changed my mind" {
		t.Errorf("got %v", err)
	}
	for attempt, want := range []string{"", "writing trace entry: "} {
		err = db.InTx(ctx, func(tx *postgres.Tx) error {
			if n := pending(tx); n != attempt {
				t.Errorf("attempt %d finds %d entries", attempt, n)
			}
			tx.Notify("job", "J-1")
			tx.SendEntry(entry, nil)
			return tx.PutSetting(ctx, "attempt", []byte(`1`))
		})
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("attempt %d: got %v", attempt, err)
		}
	}
	if err == nil || !postgres.IsUnique(err, "trace_pending_pkey") {
		t.Errorf("the second entry of an id: got %v", err)
	}
}

// TestTransactionsEnd: a failed statement that do keeps quiet about commits nothing; one that asks nothing is no
// transaction; what a snapshot reads stays.
func TestTransactionsEnd(t *testing.T) {
	db := pgtest.Open(t, pgtest.New(t).Owner)
	ctx := context.Background()
	err := db.InTx(ctx, func(tx *postgres.Tx) error {
		if err := tx.PutSetting(ctx, "kept", []byte(`1`)); err != nil {
			return err
		}
		if err := tx.PutSetting(ctx, "broken", []byte(`{`)); err == nil {
			t.Error("kept what is no JSON")
		}
		return nil
	})
	if err == nil {
		t.Error("committed over a failed statement")
	}
	if err := db.InTx(ctx, func(*postgres.Tx) error { return nil }); err != nil {
		t.Errorf("asking nothing: %v", err)
	}
	read := func(tx *postgres.Tx) error {
		_, err := tx.Setting(ctx, "kept")
		return err
	}
	if err := db.Alone(ctx, read); !errors.Is(err, postgres.ErrNone) {
		t.Errorf("after a rollback: got %v", err)
	}
	err = db.InSnapshot(ctx, func(tx *postgres.Tx, _ string) error {
		put := func(tx *postgres.Tx) error { return tx.PutSetting(ctx, "kept", []byte(`1`)) }
		if err := db.InTx(ctx, put); err != nil {
			return err
		}
		if err := read(tx); !errors.Is(err, postgres.ErrNone) {
			t.Errorf("the snapshot moved: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := db.Alone(ctx, read); err != nil {
		t.Error(err)
	}
}

// TestObserverCountsTrips: statements that travel together are one trip.
func TestObserverCountsTrips(t *testing.T) {
	ctx := context.Background()
	var trips []time.Duration
	db, err := postgres.OpenObserved(ctx, pgtest.New(t).Owner, postgres.Observer{Now: time.Now, Took: func(d time.Duration) { trips = append(trips, d) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	trips = nil
	err = db.InTx(ctx, func(tx *postgres.Tx) error { // begin and insert; insert; notify and commit
		for _, key := range []string{"first", "second"} {
			if err := tx.PutSetting(ctx, key, []byte(`1`)); err != nil {
				return err
			}
		}
		tx.Notify("keeper", "trace")
		return nil
	})
	if err != nil || len(trips) != 3 || slices.Min(trips) <= 0 {
		t.Errorf("took %v, %v", trips, err)
	}
}
