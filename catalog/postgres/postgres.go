// Package postgres holds every SQL statement of Sluice: rows as they lie in the tables, and one function a
// statement. It knows no rule; package catalog decides and calls it inside one transaction per act.
//
// Locks are always taken in one order, agreement → grant → dataset → job → spent (datasets' rows by id, then the
// organization's), so that acts cannot deadlock and a release cannot pass a revocation.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sluicedata/sluice/catalog/fault"
)

// ErrNone says that no row answers. Callers turn it into fault.Unknown.
var ErrNone = pgx.ErrNoRows

// DB is a pool of connections under one role. It is safe for concurrent use.
type DB struct {
	pool *pgxpool.Pool
	dsn  string
}

// Open connects and checks that the server answers.
func Open(ctx context.Context, dsn string) (*DB, error) {
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("reading database address: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connecting to database: %w", err)
	}
	return &DB{pool: pool, dsn: dsn}, nil
}

// Close releases every connection.
func (db *DB) Close() { db.pool.Close() }

// Tx is one transaction. It is not safe for concurrent use.
type Tx struct{ tx pgx.Tx }

// InTx runs do in one transaction under READ COMMITTED and commits when it returns nil. When the database is away,
// or went away in the middle, the error is fault.Unavailable: nothing was done, or it is not known whether a commit
// arrived; a caller with an idempotency key asks again.
func (db *DB) InTx(ctx context.Context, do func(*Tx) error) error {
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error { return do(&Tx{tx}) })
	if ctx.Err() == nil && away(err) {
		return &fault.Error{Kind: fault.Unavailable, Code: "record.unavailable", Cause: err}
	}
	return err
}

// away tells whether an error says that the database cannot be reached, starts, stops, or has no connection left
// (PostgreSQL manual, appendix A: classes 08 and 57P, and 53300).
func away(err error) bool {
	var connect *pgconn.ConnectError
	var told *pgconn.PgError
	var network net.Error
	if errors.As(err, &told) {
		return strings.HasPrefix(told.Code, "08") || strings.HasPrefix(told.Code, "57P") || told.Code == "53300"
	}
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || pgconn.SafeToRetry(err)
}

// Listen calls woke once it hears a channel, for what was said before, and after each notification, until ctx
// ends. A lost connection is opened again by the caller: Listen returns the error.
func (db *DB) Listen(ctx context.Context, channel string, woke func()) error {
	conn, err := pgx.Connect(ctx, db.dsn)
	if err != nil {
		return fmt.Errorf("connecting to listen: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "listen "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	for {
		woke()
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return fmt.Errorf("waiting for a notification: %w", err)
		}
	}
}

// Notify wakes the listeners of a channel when the transaction commits.
func (t *Tx) Notify(ctx context.Context, channel, what string) error {
	return t.exec(ctx, "select pg_notify($1, $2)", channel, what)
}

// IsUnique tells whether err is a broken unique constraint of that name.
func IsUnique(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505" && pg.ConstraintName == constraint
}

// IsCheck tells whether err is a broken check constraint of that name.
func IsCheck(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23514" && pg.ConstraintName == constraint
}

// exec runs a statement that returns nothing.
func (t *Tx) exec(ctx context.Context, sql string, args ...any) error {
	_, err := t.tx.Exec(ctx, sql, args...)
	return err
}

// touch runs a statement that must change exactly one row; ErrNone otherwise.
func (t *Tx) touch(ctx context.Context, sql string, args ...any) error {
	tag, err := t.tx.Exec(ctx, sql, args...)
	if err == nil && tag.RowsAffected() != 1 {
		return ErrNone
	}
	return err
}

// one reads exactly one row by column name.
func one[T any](ctx context.Context, t *Tx, sql string, args ...any) (T, error) {
	rows, err := t.tx.Query(ctx, sql, args...)
	if err != nil {
		var zero T
		return zero, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
}

// many reads all rows by column name.
func many[T any](ctx context.Context, t *Tx, sql string, args ...any) ([]T, error) {
	rows, err := t.tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[T])
}

// value reads one column of one row.
func value[T any](ctx context.Context, t *Tx, sql string, args ...any) (T, error) {
	rows, err := t.tx.Query(ctx, sql, args...)
	if err != nil {
		var zero T
		return zero, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
}

// values reads one column of all rows.
func values[T any](ctx context.Context, t *Tx, sql string, args ...any) ([]T, error) {
	rows, err := t.tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}

// NextNumber counts up a kind's number in a year.
func (t *Tx) NextNumber(ctx context.Context, kind string, year int) (int64, error) {
	return value[int64](ctx, t, `insert into counter (kind, year, last) values ($1, $2, 1)
		on conflict (kind, year) do update set last = counter.last + 1 returning last`, kind, year)
}

// Setting reads a public fact of the instance into v.
func (t *Tx) Setting(ctx context.Context, name string) ([]byte, error) {
	return value[[]byte](ctx, t, "select value from setting where name = $1", name)
}

// PutSetting writes a public fact of the instance, as JSON.
func (t *Tx) PutSetting(ctx context.Context, name string, value []byte) error {
	return t.exec(ctx, `insert into setting (name, value) values ($1, $2)
		on conflict (name) do update set value = excluded.value`, name, value)
}
