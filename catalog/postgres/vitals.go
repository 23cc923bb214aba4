package postgres

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Observer is told how long every statement took; those sent together count as one.
type Observer struct {
	Now  func() time.Time
	Took func(time.Duration)
}

// OpenObserved is Open with an observer of every statement.
func OpenObserved(ctx context.Context, dsn string, o Observer) (*DB, error) {
	conf, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("reading database address: %w", err)
	}
	conf.ConnConfig.Tracer = o
	pool, err := pgxpool.NewWithConfig(ctx, conf)
	if err != nil {
		return nil, fmt.Errorf("opening database: %w", err)
	}
	db := &DB{pool: pool, dsn: dsn}
	if err := db.Ping(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return db, nil
}

// began is where a statement's start waits for its end.
type began struct{}

// TraceQueryStart implements pgx.QueryTracer.
func (o Observer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, began{}, o.Now())
}

// TraceQueryEnd implements pgx.QueryTracer.
func (o Observer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	if at, ok := ctx.Value(began{}).(time.Time); ok {
		o.Took(o.Now().Sub(at))
	}
}

// TraceBatchStart implements pgx.BatchTracer.
func (o Observer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return context.WithValue(ctx, began{}, o.Now())
}

// TraceBatchQuery implements pgx.BatchTracer.
func (o Observer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (o Observer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchEndData) {
	if at, ok := ctx.Value(began{}).(time.Time); ok {
		o.Took(o.Now().Sub(at))
	}
}

// Ping says whether the server answers this role.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.pool.Ping(ctx); err != nil {
		return fmt.Errorf("connecting to database: %w", err)
	}
	return nil
}

// Schema returns the number of the last migration that was applied, and of the last this program has.
func (t *Tx) Schema(ctx context.Context) (applied, known int64, err error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, 0, fmt.Errorf("listing migrations: %w", err)
	}
	for _, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("numbering migrations: %w", err)
		}
		known = max(known, n)
	}
	applied, err = value[int64](ctx, t, "select max(version_id) from goose_db_version where is_applied")
	return applied, known, err
}

// Depth is how much work of a kind is in a state.
type Depth struct {
	Kind  string
	State string
	Count int64
}

// QueueDepths counts the work that is not done.
func (t *Tx) QueueDepths(ctx context.Context) ([]Depth, error) {
	return many[Depth](ctx, t, `select kind, state, count(*) as count from work
		where state in ('queued', 'claimed', 'sealed') group by kind, state order by kind, state`)
}

// Backlog tells how many trace entries are not yet in the log, and the age of the oldest.
type Backlog struct {
	Count   int64
	Seconds float64
}

// TraceWaiting measures what waits for its place in the trace.
func (t *Tx) TraceWaiting(ctx context.Context) (Backlog, error) {
	return one[Backlog](ctx, t, `select count(*) as count,
		greatest(coalesce(extract(epoch from now() - min(at)), 0), 0)::float8 as seconds from trace_pending`)
}
