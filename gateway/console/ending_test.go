package console_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
)

// TestOutputsAreEndedByTheirOperator: what the rules blocked is ended by its operator's people alone, by typing its name. The job
// closes with the last of its outputs.
func TestOutputsAreEndedByTheirOperator(t *testing.T) {
	w := newTown(t)
	w.desk(t)
	const results = "/jobs/" + theReviewed + "?tab=results"
	end := func(name string) string { return "/jobs/" + theReviewed + "/outputs/" + name + "/destroy" }
	link := func(name string) string { return fmt.Sprintf(`href="/console%s"`, end(name)) }
	developer, chief := w.signedIn(t, "developer"), w.signedIn(t, "chief")
	got := developer.get(t, results)
	got.shows(t, "the results", link("counts_small"), "销毁结果")
	if strings.Contains(got.body, link("counts")) {
		t.Error("what is under review can be ended")
	}
	if got := chief.get(t, results); strings.Contains(got.body, "/destroy") {
		t.Error("the agency is led to end an operator's output")
	}
	chief.get(t, end("counts_small")).shows(t, "the agency's question", "disabled", "由运营机构开发人员或安全负责人办理")

	developer.strong(t, "developer")
	for _, c := range []struct{ name, before, job string }{
		{"counts_small", "", "输出待审"},
		{"counts", "update request set state = 'withdrawn'; update output set state = 'auto_checked' where name = 'counts'", "已关闭"},
	} {
		if c.before != "" {
			pgtest.Exec(t, w.DB.Owner, c.before)
		}
		asks := developer.get(t, end(c.name))
		asks.shows(t, "the question", "请键入 "+c.name+" 以确认", "不能恢复", "sluice output destroy "+theReviewed+" "+c.name)
		form := asks.form(t, end(c.name))
		developer.act(t, end(c.name), with(form, "typed", theReviewed)).refused(t, "another name", 422, "typed.differs")
		developer.act(t, end(c.name), with(developer.get(t, end(c.name)).form(t, end(c.name)), "typed", c.name)).leads(t, "the end", results)
		got := developer.get(t, results)
		got.shows(t, "the results", "已销毁", `id="state">`+c.job)
		if strings.Contains(got.body, link(c.name)) {
			t.Errorf("%s has ended and can be ended", c.name)
		}
	}
}

// TestProductsAreRecalled: the agency's approver takes a product back for a reason of the closed list, and everybody who looks at
// it is told.
func TestProductsAreRecalled(t *testing.T) {
	w := newTown(t)
	w.profiled(t)
	w.desk(t)
	number := w.release(t)
	at, recall := "/releases/"+number, "/releases/"+number+"/recall"
	developer, chief := w.signedIn(t, "developer"), w.signedIn(t, "chief")
	if got := developer.get(t, at); strings.Contains(got.body, "召回产品") {
		t.Error("the operator is offered a recall")
	}
	chief.get(t, at).shows(t, "the release", `href="/console`+recall+`"`, "召回产品")
	chief.strong(t, "chief")
	chief.get(t, recall).shows(t, "the question", "请键入 "+number+" 以确认", `value="disclosure"`, "可能泄露个人信息", "sluice release recall "+number)
	typed := func(more ...string) []string { return append([]string{"typed", number}, more...) }
	chief.act(t, recall, with(chief.get(t, recall).form(t, recall), typed("reason", "")...)).refused(t, "no reason", 422, "reason.unknown")
	chief.act(t, recall, with(chief.get(t, recall).form(t, recall), "typed", "D-2026-9999", "reason", "error")).refused(t, "another number", 422, "typed.differs", `value="error" selected`)
	chief.act(t, recall, with(chief.get(t, recall).form(t, recall), typed("reason", "error")...)).leads(t, "the recall", at)
	chief.get(t, at).shows(t, "the release", `id="state">已召回`)
	developer.get(t, at).shows(t, "its operator's page", `id="state">已召回`)
	chief.act(t, recall, once(typed("reason", "error")...)).refused(t, "a second recall", 409, "release.move_not_allowed")
}

// TestLogsAreAPageAway: who reads the trace comes from a person to what they did, and nobody else is led there.
func TestLogsAreAPageAway(t *testing.T) {
	w := newTown(t)
	steward := w.signedIn(t, "steward")
	w.Settled(t)
	link := regexp.MustCompile(`href="/console(/trace\?who=[0-9a-f]{64})"`).FindStringSubmatch(steward.get(t, "/trace?act=dataset.declare").body)
	if link == nil {
		t.Fatal("an entry does not lead to what else its person did")
	}
	steward.get(t, link[1]).shows(t, "what a person did", "dataset.declare", `value="`+strings.TrimPrefix(link[1], "/trace?who=")+`"`)
	steward.get(t, "/people/steward").shows(t, "a person", `href="/console/trace?who=steward"`)
	if got := w.signedIn(t, "developer").get(t, "/people/developer"); got.status != 200 || strings.Contains(got.body, "/trace?who=") {
		t.Errorf("who reads no trace is led to it: %d", got.status)
	}
}

// TestColumnsSayWhichGrantsGiveThem: an operator's dictionary names its own grants in force beside each column they give, and
// nobody else's says anything of grants.
func TestColumnsSayWhichGrantsGiveThem(t *testing.T) {
	w := newTown(t)
	const dictionary = "/datasets/" + theDataset
	link := `href="/console/grants/` + theGrant + `"`
	got := w.signedIn(t, "developer").get(t, dictionary)
	got.shows(t, "the dictionary", "我的授权")
	rows := regexp.MustCompile(`<tr><td><code>([a-z_]+)</code>.*?</tr>`).FindAllStringSubmatch(got.body, -1)
	var given []string
	for _, row := range rows {
		if strings.Contains(row[0], link) {
			given = append(given, row[1])
		}
	}
	if !slices.Equal(given, []string{"plan", "visits"}) || len(rows) < 3 {
		t.Errorf("of %d columns, %v are granted", len(rows), given)
	}
	for _, login := range []string{"steward", "chief", "rival"} {
		if got := w.signedIn(t, login).get(t, dictionary); strings.Contains(got.body, link) || strings.Contains(got.body, "我的授权") {
			t.Errorf("%s is told of another's grants", login)
		}
	}
	pgtest.Exec(t, w.DB.Owner, "update data_grant set state = 'suspended'")
	if got := w.signedIn(t, "developer").get(t, dictionary); strings.Contains(got.body, link) {
		t.Error("a grant that is not in force gives columns")
	}
}

// TestPartiesAreNamed: agreements and grants show what their parties are called, beside the numbers.
func TestPartiesAreNamed(t *testing.T) {
	w := newTown(t)
	operator, agency := w.homes["operator"], w.homes["implementing_agency"]
	named := func(number string) string {
		o, err := w.Admin.Orgs.Show(t.Context(), number)
		if err != nil || o.Name == "" {
			t.Fatalf("%s is called %q: %v", number, o.Name, err)
		}
		return o.Name + ` <span class="quiet">` + number
	}
	// Each looks for the other: one's own name stands above every page.
	for login, other := range map[string]string{"chief": operator, "developer": agency} {
		for _, path := range []string{"/agreements", "/agreements/" + theAgreement} {
			w.signedIn(t, login).get(t, path).shows(t, path, named(other))
		}
	}
	for _, path := range []string{"/grants", "/grants/" + theGrant} {
		w.signedIn(t, "chief").get(t, path).shows(t, path, named(operator))
	}
}
