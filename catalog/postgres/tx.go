package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Tx is one transaction. It is not safe for concurrent use.
//
// A trip to the server costs more than most statements do there. So a statement whose answer nobody waits for,
// the begin among them, travels ahead of the next one whose answer counts: at the latest with the commit, which
// the server does not reach when one before it failed.
type Tx struct {
	conn  *pgx.Conn
	ahead []statement
	opens int // how many of them opened it
}

// statement waits for its trip.
type statement struct {
	doing  string // for its error; "" says nothing
	sql    string
	args   []any
	answer func(pgx.BatchResults) error // nil: nobody looks at it
}

// InTx runs do in one transaction under READ COMMITTED and commits when it returns nil. What do only sent fails
// the commit. When the database is away, or went away in the middle, the error is fault.Unavailable: nothing was
// done, or it is not known whether a commit arrived; a caller with an idempotency key asks again.
func (db *DB) InTx(ctx context.Context, do func(*Tx) error) error {
	return told(ctx, db.inTx(ctx, "begin", do))
}

// Alone runs do outside of any transaction: for one statement that reads, which sees one moment by itself. Errors:
// as InTx.
func (db *DB) Alone(ctx context.Context, do func(*Tx) error) error {
	return told(ctx, db.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error { return do(open(ctx, conn, "")) }))
}

// inTx begins as it is told. A connection on which a transaction is still open, after a panic too, is not used
// again: the pool sees to it.
func (db *DB) inTx(ctx context.Context, begin string, do func(*Tx) error) error {
	return db.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		t := open(ctx, conn, begin)
		err := do(t)
		if err == nil {
			err = t.commit(ctx)
		}
		if err != nil && t.conn.PgConn().TxStatus() != idle {
			_, _ = t.conn.Exec(ctx, "rollback") // or the pool throws the connection away
		}
		return err
	})
}

func open(ctx context.Context, conn *pgxpool.Conn, begin string) *Tx {
	ahead := opening(ctx, begin)
	return &Tx{conn: conn.Conn(), ahead: ahead, opens: len(ahead)}
}

// idle is a connection's status outside of a transaction (PostgreSQL protocol, ReadyForQuery).
const idle = 'I'

// commit ends a transaction. One that has not begun yet, and would change nothing, does not.
func (t *Tx) commit(ctx context.Context) error {
	if len(t.ahead) == t.opens && t.conn.PgConn().TxStatus() == idle {
		return nil
	}
	tag, err := t.run(ctx, "commit")
	if err == nil && tag.String() != "COMMIT" {
		return pgx.ErrTxCommitRollback
	}
	return err
}

// Notify wakes the listeners of a channel when the transaction commits.
func (t *Tx) Notify(channel, what string) {
	t.send("notifying", "select pg_notify($1, $2)", channel, what)
}

// send has a statement travel with the next one whose answer counts. Its error is that one's.
func (t *Tx) send(doing, sql string, args ...any) {
	t.ahead = append(t.ahead, statement{doing: doing, sql: sql, args: args})
}

// together runs a statement after those that were sent ahead, in one trip.
func (t *Tx) together(ctx context.Context, sql string, args []any, answer func(pgx.BatchResults) error) (err error) {
	ahead := t.ahead
	t.ahead = nil
	batch := &pgx.Batch{}
	for _, s := range ahead {
		batch.Queue(s.sql, s.args...)
	}
	batch.Queue(sql, args...)
	results := t.conn.SendBatch(ctx, batch)
	defer func() {
		if ended := results.Close(); err == nil {
			err = ended
		}
	}()
	for _, s := range ahead {
		if err := s.end(results); err != nil {
			return s.failed(err)
		}
	}
	return answer(results)
}

// end takes what a statement that was sent ahead answers.
func (s statement) end(results pgx.BatchResults) error {
	if s.answer != nil {
		return s.answer(results)
	}
	_, err := results.Exec()
	return err
}

func (s statement) failed(err error) error {
	if s.doing == "" {
		return err
	}
	return fmt.Errorf("%s: %w", s.doing, err)
}

// run runs a statement that returns nothing.
func (t *Tx) run(ctx context.Context, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	if len(t.ahead) == 0 {
		return t.conn.Exec(ctx, sql, args...)
	}
	err = t.together(ctx, sql, args, func(r pgx.BatchResults) (err error) {
		tag, err = r.Exec()
		return err
	})
	return tag, err
}

func (t *Tx) exec(ctx context.Context, sql string, args ...any) error {
	_, err := t.run(ctx, sql, args...)
	return err
}

// touch runs a statement that must change exactly one row; ErrNone otherwise.
func (t *Tx) touch(ctx context.Context, sql string, args ...any) error {
	tag, err := t.run(ctx, sql, args...)
	if err == nil && tag.RowsAffected() != 1 {
		return ErrNone
	}
	return err
}

// query runs a statement and reads its rows.
func query[T any](ctx context.Context, t *Tx, sql string, args []any, read func(pgx.Rows) (T, error)) (out T, err error) {
	take := func(rows pgx.Rows, err error) error {
		if err == nil {
			out, err = read(rows)
		}
		return err
	}
	if len(t.ahead) == 0 {
		err = take(t.conn.Query(ctx, sql, args...))
	} else {
		err = t.together(ctx, sql, args, func(r pgx.BatchResults) error { return take(r.Query()) })
	}
	return out, err
}

// one reads exactly one row by column name.
func one[T any](ctx context.Context, t *Tx, sql string, args ...any) (T, error) {
	return query(ctx, t, sql, args, func(r pgx.Rows) (T, error) { return pgx.CollectExactlyOneRow(r, pgx.RowToStructByName[T]) })
}

// many reads all rows by column name.
func many[T any](ctx context.Context, t *Tx, sql string, args ...any) ([]T, error) {
	return query(ctx, t, sql, args, func(r pgx.Rows) ([]T, error) { return pgx.CollectRows(r, pgx.RowToStructByName[T]) })
}

// value reads one column of one row.
func value[T any](ctx context.Context, t *Tx, sql string, args ...any) (T, error) {
	return query(ctx, t, sql, args, func(r pgx.Rows) (T, error) { return pgx.CollectExactlyOneRow(r, pgx.RowTo[T]) })
}

// values reads one column of all rows.
func values[T any](ctx context.Context, t *Tx, sql string, args ...any) ([]T, error) {
	return query(ctx, t, sql, args, func(r pgx.Rows) ([]T, error) { return pgx.CollectRows(r, pgx.RowTo[T]) })
}

// each reads row after row into the same places and calls do after each; memory does not grow with the answer.
func each(ctx context.Context, t *Tx, sql string, into []any, do func() error, args ...any) error {
	_, err := query(ctx, t, sql, args, func(r pgx.Rows) (pgconn.CommandTag, error) { return pgx.ForEachRow(r, into, do) })
	return err
}
