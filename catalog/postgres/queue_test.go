package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/catalog/task"
)

// line is a queue of a database of its own, under the worker's own role.
type line struct {
	t      *testing.T
	owner  *postgres.DB
	queue  *postgres.Queue
	dsn    pgtest.Database
	orgs   []string
	made   int
	onward map[string]string // piece of work → its organization
}

func newLine(t *testing.T, orgs, running int) *line {
	t.Helper()
	dsn := pgtest.New(t)
	l := &line{t: t, dsn: dsn, owner: pgtest.Open(t, dsn.Owner), queue: postgres.NewQueue(pgtest.Open(t, dsn.Worker)), onward: map[string]string{}}
	l.found(orgs)
	l.limit(running)
	return l
}

// found empties the queue and begins again with organizations nobody served.
func (l *line) found(orgs int) {
	l.t.Helper()
	l.orgs = nil
	sql := "delete from work; delete from turn; delete from org; "
	for i := range orgs {
		id := name.NewID().String()
		sql += fmt.Sprintf("insert into org (id, number, name, created_at) values ('%s', 'ORG-%04d', 'org %d', now()); ", id, i+1, i+1)
		sql += "insert into turn (org) values ('" + id + "'); "
		l.orgs = append(l.orgs, id)
	}
	l.exec(sql)
}

func (l *line) exec(sql string) {
	l.t.Helper()
	pgtest.Exec(l.t, l.dsn.Owner, sql)
}

// limit sets how many pieces of one organization may run at once.
func (l *line) limit(running int) {
	l.t.Helper()
	l.must(l.owner.InTx(context.Background(), func(tx *postgres.Tx) error {
		return tx.PutSetting(context.Background(), "queue", fmt.Appendf(nil, `{"running": %d}`, running))
	}))
}

func (l *line) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// add queues pieces of an organization, each later than any before; it returns their subjects.
func (l *line) add(org string, pieces int) (subjects []string) {
	l.t.Helper()
	var rows []string
	for range pieces {
		l.made++
		id, subject := name.NewID().String(), name.NewID().String()
		rows = append(rows, fmt.Sprintf("('%s', 'check', '%s', '%s', '{}', 'queued', timestamptz '2026-01-01' + interval '%d seconds')", id, subject, org, l.made))
		l.onward[id] = org
		subjects = append(subjects, subject)
	}
	if len(rows) > 0 {
		l.exec("insert into work (id, kind, subject, org, letter, state, queued_at) values " + strings.Join(rows, ", "))
	}
	return subjects
}

// claim takes one piece; ok is false when there is none to be had.
func (l *line) claim() (postgres.Claimed, bool) {
	l.t.Helper()
	c, ok, err := l.queue.Claim(context.Background(), "w", make([]byte, 32), time.Hour, []task.Runtime{task.GVisor})
	l.must(err)
	return c, ok
}

// TestQueuePlaceIsHowManyComeBefore compares the place that is told with the claims that really came before, over
// random queues in which some work runs already.
func TestQueuePlaceIsHowManyComeBefore(t *testing.T) {
	chance := rand.New(rand.NewPCG(11, 26))
	l := newLine(t, 1, 1000)
	for round := range 12 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			l.t = t
			l.found(2 + chance.IntN(4))
			var subjects []string
			for range 4 {
				for _, org := range l.orgs {
					subjects = append(subjects, l.add(org, chance.IntN(4))...)
				}
				for range chance.IntN(3) {
					l.claim()
				}
			}
			chance.Shuffle(len(subjects), func(i, j int) { subjects[i], subjects[j] = subjects[j], subjects[i] })
			subject := l.waiting(subjects)
			place := l.place(subject)
			for before := int64(0); ; before++ {
				c, ok := l.claim()
				if !ok {
					t.Fatal("it was never claimed")
				}
				if l.subject(c.ID) != subject {
					continue
				}
				if before != place {
					t.Fatalf("told %d before it, there were %d", place, before)
				}
				return
			}
		})
	}
}

// waiting returns the first of some subjects whose work is queued.
func (l *line) waiting(subjects []string) string {
	l.t.Helper()
	for _, s := range subjects {
		var state string
		l.must(l.owner.InTx(context.Background(), func(tx *postgres.Tx) error {
			w, err := tx.WorkOf(context.Background(), s, "check")
			state = w.State
			return err
		}))
		if state == "queued" {
			return s
		}
	}
	l.t.Fatal("nothing waits")
	return ""
}

func (l *line) place(subject string) (n int64) {
	l.t.Helper()
	l.must(l.owner.InTx(context.Background(), func(tx *postgres.Tx) (err error) {
		n, err = tx.QueuePlace(context.Background(), subject)
		return err
	}))
	return n
}

