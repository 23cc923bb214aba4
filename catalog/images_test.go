package catalog_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/image"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
)

// pictures is a city with both offices of its platform, and a grant that lets Python at the rows.
type pictures struct {
	*city
	guard person
	open  grant.View
}

func newPictures(t *testing.T) *pictures {
	c := newCity(t, plenty())
	terms := c.spec().Terms
	terms.Operations = append(terms.Operations, name.OpPython)
	_, err := c.serve.Datasets.SetTerms(c.ctx, c.steward.Subject, slug, terms)
	c.must(err)
	today := calendar.DateOf(c.clock())
	g, err := c.serve.Grants.Propose(c.ctx, c.developer.Subject, grant.Spec{Agreement: c.agreement.Number, Scope: grant.Scope{
		Dataset: slug, VersionFrom: 1, Columns: []string{"health", "visits"}, Rows: grant.Rows{All: true},
		Operations: []name.Operation{name.OpPython}, Purposes: []string{"statistics"}, Outputs: []name.OutputKind{name.OutTable},
		LevelCap: 2, From: today, To: today.AddDays(30), Budget: plenty(), MinUnits: 10, LawfulBasis: "basis",
	}})
	c.must(err)
	g, err = c.serve.Grants.Approve(c.ctx, c.chief.Subject, g.Number)
	c.must(err)
	return &pictures{c, c.colleague(c.admin, org.SecurityAdmin), g}
}

func digestOf(text string) string { return name.DigestOf([]byte(text)).String() }

// image proposes and approves an image.
func (c *pictures) image(called string) image.View {
	c.t.Helper()
	_, err := c.serve.Images.Propose(c.ctx, c.admin.Subject, image.Spec{Name: called, Digest: digestOf(called), SBOM: digestOf("bill")})
	c.must(err)
	view, err := c.serve.Images.Approve(c.ctx, c.guard.Subject, called)
	c.must(err)
	return view
}

// folder is a Python job under the open grant.
func (c *pictures) folder() job.Package {
	p := c.pack(c.open.Number)
	p.Engine, p.Code = job.EnginePython, ""
	p.Files = []job.SourceFile{{Name: job.MainFile, Text: "import sluice\nsluice.relation('r', sluice.table('visits'))\n"}}
	p.Relations = []job.Relation{{Name: "r", Of: "visits", Labels: []string{"band"}}}
	return p
}

// TestImagesTakeTwoPeople: who proposes never approves; names are never used twice, digests not at once.
func TestImagesTakeTwoPeople(t *testing.T) {
	c := newPictures(t)
	spec := image.Spec{Name: "python-2026", Digest: digestOf("a"), SBOM: digestOf("bill")}
	both := c.admin.Subject
	both.Roles = append(slices.Clone(both.Roles), string(org.SecurityAdmin))
	_, err := c.serve.Images.Propose(c.ctx, both, spec)
	c.must(err)
	if _, err := c.serve.Images.Approve(c.ctx, both, spec.Name); fault.Code(err) != "approver.is_proposer" {
		t.Errorf("who proposed it approves it: %v", err)
	}
	if _, err := c.serve.Images.Approve(c.ctx, c.developer.Subject, spec.Name); fault.Of(err) != fault.Denied {
		t.Errorf("a developer approves it: %v", err)
	}
	view, err := c.serve.Images.Approve(c.ctx, c.guard.Subject, spec.Name)
	c.must(err)
	if view.State != string(image.Approved) || view.ProposedBy == "" || view.ApprovedBy == "" || view.ProposedBy == view.ApprovedBy {
		t.Errorf("approved: %+v", view)
	}
	for code, again := range map[string]image.Spec{
		"image.name_taken":   {Name: spec.Name, Digest: digestOf("b"), SBOM: spec.SBOM},
		"image.digest_taken": {Name: "python-2027", Digest: spec.Digest, SBOM: spec.SBOM},
	} {
		if _, err := c.serve.Images.Propose(c.ctx, c.admin.Subject, again); fault.Code(err) != code {
			t.Errorf("proposed again: %v, want %s", err, code)
		}
	}
	if _, err := c.serve.Images.Propose(c.ctx, c.admin.Subject, image.Spec{Name: "x", Digest: "latest"}); fault.Code(err) != "image.invalid" {
		t.Errorf("a tag in a digest's place: %v", err)
	}
	shown, err := c.serve.Images.Show(c.ctx, c.developer.Subject, spec.Name)
	c.must(err)
	if d := cmp.Diff(view, shown); d != "" {
		t.Errorf("shown (-want +got):\n%s", d)
	}
}

