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
	"slices"
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

// told says of an error that the database is away, where it is so. A caller who has gone is not told.
func told(ctx context.Context, err error) error {
	if err != nil && ctx.Err() == nil && away(err) {
		return &fault.Error{Kind: fault.Unavailable, Code: "record.unavailable", Cause: err}
	}
	return err
}

// away tells whether an error says that the database cannot be reached, starts, stops, has no connection, memory or disk
// left, or that the machine under it fails (PostgreSQL manual, appendix A: classes 08, 57P, 53 and 58).
func away(err error) bool {
	var connect *pgconn.ConnectError
	var answer *pgconn.PgError
	var network net.Error
	if errors.As(err, &answer) {
		return slices.ContainsFunc([]string{"08", "57P", "53", "58"}, func(class string) bool { return strings.HasPrefix(answer.Code, class) })
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

// IsUnique tells whether err is a broken unique constraint of that name.
func IsUnique(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505" && pg.ConstraintName == constraint
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
