package catalog_test

import (
	"encoding/json"
	"slices"

	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/work"
)

// declaration is what the steward says of a file for version 1.
func (c *city) declaration(text string) dataset.TwinStatement {
	c.t.Helper()
	v, err := c.serve.Datasets.ShowVersion(c.ctx, c.steward.Subject, slug, 1)
	c.must(err)
	return dataset.TwinStatement{
		Dataset: slug, Number: 1, Manifest: name.Digest(v.Digest), File: name.DigestOf([]byte(text)),
		Steward: name.ID(c.steward.Member), At: c.now.UTC(),
	}
}

// sendTwin uploads a text and asks for it as the twin of version 1, under a declaration by somebody.
func (c *city) sendTwin(by person, said dataset.TwinStatement, text string) (dataset.VersionView, error) {
	c.t.Helper()
	signed, err := envelope.Sign(dataset.TwinType, by.print, by.key, said)
	c.must(err)
	return c.serve.Datasets.Twin(c.ctx, c.steward.Subject, slug, 1, dataset.TwinSpec{Upload: c.uploaded(text).ID, Declaration: signed})
}

// twin sends a twin of version 1, has it checked with a report, and returns what became of it.
func (c *city) twin(text string, r task.TwinReport) *dataset.TwinView {
	c.t.Helper()
	_, err := c.sendTwin(c.steward, c.declaration(text), text)
	c.must(err)
	c.work(func(letter work.Letter, keys work.Keys) (string, work.Result) {
		return "success", c.compared(keys, text, r)
	})
	return c.sentTwin()
}

// compared is what the containers leave of a twin that parses.
func (c *city) compared(keys work.Keys, text string, r task.TwinReport) work.Result {
	result := c.part(keys, text)
	result.Twin = &r
	return result
}

func (c *city) sentTwin() *dataset.TwinView {
	c.t.Helper()
	v, err := c.serve.Datasets.ShowVersion(c.ctx, c.steward.Subject, slug, 1)
	c.must(err)
	if v.Twin == nil {
		c.t.Fatal("the version shows no twin")
	}
	return v.Twin
}

