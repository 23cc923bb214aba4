package postgres_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
)

// TestAwayIsUnavailable: a database that ends a connection in the middle, is not to be reached, or has no room, is a
// part that is away; a wrong statement, an absent row and a caller who has gone are not.
func TestAwayIsUnavailable(t *testing.T) {
	dsn := pgtest.New(t).Owner
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	door := filepath.Join(t.TempDir(), "door") // to the server's socket, to be closed
	if err := os.Symlink(config.Host, door); err != nil {
		t.Fatal(err)
	}
	db := pgtest.Open(t, strings.ReplaceAll(dsn, config.Host, door))
	kick := func() {
		pgtest.Exec(t, dsn, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
	}
	notify := func(tx *postgres.Tx) error { tx.Notify("job", "J-1"); return nil }
	// What a full disk makes the server say, said by a trigger.
	pgtest.Exec(t, dsn, `create function full_disk() returns trigger language plpgsql as $$
		begin raise exception 'no space left' using errcode = 'disk_full'; end $$;
		create trigger full_disk before insert on setting for each row when (new.name = 'full') execute function full_disk()`)
	gone, leave := context.WithCancel(t.Context())
	leave()
	for name, tt := range map[string]struct {
		err  error
		want fault.Kind
	}{
		"ended in the middle": {db.InTx(t.Context(), func(tx *postgres.Tx) error { kick(); return notify(tx) }), fault.Unavailable},
		"no room": {db.InTx(t.Context(), func(tx *postgres.Tx) error {
			return tx.PutSetting(t.Context(), "full", []byte("{}"))
		}), fault.Unavailable},
		"a wrong statement": {db.InTx(t.Context(), func(tx *postgres.Tx) error {
			return tx.PutSetting(t.Context(), "queue", []byte("no JSON"))
		}), fault.Internal},
		"who has gone": {db.InTx(gone, func(*postgres.Tx) error { return nil }), fault.Internal},
	} {
		if got := fault.Of(tt.err); tt.err == nil || got != tt.want {
			t.Errorf("%s: %v is %s", name, tt.err, got)
		}
	}
	if err := os.Remove(door); err != nil {
		t.Fatal(err)
	}
	kick() // the pool has no connection after it
	if err := db.InTx(t.Context(), notify); fault.Of(err) != fault.Unavailable {
		t.Errorf("not to be reached: %v", err)
	}
}
