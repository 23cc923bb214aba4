//go:build attack

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/gateway/wire"
)

// overreach is S30: asking for a column, a row, a purpose, a time outside the grant, openly or inside the code. It is
// refused before anything is staged, and the reason names where.
func (s *siege) overreach(t *testing.T) {
	reads := s.reads(t)
	s.declared(t)
	s.hidden(t)
	if now := s.reads(t); now != reads {
		t.Errorf("inputs were handed out %d times", now-reads)
	}
}

// declared asks openly.
func (s *siege) declared(t *testing.T) {
	plain := attempt{title: "over", columns: []string{"health", "visits"}, sql: "-- relation: r\nSELECT resident, health, visits FROM visits", tables: []job.Table{byHealth("r")}}
	early := s.grantSpec("health", "visits")
	early.Scope.From, early.Scope.To = calendar.DateOf(time.Now()).AddDays(5), calendar.DateOf(time.Now()).AddDays(20)
	g, err := s.developer.Grants.Propose(t.Context(), early)
	must(t, err)
	_, err = s.chief.Grants.Approve(t.Context(), g.Number)
	must(t, err)
	for _, v := range []struct {
		vector string
		change func(*job.Package)
		want   string
	}{
		{"a column outside: phone", func(p *job.Package) { p.Inputs[0].Columns = append(p.Inputs[0].Columns, "phone") }, "columns.outside_grant"},
		{"a column outside: the identifier", func(p *job.Package) { p.Inputs[0].Columns = append(p.Inputs[0].Columns, "resident_id") }, "columns.outside_grant"},
		{"a column that is not there", func(p *job.Package) { p.Inputs[0].Columns = append(p.Inputs[0].Columns, "salary") }, "columns."},
		{"every column", func(p *job.Package) { p.Inputs[0].Columns = []string{"*"} }, "4"},
		{"another purpose", func(p *job.Package) { p.Purpose = "marketing" }, "purpose.outside_grant"},
		{"another version", func(p *job.Package) { p.Inputs[0].Version = 1 }, "4"},
		{"a version to come", func(p *job.Package) { p.Inputs[0].Version = 9999 }, "4"},
		{"another dataset", func(p *job.Package) { p.Inputs[0].Dataset = "tax-returns" }, "4"},
		{"a grant of nobody", func(p *job.Package) { p.Inputs[0].Grant = "G-2026-9999" }, "4"},
		{"a grant that has not begun", func(p *job.Package) { p.Inputs[0].Grant = name.Number(g.Number) }, "grant."},
		{"a second input outside", func(p *job.Package) { p.Inputs = append(p.Inputs, input("again", s.grantNumber, []string{"phone"})) }, "columns.outside_grant"},
	} {
		p := plain.pack(s.grantNumber, purpose)
		v.change(&p)
		_, err := s.developer.Jobs.Submit(t.Context(), p)
		s.enter(t, "S30", v.vector, codes(err), v.want)
	}
	_, err = s.stranger.Jobs.Submit(t.Context(), plain.pack(s.grantNumber, purpose))
	s.enter(t, "S30", "the grant of another operator", codes(err), "4")
}

// hidden asks inside the code: the check names each statement.
func (s *siege) hidden(t *testing.T) {
	for _, v := range []struct{ vector, sql string }{
		{"a column by its name", "SELECT resident, health, visits, substr(phone, 1, 3) AS x FROM visits"},
		{"a column by an alias of the table", "SELECT v.resident, v.health, v.visits, v.phone AS x FROM visits v"},
		{"a column by a pattern", "SELECT resident, health, visits, COLUMNS('phone') FROM visits"},
		{"a column in a CTE", "WITH w AS (SELECT resident, health, visits, phone FROM visits) SELECT resident, health, visits FROM w"},
		{"a column in a subselect", "SELECT resident, health, visits FROM (SELECT resident, health, visits, phone FROM visits) s"},
		{"a column in a filter", "SELECT resident, health, visits FROM visits WHERE phone LIKE '138%'"},
		{"a column to sort by", "SELECT resident, health, visits FROM visits ORDER BY phone"},
		{"the identifier itself", "SELECT resident_id AS resident, health, visits FROM visits"},
		{"a file of the input", "SELECT resident, health, visits FROM read_parquet('/in/visits.parquet')"},
		{"a file by its name alone", "SELECT resident, health, visits FROM '/in/visits.parquet'"},
		{"every file", "SELECT file AS resident, file AS health, 1 AS visits FROM glob('/**')"},
		{"the program's own memory", "SELECT content AS resident, content AS health, 1 AS visits FROM read_text('/proc/self/environ')"},
		{"the engine's tables", "SELECT table_name AS resident, table_name AS health, 1 AS visits FROM information_schema.tables"},
		{"the engine's settings", "SELECT name AS resident, value AS health, 1 AS visits FROM duckdb_settings()"},
		{"a table of nobody", "SELECT resident, health, visits FROM tax_returns"},
		{"another catalogue", "SELECT resident, health, visits FROM system.main.visits"},
	} {
		s.enter(t, "S30", v.vector, s.checked(t, v.sql), "refused ")
	}
	for vector, sql := range map[string]string{
		"a view": "CREATE VIEW w AS SELECT * FROM visits; SELECT resident, health, visits FROM w", "a second statement": "SELECT resident, health, visits FROM visits; SELECT 1",
		"attaching": "ATTACH '/in/x' AS x", "copying": "COPY visits TO '/out/x.csv'", "a setting": "SET enable_external_access = true", "an extension": "INSTALL httpfs", "a macro": "CREATE MACRO m() AS 1",
	} {
		s.enter(t, "S30", vector, s.checked(t, sql), "refused ")
	}
}