// debugged takes a debug run through its check to its run, for which look sees what it was told and given.
func (c *city) debugged(look func(letter work.Letter, keys work.Keys)) job.View {
	c.t.Helper()
	j, err := c.serve.Jobs.Debug(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
	c.must(err)
	c.checked()
	c.work(func(letter work.Letter, keys work.Keys) (string, work.Result) {
		look(letter, keys)
		return "success", work.Result{Tables: map[string]string{"by_health": "health,people\n"}}
	})
	j, err = c.serve.Jobs.Show(c.ctx, c.developer.Subject, j.Number)
	c.must(err)
	return j
}

// checked has the code of the oldest job verified.
func (c *city) checked() {
	c.t.Helper()
	c.work(func(work.Letter, work.Keys) (string, work.Result) {
		return "success", work.Result{Check: &task.CheckReport{Relations: []task.RelationPlan{{Statement: task.Statement{Relation: "r"}}}}}
	})
}

// details returns what entries of an act say under one name, oldest first.
func (c *city) details(act, of string) (all []string) {
	c.t.Helper()
	c.turns()
	auditor := c.admin.Subject
	auditor.Roles = []string{"audit_admin"}
	entries, err := c.serve.Trace.Query(c.ctx, auditor, trace.Filter{Act: act, Limit: 200})
	c.must(err)
	for _, e := range entries {
		body, err := trace.DecodeBody(e.Body)
		c.must(err)
		if said := body.Detail[of]; said != "" {
			all = append(all, said)
		}
	}
	return all
}

// TestTwinStandsIn walks a twin from its upload into a debug run: no profile is needed, no budget is spent, and
// answer and trace say what was used.
func TestTwinStandsIn(t *testing.T) {
	c := newCity(t, plenty())
	const text = "invented"
	view, err := c.sendTwin(c.steward, c.declaration(text), text)
	c.must(err)
	if view.Twin == nil || view.Twin.State != string(dataset.TwinChecking) || view.Twin.InUse != "" {
		t.Fatalf("right after it was sent: %+v", view.Twin)
	}
	var told work.Letter
	c.work(func(letter work.Letter, keys work.Keys) (string, work.Result) {
		told = letter
		if len(keys.Data) != 2 || keys.Data[letter.Twin.Parts[0].Key] == nil || keys.Data[letter.Twin.Raw[0].Key] == nil || keys.Data[keys.Write.ID] != nil {
			t.Errorf("keys of %d objects, want those of the file and of the real part, and another to write under", len(keys.Data))
		}
		return "success", c.compared(keys, text, task.TwinReport{Rows: 100, Equal: 1, Errors: []task.BadCell{{Row: 7, Reason: dataset.RowEqual}}})
	})
	if told.Kind != work.Twin || told.Twin.Compare.MinUnits != 10 || len(told.Twin.Compare.Columns) != 3 {
		t.Errorf("the letter compares %+v", told.Twin.Compare)
	}
	want := &dataset.TwinView{State: "accepted", File: name.DigestOf([]byte(text)).String(), InUse: name.DigestOf([]byte(text)).String(), Rows: 100}
	got := c.sentTwin()
	want.CreatedAt = got.CreatedAt
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("one row in a hundred may be equal by chance (-want +got):\n%s", d)
	}

	j := c.debugged(func(letter work.Letter, keys work.Keys) {
		in := letter.Debug.Inputs[0]
		if in.Profile != nil || in.Twin == nil || in.Twin.Bucket != object.Data || keys.Data[in.Twin.Key] == nil || len(keys.Data) != 1 {
			t.Errorf("the run got %+v and keys of %d objects", in, len(keys.Data))
		}
	})
	var used job.Usage
	c.must(json.Unmarshal(j.Usage, &used))
	if len(used.Inputs) != 1 || used.Inputs[0].Input != "visits" || used.Inputs[0].MadeFrom != job.FromTwin {
		t.Errorf("the answer says %+v", used.Inputs)
	}
	if got := c.details("job.claim", "made_from.visits"); !slices.Equal(got, []string{"twin"}) {
		t.Errorf("the trace says that debug runs used %v", got)
	}
	if got := c.details("dataset.twin", "version"); !slices.Equal(got, []string{"1"}) {
		t.Errorf("the trace has twins of versions %v", got)
	}
	g, err := c.serve.Grants.Show(c.ctx, c.developer.Subject, c.grant.Number)
	c.must(err)
	if full := plenty(); g.RunsLeft != int64(full.Runs) || g.RowsLeft != full.Rows {
		t.Errorf("%d runs and %d rows left of %+v", g.RunsLeft, g.RowsLeft, full)
	}
}

// TestTwinsThatAreReal: a twin that names a real person, or has too many rare real rows, or of which that is not
// known, stands for nothing.
func TestTwinsThatAreReal(t *testing.T) {
	c := newCity(t, plenty())
	at := func(row int64, column, reason string) task.BadCell {
		return task.BadCell{Row: row, Column: column, Reason: reason}
	}
	unit, row := at(3, "resident_id", dataset.UnitShared), at(9, "", dataset.RowEqual)
	for name, tt := range map[string]struct {
		spoil func(r *work.Result)
		want  []dataset.BadCell
	}{
		"a real person":      {func(r *work.Result) { r.Twin.Shared, r.Twin.Errors = 1, []task.BadCell{unit} }, []dataset.BadCell{unit}},
		"two rows of 100":    {func(r *work.Result) { r.Twin.Equal, r.Twin.Errors = 2, []task.BadCell{row} }, []dataset.BadCell{row}},
		"one, and a person":  {func(r *work.Result) { r.Twin.Shared, r.Twin.Equal, r.Twin.Errors = 1, 1, []task.BadCell{unit, row} }, []dataset.BadCell{unit}},
		"counted, not told":  {func(r *work.Result) { r.Twin.Shared = 1 }, []dataset.BadCell{{Reason: dataset.UnitShared}}},
		"never compared":     {func(r *work.Result) { r.Twin = nil }, []dataset.BadCell{{Reason: "twin.not_compared"}}},
		"compared in part":   {func(r *work.Result) { r.Twin.Rows = 99 }, []dataset.BadCell{{Reason: "twin.not_compared"}}},
		"without a row":      {func(r *work.Result) { r.Twin.Rows, r.Objects[0].Rows = 0, 0 }, []dataset.BadCell{{Reason: dataset.TwinEmpty}}},
		"without its object": {func(r *work.Result) { r.Objects = nil }, []dataset.BadCell{{Reason: "twin.not_compared"}}},
		"of other columns": {func(r *work.Result) {
			*r = work.Result{Ingest: &task.IngestReport{Errors: []task.BadCell{at(0, "visits", "column.missing")}}}
		}, []dataset.BadCell{at(0, "visits", "column.missing")}},
	} {
		_, err := c.sendTwin(c.steward, c.declaration(name), name)
		c.must(err)
		c.work(func(_ work.Letter, keys work.Keys) (string, work.Result) {
			r := c.compared(keys, name, task.TwinReport{Rows: 100})
			tt.spoil(&r)
			return "success", r
		})
		got := c.sentTwin()
		if got.State != string(dataset.TwinRefused) || got.InUse != "" || got.Refusal == nil {
			t.Errorf("%s: %+v", name, got)
			continue
		}
		if d := cmp.Diff(tt.want, got.Refusal.Errors); d != "" {
			t.Errorf("%s: reasons (-want +got):\n%s", name, d)
		}
	}
	if d := c.sentRefusal("limit"); d == nil || d.Outcome != "limit" {
		t.Errorf("a twin whose containers came to a limit: %+v", d)
	}
}

