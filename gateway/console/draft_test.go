package console_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
)

// TestDraft: a job is begun over what is granted, checked, and asked for; whatever is refused is told on the form with
// what was typed.
func TestDraft(t *testing.T) {
	w := newTown(t)
	dev := w.signedIn(t, "developer")
	dev.get(t, "/jobs").shows(t, "the jobs", `href="/console/jobs/new"`)
	page := dev.get(t, "/jobs/new")
	page.shows(t, "the draft", theGrant, "name: counts-by-plan", "grant: "+theGrant, "plan: [free, shared]", "SELECT resident, plan", "令牌", "就诊次数")
	if strings.Contains(page.body, "居民标识") {
		t.Error("a column outside the grant is offered")
	}
	form := with(page.form(t, "/jobs/check"), "package", area(t, page, "package"), "code", area(t, page, "code"))
	checked := dev.act(t, "/jobs/check", form)
	checked.leads(t, "the check", "/jobs/new?from=J-")
	dev.act(t, "/jobs/check", form).leads(t, "the check, sent twice", strings.TrimPrefix(checked.header.Get("Location"), "/console"))
	told := dev.get(t, strings.TrimPrefix(checked.header.Get("Location"), "/console"))
	told.shows(t, "the answer", "提交会被拒绝", "registration.", "允许的范围", "name: counts-by-plan", "hx-sse:connect", "尚未进行")
	w.work(t, "check", func(func(object.Bucket, []byte) object.Ref) work.Result {
		return work.Result{Check: &task.CheckReport{Findings: []task.CheckFinding{{Code: "grammar.function", Relation: "r", Line: 2, What: "pow", Remedy: "remedy.grammar.function"}}}}
	})
	dev.get(t, strings.TrimPrefix(checked.header.Get("Location"), "/console")).shows(t, "the answer with its code", "grammar.function", "pow", "第 2 行")

	broken := with(page.form(t, "/jobs/check"), "package", "name: <b>x\ninputs: [", "code", "SELECT 1\r\n<script>")
	for _, path := range []string{"/jobs/check", "/jobs/debug", "/jobs/submit"} {
		dev.act(t, path, broken).refused(t, path, 422, "yaml.syntax", "name: &lt;b&gt;x", "SELECT 1\n&lt;script&gt;")
	}
	unknown := strings.ReplaceAll(area(t, page, "package"), "purpose:", "purposes:")
	dev.act(t, "/jobs/check", with(page.form(t, "/jobs/check"), "package", unknown, "code", "x", "once", "fedcba9876543210")).
		refused(t, "an unknown member", 422, "line 2: purposes", "member.unknown")
	dev.act(t, "/jobs/submit", with(page.form(t, "/jobs/check"), "package", area(t, page, "package"), "code", area(t, page, "code"))).
		refused(t, "a submit outside the law", 403, "registration.", "处理建议", "name: counts-by-plan")

	// Another is begun from one that was handed in, by its own people only.
	dev.get(t, "/jobs/"+theJob).shows(t, "a job", `href="/console/jobs/new?from=`+theJob+`"`)
	dev.get(t, "/jobs/new?from="+theJob).shows(t, "a draft from it", "name: visits-by-plan", "SELECT resident, plan, visits FROM visits")
	w.signedIn(t, "officer").get(t, "/jobs/new").shows(t, "an officer's draft", "disabled", "由运营机构开发人员办理")
}

