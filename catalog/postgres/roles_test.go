package postgres_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
)

// TestRolesMayNot tries what each process's role must not be able to do, whatever SQL its process sends
// (invariants 1, 4 and 9; attack S46).
func TestRolesMayNot(t *testing.T) {
	db := pgtest.New(t)
	tests := []struct{ role, address, statement string }{
		{"worker", db.Worker, "select * from job"},
		{"worker", db.Worker, "select * from work for update"},
		{"worker", db.Worker, "update work set state = 'settled'"},
		{"worker", db.Worker, "update job set state = 'output_quarantined'"},
		{"worker", db.Worker, "insert into output select * from output"},
		{"worker", db.Worker, "select * from data_key"},
		{"worker", db.Worker, "insert into trace_pending select * from trace_pending"},
		{"worker", db.Worker, "select * from queue_share"},
		{"worker", db.Worker, "insert into self_test select * from self_test"},
		{"serve", db.Serve, "update self_test set broken = null"},
		{"worker", db.Worker, "update turn set served_at = null"},
		{"serve", db.Serve, "update turn set served_at = null"},
		{"serve", db.Serve, "delete from spent"},
		{"serve", db.Serve, "update spent set month = '2026-01'"},
		{"serve", db.Serve, "update job set answer = '{}'"},
		{"serve", db.Serve, "update trace_leaf set body = null"},
		{"serve", db.Serve, "delete from trace_leaf"},
		{"serve", db.Serve, "truncate trace_leaf"},
		{"serve", db.Serve, "delete from trace_pending"},
		{"serve", db.Serve, "update trace_pending set body = ''"},
		{"serve", db.Serve, "insert into trace_leaf select * from trace_leaf"},
		{"serve", db.Serve, "update trace_head set size = 0"},
		{"serve", db.Serve, "insert into release select * from release"},
		{"serve", db.Serve, "insert into output select * from output"},
		{"serve", db.Serve, "update vote set seat = 'agency'"},
		{"serve", db.Serve, "delete from vote"},
		{"serve", db.Serve, "update request set follows = null"},
		{"serve", db.Serve, "update request_comment set text = 'x'"},
		{"serve", db.Serve, "delete from request_comment"},
		{"serve", db.Serve, "update work set admitted = true"},
		{"serve", db.Serve, "update work set keys = ''"},
		{"serve", db.Serve, "update dataset_version set manifest = '{}'"},
		{"serve", db.Serve, "update twin set object = '{}'"},
		{"serve", db.Serve, "update twin set rows = 1"},
		{"serve", db.Serve, "update data_key set wrapped = ''"},
		{"serve", db.Serve, "update setting set value = '{}'"},
		{"serve", db.Serve, "select worker_claim('x', decode(repeat('00', 32), 'hex'), interval '1 minute', '{runsc}')"},
		{"keeper", db.Keeper, "delete from trace_leaf"},
		{"keeper", db.Keeper, "update vote set seat = 'agency'"},
		{"keeper", db.Keeper, "insert into vote select * from vote"},
		{"keeper", db.Keeper, "update decision set allow = true"},
		{"keeper", db.Keeper, "update member_key set state = 'admitted'"},
	}
	for _, tt := range tests {
		t.Run(tt.role+" "+tt.statement, func(t *testing.T) {
			conn, err := pgx.Connect(context.Background(), tt.address)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(context.Background()) }()
			_, err = conn.Exec(context.Background(), tt.statement)
			if err == nil || !strings.Contains(err.Error(), "permission denied") {
				t.Fatalf("got %v, want permission denied", err)
			}
		})
	}
}