// sentRefusal sends a twin whose work ends in an outcome, and returns its refusal.
func (c *city) sentRefusal(outcome string) *dataset.Refusal {
	c.t.Helper()
	_, err := c.sendTwin(c.steward, c.declaration(outcome), outcome)
	c.must(err)
	c.work(func(_ work.Letter, keys work.Keys) (string, work.Result) {
		return outcome, c.compared(keys, outcome, task.TwinReport{Rows: 100})
	})
	return c.sentTwin().Refusal
}

// TestTwinIsDeclared: a twin counts by its steward's own word about that very file and version, and by no other.
func TestTwinIsDeclared(t *testing.T) {
	c := newCity(t, plenty())
	right := c.declaration("t")
	for name, tt := range map[string]struct {
		by    person
		spoil func(s *dataset.TwinStatement)
		want  string
	}{
		"another file":       {c.steward, func(s *dataset.TwinStatement) { s.File = s.Manifest }, "twin.other_file"},
		"another version":    {c.steward, func(s *dataset.TwinStatement) { s.Number = 2 }, "twin.other_file"},
		"other data":         {c.steward, func(s *dataset.TwinStatement) { s.Manifest = s.File }, "twin.other_file"},
		"another dataset":    {c.steward, func(s *dataset.TwinStatement) { s.Dataset = "other" }, "twin.other_file"},
		"in another's name":  {c.steward, func(s *dataset.TwinStatement) { s.Steward = "m" }, "twin.other_file"},
		"with another's key": {c.applicant, func(*dataset.TwinStatement) {}, "signature.key_unknown"},
	} {
		said := right
		tt.spoil(&said)
		if _, err := c.sendTwin(tt.by, said, "t"); code(err) != tt.want {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
	forged := c.steward
	forged.key = c.applicant.key
	if _, err := c.sendTwin(forged, right, "t"); code(err) != "signature.invalid" {
		t.Errorf("a forged signature: got %v", err)
	}
	signed, err := envelope.Sign(dataset.ProfileType, c.steward.print, c.steward.key, right)
	c.must(err)
	spec := dataset.TwinSpec{Upload: c.uploaded("t").ID, Declaration: signed}
	if _, err := c.serve.Datasets.Twin(c.ctx, c.steward.Subject, slug, 1, spec); code(err) != "signature.invalid" {
		t.Errorf("a signature of another kind: got %v", err)
	}
	for _, p := range []person{c.developer, c.chief, c.applicant, c.admin} {
		if _, err := c.serve.Datasets.Twin(c.ctx, p.Subject, slug, 1, spec); err == nil {
			t.Errorf("somebody with roles %v sent a twin", p.Roles)
		}
	}
	foreign := c.steward.Subject
	foreign.Org, foreign.Member = c.chief.Org, c.chief.Member
	if _, err := c.serve.Datasets.Twin(c.ctx, foreign, slug, 1, spec); fault.Of(err) != fault.Unknown {
		t.Errorf("another organization's steward: got %v", err)
	}
	v, err := c.serve.Datasets.ShowVersion(c.ctx, c.steward.Subject, slug, 1)
	c.must(err)
	if v.Twin != nil {
		t.Errorf("a twin was kept: %+v", v.Twin)
	}
}

// TestTwinsFollowOneAnother: one at a time is checked; an accepted one stays in use until another is accepted, and a
// run that was told of the older one does not start any more.
func TestTwinsFollowOneAnother(t *testing.T) {
	c := newCity(t, plenty())
	first := c.twin("first", task.TwinReport{Rows: 100})
	_, err := c.sendTwin(c.steward, c.declaration("second"), "second")
	c.must(err)
	if _, err := c.sendTwin(c.steward, c.declaration("third"), "third"); code(err) != "twin.under_way" {
		t.Errorf("a third while the second is checked: got %v", err)
	}
	if got := c.sentTwin(); got.State != string(dataset.TwinChecking) || got.InUse != first.File {
		t.Errorf("while the second is checked: %+v", got)
	}
	c.work(func(_ work.Letter, keys work.Keys) (string, work.Result) {
		return "success", c.compared(keys, "second", task.TwinReport{Rows: 100, Shared: 1})
	})
	if got := c.sentTwin(); got.State != string(dataset.TwinRefused) || got.InUse != first.File {
		t.Errorf("after the second was refused: %+v", got)
	}

	j, err := c.serve.Jobs.Debug(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
	c.must(err)
	c.checked() // the run waits, told of the first
	if fourth := c.twin("fourth", task.TwinReport{Rows: 100}); fourth.InUse != fourth.File || fourth.File == first.File {
		t.Errorf("after the fourth was accepted: %+v", fourth)
	}
	c.claimedInVain()
	j, err = c.serve.Jobs.Show(c.ctx, c.developer.Subject, j.Number)
	c.must(err)
	if j.State != string(job.Killed) || j.Stopped != "twin.replaced" {
		t.Errorf("a run told of the replaced twin: %s %q", j.State, j.Stopped)
	}
}

// claimedInVain claims the oldest work, which is not admitted, and lets it end.
func (c *city) claimedInVain() {
	c.t.Helper()
	private, err := keyring.NewPrivateKey()
	c.must(err)
	claimed, ok, err := c.queue.Claim(c.ctx, "test", private.Public().Bytes(), time.Hour, []task.Runtime{task.GVisor})
	c.must(err)
	if !ok {
		c.t.Fatal("no work to claim")
	}
	c.turns()
	standing, err := c.queue.Append(c.ctx, claimed, "renew", nil, time.Hour)
	c.must(err)
	if standing.Admitted || standing.Keys != nil {
		c.t.Fatalf("%s was admitted", claimed.Kind)
	}
	c.must(c.queue.Seal(c.ctx, claimed, "interrupted", []byte("{}")))
	c.turns()
}

// TestTwinGoesWithItsVersion: withdrawing a version ends its twins, the one under check too, and what was sealed of
// that does not count; so does retention.
func TestTwinGoesWithItsVersion(t *testing.T) {
	c := newCity(t, plenty())
	c.twin("first", task.TwinReport{Rows: 100})
	_, err := c.sendTwin(c.steward, c.declaration("second"), "second")
	c.must(err)
	c.sealed(func(_ work.Letter, keys work.Keys) (string, work.Result) {
		return "success", c.compared(keys, "second", task.TwinReport{Rows: 100})
	})
	v, err := c.serve.Datasets.Withdraw(c.ctx, c.steward.Subject, slug, 1)
	c.must(err)
	c.turns()
	if got := c.sentTwin(); v.Twin.State != string(dataset.TwinWithdrawn) || got.State != v.Twin.State || got.InUse != "" {
		t.Errorf("after its version was withdrawn: %+v, once the work was settled %+v", v.Twin, got)
	}
	if _, err := c.sendTwin(c.steward, c.declaration("third"), "third"); code(err) != "version.not_available" {
		t.Errorf("a twin of a withdrawn version: got %v", err)
	}
}

func TestRetentionTakesTwins(t *testing.T) {
	c := newCity(t, plenty())
	c.twin("first", task.TwinReport{Rows: 100})
	terms := c.spec().Terms
	terms.Retention, terms.To = &dataset.Retention{Versions: 2}, calendar.DateOf(c.clock()).AddYears(1)
	_, err := c.serve.Datasets.SetTerms(c.ctx, c.steward.Subject, slug, terms)
	c.must(err)
	c.feed(dataset.Publication{Mode: dataset.Replace}, "2")
	c.feed(dataset.Publication{Mode: dataset.Replace}, "3")
	c.turns()
	if got := c.sentTwin(); got.State != string(dataset.TwinWithdrawn) || got.InUse != "" {
		t.Errorf("after retention: %+v", got)
	}
}