// checked submits one statement and tells what the check said.
func (s *siege) checked(t *testing.T, sql string) string {
	t.Helper()
	a := attempt{title: "hidden", columns: []string{"health", "visits"}, sql: "-- relation: r\n" + sql, tables: []job.Table{byHealth("r")}}
	j, err := s.developer.Jobs.Submit(t.Context(), a.pack(s.grantNumber, purpose))
	if err != nil {
		return "refused " + codes(err)
	}
	j, err = s.developer.Jobs.WaitState(t.Context(), j.Number, string(job.Checked))
	must(t, err)
	found, err := checked(j)
	must(t, err)
	_, text := found.name("")
	return j.State + " " + text
}

// errors are S27 and S28: what an operator learns of an error on real data is a class, a line, and one of few states.
func (s *siege) errors(t *testing.T) {
	reads := s.reads(t)
	for vector, condition := range map[string]string{
		"a cast to a number": "CAST(plan AS INTEGER) > 0", "a cast to a day": "CAST(health AS DATE) > DATE '2000-01-01'", "a cast to true or false": "CAST(plan AS BOOLEAN)",
		"a number too large": "CAST(visits * 1000 AS TINYINT) > 0", "a cast of one": fmt.Sprintf("%s AND CAST(health AS INTEGER) > 0", s.victim.where()),
	} {
		a := attempt{
			title: "error", columns: everything(), tables: []job.Table{labelled("r", "bin", "a", "b")},
			sql: "-- relation: r\nSELECT resident,\n       CASE WHEN " + condition + " THEN 'a' ELSE 'b' END AS bin\nFROM visits",
		}
		j, _, err := s.runJob(t.Context(), a.pack(s.grantNumber, purpose))
		must(t, err)
		s.enter(t, "S27", vector, j.State+" "+told(t, j), "failed cast r 3", "failed overflow r 3", "refused ")
		seen := s.seen(t, j.Number)
		for _, canary := range slices.Concat(residents(s), []string{"Conversion", "Could not", "convert", "Error:"}) {
			if strings.Contains(seen, canary) {
				t.Errorf("%s: an operator is shown %q", vector, canary)
			}
		}
		s.enter(t, "S28", "state after "+vector, j.State, string(job.Failed), string(job.Refused))
	}
	if s.reads(t) == reads { // else S30 would count nothing
		t.Error("jobs ran on real data and no entry says so")
	}
}

// told is all the failure says: anything beside class, relation and line is a difference.
func told(t *testing.T, j job.View) string {
	t.Helper()
	if len(j.Failure) == 0 {
		return string(j.Findings)
	}
	var f task.Failure
	strict := json.NewDecoder(bytes.NewReader(j.Failure))
	strict.DisallowUnknownFields()
	must(t, strict.Decode(&f))
	return strings.TrimSpace(fmt.Sprintf("%s %s %d %s", f.Class, f.Relation, f.Line, f.Message))
}

// residents are values of the first rows that nobody may be shown.
func residents(s *siege) []string {
	var all []string
	for _, r := range s.rows[:200] {
		all = append(all, r.resident, r.phone)
	}
	return all
}

