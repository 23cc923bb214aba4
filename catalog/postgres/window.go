package postgres

import (
	"context"
	"strconv"
)

// Window is the part of a list that is wanted, newest first. Identifiers are UUIDv7 (RFC 9562 5.7): their order
// is that of time, so a list that grows while it is read neither repeats nor leaves out a row.
type Window struct {
	Before string // only rows older than the one with this id; "" begins with the newest
	Limit  int
	State  string // only rows in this state; "" all
}

// listed reads one window of the rows a query selects. sql is a statement of this package that selects whole
// rows of T; what a caller wrote is only ever a parameter.
func listed[T any](ctx context.Context, t *Tx, w Window, sql string, args ...any) ([]T, error) {
	sql = "select x.* from (" + sql + ") x where true"
	with := func(condition string, value any) {
		args = append(args, value)
		sql += condition + strconv.Itoa(len(args))
	}
	if w.Before != "" {
		with(" and x.id < $", w.Before)
	}
	if w.State != "" {
		with(" and x.state = $", w.State)
	}
	with(" order by x.id desc limit $", w.Limit)
	return many[T](ctx, t, sql, args...)
}