func (l *line) subject(id string) (subject string) {
	l.t.Helper()
	l.must(l.owner.InTx(context.Background(), func(tx *postgres.Tx) error {
		w, err := tx.WorkByID(context.Background(), id)
		subject = w.Subject
		return err
	}))
	return subject
}

// TestQueueServesEverybody lets many workers loose on one organization's flood and a few pieces of others: nobody
// holds more than the cap, the few do not wait for the flood, and every piece is claimed once.
func TestQueueServesEverybody(t *testing.T) {
	const running, flood, few, workers = 2, 40, 4, 6
	l := newLine(t, 4, running)
	l.add(l.orgs[0], flood)
	for _, org := range l.orgs[1:] {
		l.add(org, few)
	}
	var mu sync.Mutex
	var order []string
	watch, err := pgx.Connect(t.Context(), l.dsn.Owner)
	l.must(err)
	defer func() { _ = watch.Close(context.Background()) }()
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for {
				c, ok, err := l.queue.Claim(t.Context(), "w", make([]byte, 32), time.Hour, []task.Runtime{task.GVisor})
				mu.Lock()
				done := len(order) == flood+3*few
				if err == nil && ok {
					order = append(order, l.onward[c.ID])
					var most int
					err = watch.QueryRow(t.Context(), "select max(running) from queue_share").Scan(&most)
					if most > running {
						t.Errorf("an organization holds %d pieces", most)
					}
				}
				mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				if err != nil || done {
					return
				}
				if ok {
					if err := l.end(c); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	all.Wait()
	last := len(order) - 1
	for last >= 0 && order[last] == l.orgs[0] {
		last--
	}
	floods := 0
	for _, org := range order[:last+1] {
		if org == l.orgs[0] {
			floods++
		}
	}
	if len(order) != flood+3*few || floods > 3*few+workers {
		t.Fatalf("%d claims; %d of the flood before the last of the few", len(order), floods)
	}
}

// end admits a claimed piece and seals it.
func (l *line) end(c postgres.Claimed) error {
	l.exec("update work set admitted = true where id = '" + c.ID + "'")
	return l.queue.Seal(context.Background(), c, "success", []byte("{}"))
}

// TestInterruptedGoesBack: an interrupted piece is another's after a pause, and no more the worker's who gave it back;
// a stopped one, and one after its third attempt, is sealed.
func TestInterruptedGoesBack(t *testing.T) {
	l := newLine(t, 1, 9)
	l.add(l.orgs[0], 1)
	watch, err := pgx.Connect(t.Context(), l.dsn.Owner)
	l.must(err)
	defer func() { _ = watch.Close(context.Background()) }()
	state := func() (state string) {
		l.must(watch.QueryRow(t.Context(), "select state from work").Scan(&state))
		return state
	}
	over := func() { l.exec("update work set lease_until = now() - interval '1 second' where state = 'claimed'") }
	interrupt := func() postgres.Claimed {
		t.Helper()
		c, ok := l.claim()
		if !ok {
			t.Fatal("nothing to claim")
		}
		l.must(l.queue.Seal(context.Background(), c, "interrupted", []byte("{}")))
		return c
	}
	first := interrupt()
	if _, ok := l.claim(); ok || state() != "claimed" {
		t.Fatalf("claimed in its pause, or %s", state())
	}
	if _, err := l.queue.Append(context.Background(), first, "renew", nil, time.Hour); !errors.Is(err, postgres.ErrLost) {
		t.Fatalf("who gave it back renews it: %v", err)
	}
	over()
	interrupt()
	over()
	if interrupt(); state() != "sealed" {
		t.Fatalf("after three attempts it is %s", state())
	}
	l.add(l.orgs[0], 1)
	c, _ := l.claim()
	l.exec("update work set stop = 'grant.revoked' where state = 'claimed'")
	l.must(l.queue.Seal(context.Background(), c, "interrupted", []byte("{}")))
	if _, ok := l.claim(); ok {
		t.Fatal("stopped work is claimed again")
	}
}

// TestQueueCap: beyond its cap an organization waits, until something of it ends or its lease does.
func TestQueueCap(t *testing.T) {
	l := newLine(t, 1, 2)
	l.add(l.orgs[0], 4)
	first, _ := l.claim()
	second, _ := l.claim()
	if _, ok := l.claim(); ok {
		t.Fatal("claimed beyond the cap")
	}
	l.must(l.end(first))
	if _, ok := l.claim(); !ok {
		t.Fatal("nothing to be had after one piece ended")
	}
	l.exec("update work set lease_until = now() - interval '1 second' where id = '" + second.ID + "'")
	again, ok := l.claim()
	if !ok || again.ID != second.ID || again.Fence <= second.Fence {
		t.Fatalf("after a lease ended: %v %v", again, ok)
	}
	if _, err := l.queue.Append(context.Background(), second, "renew", nil, time.Hour); !errors.Is(err, postgres.ErrLost) {
		t.Fatalf("the late worker: %v", err)
	}
}

// TestQueueScratchShare: an organization's pieces hold no more of the scratch disk than its share, whatever their
// number; a large one waits for room and is not overtaken, and one beyond the share runs alone.
func TestQueueScratchShare(t *testing.T) {
	l := newLine(t, 2, 3)
	l.must(l.owner.InTx(context.Background(), func(tx *postgres.Tx) error {
		return tx.PutSetting(context.Background(), "queue", []byte(`{"running": 3, "scratch": 1000, "piece": 100}`))
	}))
	sizes := []int{300, 600, 1, 5000, 1}
	for i, subject := range l.add(l.orgs[0], len(sizes)) {
		l.exec(fmt.Sprintf("update work set bytes = %d where subject = '%s'", sizes[i], subject))
	}
	l.add(l.orgs[1], 1)
	held := map[int64]postgres.Claimed{}
	take := func(want ...int64) {
		t.Helper()
		for _, bytes := range want {
			c, ok := l.claim()
			if !ok {
				t.Fatalf("nothing to be had, want a piece of %d bytes", bytes)
			}
			if got := l.bytes(c.ID); got != bytes {
				t.Fatalf("claimed a piece of %d bytes, want %d", got, bytes)
			}
			held[bytes] = c
		}
		if c, ok := l.claim(); ok {
			t.Fatalf("claimed a piece of %d bytes beyond the share", l.bytes(c.ID))
		}
	}
	end := func(bytes int64) {
		l.must(l.end(held[bytes]))
	}
	take(300, 0) // 400 of 1000; 0 is the other organization's
	end(300)
	take(600, 1) // 700 and 101; the next wants 5100
	end(600)
	take()
	end(1)
	take(5000) // alone
	end(5000)
	take(1)
}

func (l *line) bytes(id string) (n int64) {
	l.t.Helper()
	l.must(l.owner.InTx(context.Background(), func(tx *postgres.Tx) error {
		w, err := tx.WorkByID(context.Background(), id)
		n = w.Bytes
		return err
	}))
	return n
}

// TestStoppedClaimHoldsUpNobodyElse: a worker that stops between its claim and its commit keeps its own
// organization's turn, and no other.
func TestStoppedClaimHoldsUpNobodyElse(t *testing.T) {
	l := newLine(t, 3, 2)
	for _, org := range l.orgs {
		l.add(org, 2)
	}
	conn, err := pgx.Connect(t.Context(), l.dsn.Worker)
	l.must(err)
	defer func() { _ = conn.Close(context.Background()) }()
	tx, err := conn.Begin(t.Context())
	l.must(err)
	var stopped string
	l.must(tx.QueryRow(t.Context(), "select id from worker_claim('stopped', $1, interval '1 hour', '{runsc}')", make([]byte, 32)).Scan(&stopped))
	var served []string
	for {
		c, ok := l.claim()
		if !ok {
			break
		}
		served = append(served, l.onward[c.ID])
	}
	if len(served) != 4 || slices.Contains(served, l.onward[stopped]) {
		t.Fatalf("beside a stopped worker %d pieces were claimed", len(served))
	}
	l.must(tx.Rollback(t.Context()))
	if c, ok := l.claim(); !ok || l.onward[c.ID] != l.onward[stopped] {
		t.Fatal("its organization is not served afterwards")
	}
}

// TestClaimsKeepToTheirRuntimes has a worker without gVisor beside organizations whose work needs it: it gets what may
// run under runc, whoever waits before it, and nothing else.
func TestClaimsKeepToTheirRuntimes(t *testing.T) {
	l := newLine(t, 2, 2)
	needs, may := l.orgs[0], l.orgs[1]
	l.add(needs, 3)
	subjects := append(l.add(may, 1), l.add(may, 1)...)
	l.exec("update work set runtimes = '{runsc,runc}' where subject = '" + subjects[1] + "'")
	claim := func(under ...task.Runtime) string {
		t.Helper()
		c, ok, err := l.queue.Claim(t.Context(), "w", make([]byte, 32), time.Hour, under)
		l.must(err)
		if !ok {
			return ""
		}
		return l.subject(c.ID)
	}
	if got := claim(); got != "" {
		t.Errorf("a worker without a proved runtime got %s", got)
	}
	if got := claim(task.Runc); got != subjects[1] {
		t.Errorf("under runc: %q, want %q", got, subjects[1])
	}
	if got := claim(task.Runc); got != "" {
		t.Errorf("under runc, what needs gVisor: %s", got)
	}
	if got := claim(task.GVisor, task.Runc); got == "" {
		t.Error("under both: nothing, while work waits")
	}
}
