//go:build faults

package main

import "fmt"

// hold keeps a table or a row from being written, as an administrator of the database can. Whoever has done everything
// outside and comes to commit waits for it: that is the moment between an effect and its commit.
type hold struct {
	d    *drill
	lock string
	s    *session
	pid  string // of the database's process
}

// hold takes a lock by a statement.
func (d *drill) hold(lock string) *hold {
	d.t.Helper()
	h := &hold{d: d, lock: lock}
	h.take()
	d.t.Cleanup(h.letGo) // a drill that failed must not stop the next one
	return h
}

// unwritten is the lock that lets a table be read and not be written.
func unwritten(name string) string { return "lock table " + name + " in share mode" }

// sealsGate is the lock before which seals wait once gateSeals was called, and nothing else: a worker that cannot renew its
// claim meanwhile would give the work up.
const sealsGate = "select pg_advisory_xact_lock(4711)"

// gateSeals puts the gate before the update that seals work.
func (d *drill) gateSeals() {
	d.t.Helper()
	d.await("the seals' gate", func() (bool, error) {
		s := d.sql()
		defer s.close()
		for _, statement := range []string{
			"create or replace function drill_gate() returns trigger language plpgsql as 'begin perform pg_advisory_xact_lock(4711); return new; end'",
			"create or replace trigger drill_gate before update on work for each row when (old.state = 'claimed' and new.state = 'sealed') execute function drill_gate()",
		} {
			if _, err := s.ask(statement); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// logHead is the lock on the row whose holder gives entries of the trace their places.
const logHead = "select from trace_head for update"

func (h *hold) take() {
	h.d.t.Helper()
	h.d.await("a lock", func() (bool, error) {
		s := h.d.sql()
		_, err := s.ask("begin")
		if err == nil {
			_, err = s.ask(h.lock)
		}
		if err == nil {
			h.pid, err = s.ask("select pg_backend_pid()")
		}
		if err == nil {
			_, err = fmt.Sscanf(h.pid, "%d", new(int))
		}
		if err != nil {
			s.close()
			return false, err
		}
		h.s = s
		return true, nil
	})
}

// keep takes the lock again if the database died with it.
func (h *hold) keep() {
	h.d.t.Helper()
	if said, err := h.s.ask("select 1"); err == nil && said == "1" {
		return
	}
	h.s.close()
	h.take()
}

// waits waits until a role waits for the lock with a statement that contains something.
func (h *hold) waits(role, containing string) {
	h.d.t.Helper()
	ask := fmt.Sprintf("select count(*) from pg_stat_activity where usename = 'sluice_%s' and query ilike '%%%s%%' and %s = any(pg_blocking_pids(pid))",
		role, containing, h.pid)
	h.d.await(role+" to come to its commit", func() (bool, error) { return h.d.asked(ask) != "0", nil })
}

// letGo ends the lock.
func (h *hold) letGo() { h.s.close() }