// TestPythonDraft: a job in Python is begun where Python is granted, its main file is the code, the others stay with it,
// and what is said of a file is said at that file.
func TestPythonDraft(t *testing.T) {
	w := newTown(t)
	dev := w.signedIn(t, "developer")
	if page := dev.get(t, "/jobs/new?engine=python"); !strings.Contains(page.body, "engine: sql") || strings.Contains(page.body, "&amp;engine=python") {
		t.Error("Python is offered where it is not granted")
	}
	pgtest.Exec(t, w.DB.Owner, `update data_grant set scope = jsonb_set(scope, '{operations}', '["sql", "python"]') where number = '`+theGrant+`'`)
	pgtest.Exec(t, w.DB.Owner, `insert into image (id, name, digest, sbom, state, proposed_by, proposed_at, approved_by, approved_at)
		select gen_random_uuid(), 'python-2026', d, d, 'approved', gen_random_uuid(), now(), gen_random_uuid(), now() from (select 'sha256:' || repeat('0', 64) as d) one`)
	page := dev.get(t, "/jobs/new?engine=python")
	page.shows(t, "the draft", "&amp;engine=python", "engine: python", "relations:", "代码（Python", "sluice.relation(&#34;r&#34;, granted)")
	form := with(page.form(t, "/jobs/check"), "package", area(t, page, "package"), "code", area(t, page, "code"), "file.bands.py", "CUT = 5\n")
	checked := dev.act(t, "/jobs/check", form)
	checked.leads(t, "the check", "/jobs/new?from=J-")
	at := strings.TrimPrefix(checked.header.Get("Location"), "/console")
	w.work(t, "check", func(func(object.Bucket, []byte) object.Ref) work.Result {
		return work.Result{Check: &task.CheckReport{Findings: []task.CheckFinding{{Code: "python.syntax", File: "bands.py", Line: 1, Remedy: "python.syntax"}}}}
	})
	told := dev.get(t, at)
	told.shows(t, "the answer", `data-mark="file.bands.py" data-line="1"`, "bands.py 第 1 行", "engine: python")
	if main, more := area(t, told, "code"), area(t, told, "file.bands.py"); !strings.HasPrefix(main, "import sluice\n") || more != "CUT = 5\n" {
		t.Errorf("kept %q and %q", main, more)
	}
	dev.act(t, "/jobs/check", with(form, "package", "name: [", "once", "fedcba9876543210")).refused(t, "a broken package", 422, "CUT = 5")
}

// area reads what a page's text area holds.
func area(t *testing.T, r reply, name string) string {
	t.Helper()
	m := regexp.MustCompile(`(?s)<textarea name="` + name + `"[^>]*>\n?(.*?)</textarea>`).FindStringSubmatch(r.body)
	if m == nil {
		t.Fatalf("no text area %s: %s", name, r.body)
	}
	return strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(m[1])
}

// TestProposal: a grant is asked for within the terms; what is wrong is told at its field, what is refused by its rule.
func TestProposal(t *testing.T) {
	w := newTown(t)
	if err := w.Owner.InTx(t.Context(), func(tx *postgres.Tx) error { return authorize(t, tx) }); err != nil {
		t.Fatal(err)
	}
	dev := w.signedIn(t, "developer")
	dev.get(t, "/grants/new").shows(t, "the choice", theDataset)
	page := dev.get(t, "/grants/new?dataset="+theDataset)
	page.shows(t, "the form", theAgreement, `name="column.visits"`, `name="purpose.statistics"`, "≥ 10")
	if strings.Contains(page.body, "column.resident_id") {
		t.Error("a column outside the terms is offered")
	}
	ask := func(more ...string) reply {
		form := with(page.form(t, "/grants/new"), "agreement", theAgreement, "column.plan", "on", "purpose.statistics", "on", "operation.sql", "on",
			"output.table", "on", "from", day(1).String(), "to", day(20).String(), "min_units", "10", "level_cap", "2", "version_from", "1", "runs", "3",
			"rows", "1,000", "lawful_basis", "a basis", "once", "fedcba9876543210"+url.QueryEscape(strings.Join(more, ""))[:min(8, len(url.QueryEscape(strings.Join(more, ""))))])
		return dev.act(t, "/grants/new", with(form, more...))
	}
	ask("runs", "many", "to", "soon").refused(t, "fields that are none", 422, "form.runs", "form.to", `value="many"`, `name="column.plan" checked`)
	ask("runs", "0").refused(t, "a budget of nothing", 422, "budget.runs", "budget.out_of_range")
	ask("column.resident_id", "on").refused(t, "a column beyond the terms", 403, "resident_id", "处理建议")
	made := ask()
	made.leads(t, "the request", "/grants/G-")
	at := strings.TrimPrefix(made.header.Get("Location"), "/console")
	dev.get(t, at).shows(t, "the grant", "已完成：申请授权", "disabled", "由实施机构审批人办理")
	chief := w.signedIn(t, "chief").strong(t, "chief")
	chief.act(t, at+"/approve", chief.get(t, at).form(t, at+"/approve")).leads(t, "the approval", at)
	chief.get(t, at).shows(t, "the grant", `id="state">有效`)
	dev.get(t, "/datasets/"+theDataset+"?tab=grants").shows(t, "what covers a dataset", strings.TrimPrefix(at, "/grants/"), theGrant)
	w.signedIn(t, "steward").get(t, "/datasets/"+theDataset+"?tab=usage").shows(t, "who used it", "这个月没有人使用")
}