// revoked is S38: a grant that ends during the run, during the review, and between the votes and the release.
func (s *siege) revoked(t *testing.T) {
	before, err := s.reviewer.Releases.List(t.Context())
	must(t, err)
	for _, v := range []struct {
		vector string
		play   func(*testing.T, string) string
	}{
		{"while in review", s.inReview}, {"between approval and release", s.beforeRelease}, {"while running", s.whileRunning},
	} {
		g, err := s.granted(t.Context(), "plan", "health", "limitation", "visits", "chronic", "district")
		must(t, err)
		s.enter(t, "S38", v.vector, v.play(t, g), "killed", "refused ")
		released, err := s.reviewer.Releases.List(t.Context())
		must(t, err)
		if len(released) > len(before) {
			t.Fatalf("%s: a product left", v.vector)
		}
	}
	g, err := s.granted(t.Context(), "plan", "health", "limitation", "visits", "chronic", "district")
	must(t, err)
	s.enter(t, "S38", "a grant that stands, for comparison", s.unrevoked(t, g), "released")
}

// unrevoked is beforeRelease but for the revocation: what the others are kept from would have happened.
func (s *siege) unrevoked(t *testing.T, grant string) string {
	request := s.opened(t, grant)
	_, err := s.officer.Requests.Vote(t.Context(), request, output.OperatorSeat, output.Approve)
	must(t, err)
	_, err = s.reviewer.Requests.Vote(t.Context(), request, output.AgencySeat, output.Approve)
	must(t, err)
	return s.ended(t, request)
}

// opened runs a job under a grant as far as its review.
func (s *siege) opened(t *testing.T, grant string) string {
	t.Helper()
	p, err := s.packaged("visits-by-cover")
	must(t, err)
	for i := range p.Inputs {
		p.Inputs[i].Grant = name.Number(grant)
	}
	j, findings, err := s.runJob(t.Context(), p)
	must(t, err)
	if len(findings) > 0 {
		t.Fatalf("the job is blocked: %s", codesOf(findings))
	}
	r, err := s.developer.Requests.Open(t.Context(), output.RequestSpec{Job: j.Number, Output: "visits_by_cover", Context: "Visits by cover and health, for the yearly report; 8 cells."})
	must(t, err)
	return r.Number
}

func (s *siege) inReview(t *testing.T, grant string) string {
	request := s.opened(t, grant)
	_, err := s.officer.Requests.Vote(t.Context(), request, output.OperatorSeat, output.Approve)
	must(t, err)
	_, err = s.chief.Grants.Revoke(t.Context(), grant)
	must(t, err)
	_, err = s.reviewer.Requests.Vote(t.Context(), request, output.AgencySeat, output.Approve)
	if err != nil {
		return "refused " + codes(err)
	}
	return s.ended(t, request)
}

// beforeRelease stops the keeper, so that the votes are in and nothing has been released when the grant ends.
func (s *siege) beforeRelease(t *testing.T, grant string) string {
	request := s.opened(t, grant)
	_, err := s.officer.Requests.Vote(t.Context(), request, output.OperatorSeat, output.Approve)
	must(t, err)
	keeper, err := findPart(s.up.cmd.Process.Pid, "keeper")
	must(t, err)
	must(t, syscall.Kill(keeper, syscall.SIGSTOP))
	_, voted := s.reviewer.Requests.Vote(t.Context(), request, output.AgencySeat, output.Approve)
	_, revoked := s.chief.Grants.Revoke(t.Context(), grant)
	must(t, syscall.Kill(keeper, syscall.SIGCONT))
	must(t, voted)
	must(t, revoked)
	return s.ended(t, request)
}

// ended waits until a request has come to an end, or a while in which it would have.
func (s *siege) ended(t *testing.T, request string) string {
	t.Helper()
	tick, enough := time.NewTicker(100*time.Millisecond), time.After(15*time.Second)
	defer tick.Stop()
	var r wire.Request
	for {
		var err error
		r, err = s.reviewer.Requests.Show(t.Context(), request)
		must(t, err)
		if r.State == string(output.Released) {
			return "released"
		}
		select {
		case <-tick.C:
		case <-enough:
			return "refused " + r.State
		}
	}
}

func (s *siege) whileRunning(t *testing.T, grant string) string {
	must(t, s.stopped(t.Context(), grant, "agency", "grant.revoke "+grant, "grant.not_active", func() error {
		_, err := s.chief.Grants.Revoke(t.Context(), grant)
		return err
	}))
	if len(s.failures) > 0 {
		return strings.Join(s.failures, "; ")
	}
	return "killed"
}
