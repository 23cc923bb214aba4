package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
)

// patience bounds each wait for the keeper.
const patience = time.Minute

// until looks again and again until something is so.
func until(t *testing.T, what string, look func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !look() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// work does the oldest work as a worker does, under its role and account, but for the container: what that would have
// come to is what result says.
func (w *town) work(t *testing.T, kind string, result func(put func(object.Bucket, []byte) object.Ref) work.Result) {
	t.Helper()
	ctx := t.Context()
	queue, store := postgres.NewQueue(pgtest.Open(t, w.DB.Worker)), w.Store.Open(t, object.Worker)
	private, err := keyring.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	claimed, found, err := queue.Claim(ctx, "test", private.Public().Bytes(), time.Hour, []task.Runtime{task.GVisor})
	if err != nil || !found || claimed.Kind != kind {
		t.Fatalf("claimed %+v: %v", claimed, err)
	}
	var standing postgres.Standing
	until(t, "admission", func() bool {
		if standing, err = queue.Append(ctx, claimed, "renew", nil, time.Hour); err != nil {
			t.Fatal(err)
		}
		return standing.Admitted
	})
	keys := openKeys(t, private, claimed, standing)
	put := func(bucket object.Bucket, body []byte) object.Ref {
		key, err := object.NewDataKey(keys.Write.ID, keys.Write.Secret)
		if err != nil {
			t.Fatal(err)
		}
		ref, err := store.Put(ctx, bucket, key, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	body, err := json.Marshal(result(put))
	if err != nil {
		t.Fatal(err)
	}
	if err := queue.Seal(ctx, claimed, "success", body); err != nil {
		t.Fatal(err)
	}
	until(t, "settling", func() bool {
		state := ""
		if err := w.Owner.InTx(ctx, func(tx *postgres.Tx) error {
			row, err := tx.WorkByID(ctx, claimed.ID)
			state = row.State
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return state == "settled"
	})
}

func openKeys(t *testing.T, private keyring.PrivateKey, claimed postgres.Claimed, standing postgres.Standing) (keys work.Keys) {
	t.Helper()
	plain, err := keyring.Open(private, work.SealInfo(claimed.ID, claimed.Fence), standing.Keys)
	if err == nil {
		err = json.Unmarshal(plain, &keys)
	}
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// inspected is what a container would have found in the town's file.
func inspected() task.Inspection {
	column := func(name string, kind task.Type, level int, role task.Role, mask task.Mask, why ...task.Suspicion) task.ColumnOutlook {
		return task.ColumnOutlook{Column: task.Column{Name: name, Type: kind, Level: level, Role: role, Mask: mask}, Distinct: 1, Suspicions: why}
	}
	return task.Inspection{
		Version: 1, Source: task.Source{Form: task.CSV, Encoding: "gb18030"}, Rows: 1,
		Columns: []task.ColumnOutlook{
			column("resident_id", task.Text, 4, task.Identifier, task.MaskDrop, task.Suspicion{Code: "resident_id", Share: 1}),
			column("plan", task.Text, 2, task.Other, task.MaskNone),
			column("visits", task.Integer, 3, task.Sensitive, task.MaskNone, task.Suspicion{Code: "name.health"}),
		},
		Units:   []task.Unit{{Kind: "resident", Column: "resident_id"}},
		Preview: task.PreviewTable{Columns: []string{"resident_id", "plan", "visits"}, Rows: [][]string{{"110101199003070011", "<i>免费</i>\u202e", "3"}}},
	}
}