// TestPythonTakesAnApprovedImage: a job is frozen with the digest of an image two people approved, and with no other.
func TestPythonTakesAnApprovedImage(t *testing.T) {
	c := newPictures(t)
	p := c.folder()
	refused := func(what, want string, p job.Package) {
		t.Helper()
		if _, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, p); fault.Code(err) != want {
			t.Errorf("%s: %v, want %s", what, err, want)
		}
	}
	refused("none is approved", "image.none_approved", p)
	_, err := c.serve.Images.Propose(c.ctx, c.admin.Subject, image.Spec{Name: "python-2025", Digest: digestOf("python-2025"), SBOM: digestOf("bill")})
	c.must(err)
	p.Image = digestOf("python-2025")
	refused("it is only proposed", "image.not_approved", p)
	first := c.image("python-2026")
	p.Image = ""
	closed := p
	closed.Inputs = c.pack(c.grant.Number).Inputs
	refused("the grant is for SQL", "operation.outside_grant", closed)
	j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, p)
	c.must(err)
	c.work(func(letter work.Letter, _ work.Keys) (string, work.Result) {
		if l := letter.Check; l == nil || l.Python == nil || l.Python.Image != first.Digest || len(l.Python.Files) != 1 || len(l.Relations) != 1 {
			t.Errorf("checked as %+v", letter.Check)
		}
		return "success", work.Result{Check: &task.CheckReport{Findings: []task.CheckFinding{
			{Code: "python.syntax", File: job.MainFile, Line: 2, Remedy: "remedy.python.syntax"},
		}}}
	})
	j, err = c.serve.Jobs.Show(c.ctx, c.developer.Subject, j.Number)
	c.must(err)
	if j.State != string(job.Refused) || !strings.Contains(string(j.Findings), `"file":"main.py"`) && !strings.Contains(string(j.Findings), `"file": "main.py"`) {
		t.Errorf("%s: %s", j.State, j.Findings)
	}
	c.image("python-2027")
	refused("there are two", "image.several_approved", p)
	p.Image = "python-2026"
	named, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, p)
	c.must(err)
	if named.CodeDigest != j.CodeDigest {
		t.Error("the same image by its name is another package")
	}
}

// TestRetiredImagesEndJobs: what runs in a retired image ends, and nothing is claimed in one.
func TestRetiredImagesEndJobs(t *testing.T) {
	c := newPictures(t)
	c.image("python-2026")
	j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.folder())
	c.must(err)
	c.approve(j)
	_, err = c.serve.Images.Retire(c.ctx, c.guard.Subject, "python-2026")
	c.must(err)
	c.ended(j.Number, "image.retired")
	c.image("python-2027")
	j, err = c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.folder())
	c.must(err)
	c.sql("update image set state = 'retired', retired_at = now() where name = 'python-2027'") // a retirement that missed the job
	if _, ok, err := c.queue.Claim(c.ctx, "late", c.claimKey(), time.Hour, []task.Runtime{task.GVisor}); err != nil || !ok {
		t.Fatal(ok, err)
	}
	c.turns() // the claim is refused
	c.sql("update work set lease_until = now() - interval '1 second' where state = 'claimed'")
	c.turns()
	c.ended(j.Number, "image.not_approved")
}

// TestFailuresOfFolders: on real data an author learns class, file and line, and only of files that are theirs.
func TestFailuresOfFolders(t *testing.T) {
	c := newPictures(t)
	c.image("python-2026")
	for name, want := range map[string]string{"main.py": `"main.py"`, "v4711.py": ""} {
		j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.folder())
		c.must(err)
		c.approve(j)
		c.work(func(letter work.Letter, _ work.Keys) (string, work.Result) {
			if letter.Run == nil || letter.Run.Code.Python == nil {
				t.Errorf("run as %+v", letter)
			}
			return "failed", work.Result{Failure: &task.Failure{Class: task.FailCast, File: name, Line: 2, Message: "4711"}}
		})
		j, err = c.serve.Jobs.Show(c.ctx, c.developer.Subject, j.Number)
		c.must(err)
		if got := string(j.Failure); !strings.Contains(got, want) || strings.Contains(got, "4711") {
			t.Errorf("%s: told %s", name, got)
		}
	}
}

// TestReviewsShowFolders: whoever votes on what a Python job made reads all of its code, as they read SQL.
func TestReviewsShowFolders(t *testing.T) {
	c := newPictures(t)
	c.image("python-2026")
	p := c.folder()
	p.Files = append(p.Files, job.SourceFile{Name: "bands.py", Text: "WIDE = 5\n"})
	j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, p)
	c.must(err)
	c.approve(j)
	c.work(func(_ work.Letter, keys work.Keys) (string, work.Result) { return "success", c.outputs(keys, j.Number) })
	r, err := c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: j.Number, Output: "by_health", Context: "c"})
	c.must(err)
	want := "# file main.py\n" + p.Files[0].Text + "# file bands.py\nWIDE = 5\n"
	for _, seat := range []person{c.officer, c.reviewer} {
		view, err := c.serve.Requests.Show(c.ctx, seat.Subject, r.Number)
		c.must(err)
		if d := cmp.Diff(want, view.Code); d != "" {
			t.Errorf("the code (-want +got):\n%s", d)
		}
	}
}
