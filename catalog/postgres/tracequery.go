package postgres

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// TraceFilter selects entries. Empty members do not filter.
type TraceFilter struct {
	Part     string // an organization's part: its own acts and acts on its objects
	Org      string // the actor's organization
	Person   string // trace.PersonHash of who acted
	Act      string
	Decision string
	Object   string
	Since    *time.Time // entries of this moment and later
	Until    *time.Time // entries before this moment
	Before   int64      // indexes below; 0: newest
	Limit    int
}

// QueryTrace lists entries, newest first. It reads along an index in the order of the log, from where the entries asked
// for can begin and until the limit is full, so what is rare or long ago costs no more than what is new.
func (t *Tx) QueryTrace(ctx context.Context, f TraceFilter) ([]Leaf, error) {
	sql, args := f.statement()
	return many[Leaf](ctx, t, sql, args...)
}

// traceQuery gathers a statement: its text is of this package, and what a caller wrote is a parameter.
type traceQuery struct {
	where string
	held  bool // a column has one value in all entries asked for
	args  []any
}

// statement reads the two halves of an organization's part apart. Of one organization's acts there is one half only.
func (f TraceFilter) statement() (string, []any) {
	var q traceQuery
	q.narrow(f)
	limit := " limit " + q.arg(f.Limit)
	if f.Part == "" || f.Part == f.Org {
		return q.read("") + limit, q.args
	}
	q.held = true
	part := q.arg(f.Part)
	acts, objects := q.read(" and org = "+part)+limit, q.read(" and owner = "+part)+limit
	if f.Org != "" {
		return objects, q.args
	}
	return "select * from ((" + acts + ") union (" + objects + ")) part order by index desc" + limit, q.args
}

// The places that entries of a span of time can have: no entry is older than one before it by more than the lag.
const (
	fromThen = ` and at >= $ and index > coalesce((select b.index from trace_leaf b
		where b.at < $::timestamptz - (select lag from trace_head) order by b.at desc limit 1), -1)`
	toThen = ` and at < $ and index < coalesce((select b.index from trace_leaf b
		where b.at >= $::timestamptz + (select lag from trace_head) order by b.at limit 1), 9223372036854775807)`
)

func (q *traceQuery) narrow(f TraceFilter) {
	for _, h := range []struct{ column, value string }{{"person", f.Person}, {"org", f.Org}, {"act", f.Act}, {"object", f.Object}} {
		if h.value != "" {
			q.held = true
			q.where += " and " + h.column + " = " + q.arg(h.value)
		}
	}
	if f.Decision == "deny" {
		q.where += " and decision = 'deny'" // spelt out, as the index of refusals has it
	} else if f.Decision != "" {
		q.where += " and decision = " + q.arg(f.Decision)
	}
	if f.Since != nil {
		q.where += strings.ReplaceAll(fromThen, "$", q.arg(*f.Since))
	}
	if f.Until != nil {
		q.where += strings.ReplaceAll(toThen, "$", q.arg(*f.Until))
	}
	if f.Before != 0 {
		q.where += " and index < " + q.arg(f.Before)
	}
}

// read goes along the index of a column that is held. They alone have their nulls last: from how often a value is there
// the server would take it to be near the end of the log, and read all of that for somebody who once did much.
func (q *traceQuery) read(part string) string {
	order := " order by index desc"
	if q.held {
		order += " nulls last"
	}
	return "select * from trace_leaf where true" + part + q.where + order
}

func (q *traceQuery) arg(value any) string {
	q.args = append(q.args, value)
	return "$" + strconv.Itoa(len(q.args))
}
