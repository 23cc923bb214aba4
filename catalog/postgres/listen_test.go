package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
)

// TestListenersLookOnceTheyHear: what is said between somebody's last look and the moment they hear the channel is
// not lost: they are told to look again.
func TestListenersLookOnceTheyHear(t *testing.T) {
	db := pgtest.Open(t, pgtest.New(t).Owner)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	woke, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- db.Listen(ctx, "job", func() { woke <- struct{}{} }) }()
	hear := func() {
		t.Helper()
		select {
		case <-woke:
		case err := <-ended:
			t.Fatalf("listening ended: %v", err)
		case <-t.Context().Done():
		}
	}
	hear() // nothing was said yet
	if err := db.InTx(ctx, func(tx *postgres.Tx) error {
		tx.Notify("job", "J-1")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	hear()
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
