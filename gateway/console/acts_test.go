package console_test

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/gateway/console"
	"github.com/sluicedata/sluice/gateway/providertest"
)

// strong makes a browser's session strong, by a one-time password that its holder enrolled before.
func (b *browser) strong(t *testing.T, login string) *browser {
	t.Helper()
	made, err := b.keys[login].Factors.Enrol(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.keys[login].Factors.Confirm(t.Context(), providertest.OneTime(t, made.Secret, b.Now())); err != nil {
		t.Fatal(err)
	}
	b.Pass(time.Minute)
	got := b.post(t, "/strength", "same-origin", url.Values{"totp": {providertest.OneTime(t, made.Secret, b.Now())}})
	if got.status != http.StatusSeeOther {
		t.Fatalf("proving a second factor: %d %s", got.status, got.body)
	}
	return b
}

// form reads the hidden fields of the form that a page sends to an address below the console.
func (r reply) form(t *testing.T, action string) url.Values {
	t.Helper()
	body := regexp.MustCompile(`(?s)<form[^>]* action="` + regexp.QuoteMeta(console.Prefix+action) + `"[^>]*>(.*?)</form>`).FindStringSubmatch(r.body)
	if body == nil {
		t.Fatalf("no form for %s: %d %s", action, r.status, r.body)
	}
	fields := url.Values{}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`).FindAllStringSubmatch(body[1], -1) {
		fields.Set(m[1], html.UnescapeString(m[2]))
	}
	return fields
}

// with returns a form with more fields filled in.
func with(form url.Values, pairs ...string) url.Values {
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// once is a form that nothing but its key makes count.
func once(pairs ...string) url.Values {
	return with(url.Values{"once": {"0123456789abcdef0123"}}, pairs...)
}

func (r reply) leads(t *testing.T, what, to string) {
	t.Helper()
	if at := r.header.Get("Location"); r.status != http.StatusSeeOther || !strings.HasPrefix(at, console.Prefix+to) {
		t.Errorf("%s leads to %q: %d %s", what, at, r.status, r.body)
	}
}

func (r reply) refused(t *testing.T, what string, status int, texts ...string) {
	t.Helper()
	if r.status != status {
		t.Errorf("%s: got %d, want %d", what, r.status, status)
	}
	r.shows(t, what, texts...)
}

// send posts a form of this site's own.
func (b *browser) act(t *testing.T, path string, form url.Values) reply {
	t.Helper()
	return b.post(t, path, "same-origin", form)
}

// TestConsent: a run is consented to by the operator's officer and then by the agency, each once and on what they saw;
// anybody else is told who does it.
func TestConsent(t *testing.T) {
	w := newTown(t)
	const path = "/jobs/" + theJob + "/approve"
	w.signedIn(t, "developer").get(t, "/jobs/"+theJob).shows(t, "a developer's page", "disabled", "由运营机构安全负责人、实施机构审批人办理")
	w.signedIn(t, "developer").act(t, path, once()).refused(t, "a developer's consent", 403, "access.not_permitted")
	chief := w.signedIn(t, "chief")
	chief.get(t, "/jobs/"+theJob).shows(t, "the agency's page, too early", "先由运营机构安全负责人同意")

	officer := w.signedIn(t, "officer")
	page := officer.get(t, "/jobs/"+theJob)
	form := page.form(t, path)
	officer.act(t, path, form).refused(t, "a weak session", 403, "session.strength", `href="/console/strength?next=%2fconsole%2fjobs%2f`+theJob)
	officer.strong(t, "officer")
	chief.strong(t, "chief").act(t, path, once()).refused(t, "the second seat first", 409, "job.seat_order")
	if form.Get("seen") == "" {
		t.Fatal("the form names no state")
	}
	officer.act(t, path, with(officer.get(t, "/jobs/"+theJob).form(t, path), "seen", "0000")).refused(t, "another state", 412, "object.changed", "同意运行")
	officer.get(t, "/jobs/"+theJob).shows(t, "the page", `href="/console/jobs/`+theJob+`/refuse"`)
	form = officer.get(t, "/jobs/"+theJob).form(t, path)
	for range 2 {
		officer.act(t, path, form).leads(t, "the consent, also when it is sent twice", "/jobs/"+theJob)
	}
	officer.get(t, "/jobs/"+theJob).shows(t, "the page afterwards", "已完成：同意运行", "</time> 运营机构席同意运行", "下一席为实施机构审批人")
	if again := officer.get(t, "/jobs/"+theJob); strings.Contains(again.body, "已完成：") {
		t.Error("what was done is told twice")
	}
	// The town's version was never read in: the second consent would queue the run, and nothing of it is done.
	chief.act(t, path, chief.get(t, "/jobs/"+theJob).form(t, path)).refused(t, "a consent that cannot be kept", 409, "version.not_available", "待实施机构席同意")
}

// TestDangerAsks: what cannot be taken back says what it stops, and counts only when the number was typed.
func TestDangerAsks(t *testing.T) {
	w := newTown(t)
	chief := w.signedIn(t, "chief")
	const path = "/grants/" + theGrant + "/revoke"
	chief.get(t, "/grants/"+theGrant).shows(t, "the grant", `href="/console`+path+`"`, "撤销授权")
	asks := chief.get(t, path)
	asks.shows(t, "the question", theJob, "请键入 "+theGrant+" 以确认", "不能恢复", "sluice grant revoke "+theGrant)
	if strings.Contains(asks.body, theFailure) {
		t.Error("what has ended would stop")
	}
	chief.strong(t, "chief")
	form := chief.get(t, path).form(t, path)
	chief.act(t, path, with(form, "typed", "G-2026-0902")).refused(t, "another number", 422, "typed.differs", theJob)
	chief.get(t, "/grants/"+theGrant).shows(t, "the grant, untouched", `id="state">有效`)
	chief.act(t, path, with(chief.get(t, path).form(t, path), "typed", theGrant)).leads(t, "the revocation", "/grants/"+theGrant)
	chief.get(t, "/grants/"+theGrant).shows(t, "the grant", `id="state">已撤销`)
	chief.get(t, "/jobs/"+theJob).shows(t, "its job", "grant.revoked")
	chief.act(t, path, once("typed", theGrant)).refused(t, "a second revocation", 409, "grant.move_not_allowed")

	// What is refused says why, to the other side too.
	no := "/grants/" + theProposal + "/refuse"
	chief.act(t, no, with(chief.get(t, no).form(t, no), "reason", " ")).refused(t, "no reason", 422, "reason.missing")
	chief.act(t, no, with(chief.get(t, no).form(t, no), "reason", "用途 <b>不符</b>")).leads(t, "the refusal", "/grants/"+theProposal)
	w.signedIn(t, "developer").get(t, "/grants/"+theProposal).shows(t, "the refused grant", `id="state">已拒绝`, "实施机构不予批准：", "用途 &lt;b&gt;不符")

	// The provider freezes, withdraws and sees what that stops; the operator cancels.
	w.Owner.InTx(t.Context(), func(tx *postgres.Tx) error { return authorize(t, tx) })
	steward := w.signedIn(t, "steward").strong(t, "steward")
	steward.get(t, "/datasets/"+theDataset).shows(t, "the dataset", "冻结数据集", "下架数据集", "发布数据")
	freeze := "/datasets/" + theDataset + "/freeze"
	steward.act(t, freeze, with(steward.get(t, freeze).form(t, freeze), "typed", theDataset)).leads(t, "the freeze", "/datasets/"+theDataset)
	steward.get(t, "/datasets/"+theDataset).shows(t, "the dataset", "已冻结", "解除冻结")
	thaw := "/datasets/" + theDataset + "/thaw"
	steward.act(t, thaw, steward.get(t, "/datasets/"+theDataset).form(t, thaw)).leads(t, "the thaw", "/datasets/"+theDataset)
	withdraw := "/datasets/" + theDataset + "/versions/1/withdraw"
	steward.act(t, withdraw, with(steward.get(t, withdraw).form(t, withdraw), "typed", theDataset)).leads(t, "the withdrawal", "/datasets/"+theDataset+"/versions/1")
	steward.get(t, "/datasets/"+theDataset+"/versions/1").shows(t, "the version", `id="state">已撤回`, `href="/console/datasets/`+theDataset+`?tab=log"`)
}

// authorize makes the dataset one that can be granted.
func authorize(t *testing.T, tx *postgres.Tx) error {
	ds, err := tx.Dataset(t.Context(), theDataset)
	if err != nil {
		return err
	}
	return tx.SetDatasetState(t.Context(), ds.ID, string(dataset.Authorizable))
}

// form is one line of the table of forms that are about something somebody owns.
type form struct {
	path  string
	owner string // one of those whose it is; "applicant" and "authority" come with the test
	page  string // where the owner sees what it is about; "": the object's own page
	// denied says that it names no object in its path: others are refused by what they are, or by what it names within.
	denied bool
	// but may send it: about something of their own, or about what they may see and not change.
	but []string
	// more are fields it has filled in otherwise than the rest.
	more []string
}

// forms are all of them. What each is about, estate says.
func forms() []form {
	const set, version = "/datasets/{slug}", "/datasets/{slug}/versions/{version}"
	return []form{
		{path: "/jobs/check", owner: "developer", page: "/jobs/new", denied: true, but: []string{"another-developer"}},
		{path: "/jobs/debug", owner: "developer", page: "/jobs/new", denied: true}, {path: "/jobs/submit", owner: "developer", page: "/jobs/new", denied: true},
		{path: "/jobs/{number}/approve", owner: "officer"}, {path: "/jobs/{number}/refuse", owner: "officer"}, {path: "/jobs/{number}/cancel", owner: "developer"},
		{path: "/jobs/{number}/outputs/{output}/review", owner: "developer", page: "/jobs/{number}/outputs/{output}/review"},
		{path: "/jobs/{number}/outputs/{output}/destroy", owner: "developer", page: "/jobs/{number}/outputs/{output}/destroy", more: []string{"typed", "counts"}},
		{path: "/releases/{number}/recall", owner: "chief", more: []string{"reason", "error"}},
		{path: "/grants/new", owner: "developer", page: "/grants/new?dataset=" + theDataset}, {path: "/grants/{number}/approve", owner: "chief"},
		{path: "/grants/{number}/allow", owner: "chief"}, {path: "/grants/{number}/refuse", owner: "chief"}, {path: "/grants/{number}/revoke", owner: "chief"},
		{path: set + "/freeze", owner: "steward"}, {path: set + "/thaw", owner: "steward"}, {path: set + "/retire", owner: "steward"}, {path: set + "/terms", owner: "steward"},
		{path: version + "/withdraw", owner: "steward", page: version}, {path: version + "/profile", owner: "steward", page: version},
		{path: version + "/preview", owner: "steward", page: version},
		{path: version + "/profile/sign", owner: "steward", page: version},
		{path: version + "/profile/sign/ask", owner: "steward", page: version},
		{path: "/uploads", owner: "steward", page: "/datasets/new?dataset=" + theDataset, denied: true}, {path: "/uploads/{upload}/publish", owner: "steward"},
		{path: "/uploads/{upload}/inspect", owner: "steward"}, {path: "/uploads/{upload}/drop", owner: "steward"},
		{path: "/people/{login}/roles", owner: "developer"}, {path: "/people/{login}/remove", owner: "developer"}, {path: "/people/{login}/link", owner: "developer"},
		{path: "/people/{login}/recover", owner: "developer"}, {path: "/people/{login}/keys/{fingerprint}/revoke", owner: "developer"},
		{path: "/keys/{fingerprint}/admit", owner: "developer", page: "/people?tab=keys"}, {path: "/keys/add", owner: "officer", page: "/keys"},
		{path: "/identities/{identity}/admit", owner: "developer", page: "/people?tab=identities"},
		{path: "/people/{login}/identities/{identity}/revoke", owner: "developer"},
		{path: "/registrations/new", owner: "applicant", page: "/registrations/new?dataset=" + theDataset}, {path: "/registrations/{number}/accept", owner: "registrar"},
		{path: "/registrations/{number}/notice", owner: "registrar"}, {path: "/registrations/{number}/code", owner: "registrar"},
		{path: "/agreements/new", owner: "chief", page: "/agreements/new", denied: true, but: []string{"another-chief"}},
		{path: "/agreements/{number}/sign", owner: "chief"}, {path: "/agreements/{number}/file", owner: "authority"},
		{path: "/reviews/{number}/vote/ask", owner: "officer"}, {path: "/reviews/{number}/vote", owner: "officer"},
		{path: "/reviews/{number}/comments", owner: "officer"}, {path: "/reviews/{number}/return", owner: "officer"},
		{path: "/reviews/{number}/withdraw", owner: "developer"}, {path: "/reviews/{number}/resubmit", owner: "developer"},
		{path: "/profile/keys/{fingerprint}/end", owner: "officer", page: "/profile"},
	}
}

// door is why a form is everybody's.
const door = "nobody need be known to send it"

// aboutOneself are the other forms, and why nothing of another's can be named in them.
func aboutOneself() map[string]string {
	const oneself, home = "it is about who sends it", "it is about the sender's own organization"
	return map[string]string{
		"/enrol": door, "/login/password": door, "/login/passkey": door, "/login/passkey/ask": door, "/logout": door, "/look": door, "/strength/passkey/ask": door,
		"/strength": oneself, "/strength/passkey": oneself, "/profile/password": oneself, "/profile/codes": oneself, "/profile/factor": oneself,
		"/profile/factor/confirm": oneself, "/profile/passkeys": oneself, "/profile/passkeys/ask": oneself, "/profile/sessions/end": oneself,
		"/people/invite": home,
	}
}

// strangers are people of other organizations who have every right at home that the town's people have here: what keeps
// them out is whose the object is. The rival has none.
func strangers() map[string]person {
	return map[string]person{
		"another-steward":   {org.DataProvider, []org.Role{org.OrgAdmin, org.DataSteward}},
		"another-chief":     {org.ImplementingAgency, []org.Role{org.OrgAdmin, org.Approver, org.OutputReviewer}},
		"another-developer": {org.Operator, []org.Role{org.OrgAdmin, org.Developer, org.Approver}},
		"another-officer":   {org.Operator, []org.Role{org.OrgAdmin, org.SecurityOfficer}},
		"another-applicant": {org.Registrant, []org.Role{org.OrgAdmin, org.Applicant}},
	}
}

// TestEveryFormIsSomeones: every form of the console is held by TestActsAreOnesOwn, or cannot be about another's.
func TestEveryFormIsSomeones(t *testing.T) {
	held := slices.Collect(maps.Keys(aboutOneself()))
	for _, f := range forms() {
		held = append(held, f.path)
	}
	covers(t, http.MethodPost, held)
}

// covers holds what a test walks against what the console has for a method.
func covers(t *testing.T, method string, walked []string) {
	t.Helper()
	routes := console.Routes(method)
	for _, path := range routes {
		if !slices.Contains(walked, path) {
			t.Errorf("%s %s is held against nothing", method, path)
		}
	}
	for _, path := range walked {
		if !slices.Contains(routes, path) {
			t.Errorf("the console has no %s %s", method, path)
		}
	}
}

// TestActsAreOnesOwn walks every form as people who may do the like at home: nothing is done, nothing of another
// organization is admitted to exist, and no form counts from another site or from nobody. The same form of somebody whose
// object it is gets further: what is unknown to others is there.
func TestActsAreOnesOwn(t *testing.T) {
	w := newTown(t, append(slices.Collect(maps.Keys(strangers())), "applicant", "authority")...)
	e := w.stock(t)
	for login, who := range strangers() {
		w.resident(t, house{number: w.Org(t, "另一 "+login, who.home), lead: w.Admin}, login, who.roles...)
	}
	for _, login := range append(slices.Collect(maps.Keys(strangers())), "rival") {
		d, _ := w.enrolled(t, login, "platform")
		b := w.signedIn(t, login)
		b.madeStrong(t, login)
		ask, _ := b.ask(t, "/login/passkey/ask", nil)
		for _, f := range forms() {
			f.foreign(t, b, login, e.fill(f.path), w.filled(t, e, f, "answer", string(d.Get(t, ask))))
		}
	}
	nobody, rival := w.browser(t), w.signedIn(t, "rival")
	for _, path := range console.Routes(http.MethodPost) {
		if got := rival.post(t, e.fill(path), "cross-site", once()); got.status != http.StatusForbidden {
			t.Errorf("%s from another site: %d", path, got.status)
		}
		if got := nobody.act(t, e.fill(path), once()); aboutOneself()[path] != door && got.status != http.StatusUnauthorized {
			t.Errorf("%s without a session: %d", path, got.status)
		}
	}
	w.signedIn(t, "chief").get(t, "/jobs/"+theJob).shows(t, "the job, untouched", "已核对")
	w.owners(t, e)
	rival.get(t, "/jobs/new?from="+theJob).refused(t, "a draft from another's job", 404)
	rival.get(t, "/grants/new?dataset="+theDataset).refused(t, "a grant over what is not theirs to see", 404)
}

// owners sends every form as one whose object it is, in a session that is too weak to change much.
func (w *town) owners(t *testing.T, e estate) {
	t.Helper()
	provider := w.homes[string(org.DataProvider)]
	if _, err := w.Admin.Orgs.GrantCapacity(t.Context(), provider, org.CapacitySpec{Capacity: org.Registrant, Document: "a document"}); err != nil {
		t.Fatal(err)
	}
	b := map[string]*browser{
		"applicant": w.resident(t, house{number: provider, lead: w.keys["steward"]}, "applicant", org.Applicant),
		"authority": w.resident(t, house{number: w.Org(t, "主管部门", org.DataAuthority), lead: w.Admin}, "authority", org.OrgAdmin, org.Approver),
	}
	for login := range residents() {
		b[login] = w.signedIn(t, login)
	}
	for _, f := range forms() {
		if got := b[f.owner].get(t, e.fill(f.at())); got.status != http.StatusOK {
			t.Errorf("%s, whose it is, opens %s: %d %s", f.owner, f.at(), got.status, got.body)
		}
	}
	for _, f := range forms() {
		got := f.send(t, b[f.owner], e.fill(f.path), w.filled(t, e, f))
		unread := got.status == http.StatusUnprocessableEntity && !strings.Contains(got.body, "signature.")
		if unread || got.status == http.StatusNotFound || got.status == http.StatusUnauthorized || got.status >= 500 || strings.Contains(got.body, "access.not_permitted") {
			t.Errorf("%s, whose it is, sends %s: %d %s", f.owner, f.path, got.status, got.body)
		}
	}
}

// at is where the owner sees what a form is about: its first two parts name the object.
func (f form) at() string {
	if f.page != "" {
		return f.page
	}
	return strings.Join(strings.Split(f.path, "/")[:3], "/")
}

// filled is a form that has whatever any form asks for, and names the town's own.
func (w *town) filled(t *testing.T, e estate, f form, more ...string) url.Values {
	t.Helper()
	text, err := jobPackage().YAML("main.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, _, key := madeKey(t)
	named := strings.Split(e.fill(f.path)+"//", "/")[2] // what the path names first is what has to be typed
	digest := string(name.DigestOf([]byte("a")))
	return with(once("typed", named, "package", string(text), "code", jobPackage().Code, "grant", theGrant, "dataset", theDataset, "dataset."+theDataset, "on",
		"agreement", theAgreement, "operator", w.homes["operator"], "column.plan", "on", "purpose.statistics", "on", "purposes", "statistics", "operation.sql", "on",
		"output.table", "on", "from", day(1).String(), "to", day(20).String(), "min_units", "10", "level_cap", "2", "version_from", "1", "runs", "3", "rows", "1000",
		"lawful_basis", "a basis", "approval", "manual", "decision", "approve", "decided", day(0).String(), "document", digest, "commitment", digest, "evidence", digest,
		"declare.no_state_secret", "on", "declare.trade_secret_handled", "on", "declare.personal_handled", "on", "declare.risk_assessed", "on", "summary", "visits",
		"reason", "no need", "reason.context_unclear", "on", "text", "see here", "context", "a report", "receipt", "a receipt", "role.auditor", "on",
		"pem", key, "replaces", e["fingerprint"], "payload", "e30=", "answer", "{}"), slices.Concat(f.more, more)...)
}

// send sends a form; a file goes in a form of its own, with the rest in its address.
func (f form) send(t *testing.T, b *browser, at string, form url.Values) reply {
	t.Helper()
	if f.path != "/uploads" {
		return b.act(t, at, form)
	}
	body, kind := file(t, "a.csv", "a,b\n1,2\n")
	return b.upload(t, at+"?"+url.Values{"once": form["once"], "dataset": form["dataset"], "encoding": {""}, "sheet": {""}}.Encode(), body, kind)
}

// foreign sends a form about what is another organization's.
func (f form) foreign(t *testing.T, b *browser, login, at string, form url.Values) {
	t.Helper()
	got := f.send(t, b, at, form)
	if strings.Contains(got.body, "就诊") {
		t.Errorf("%s learns from %s what is not theirs: %s", login, f.path, got.body)
	}
	theirs := slices.Contains(f.but, login)
	if to := got.header.Get("Location"); theirs && to != "" {
		if got = b.get(t, strings.TrimPrefix(to, console.Prefix)); strings.Contains(got.body, "就诊") {
			t.Errorf("%s leads %s to what is not theirs: %s", f.path, login, got.body)
		}
	}
	if unknown := got.status == http.StatusNotFound || f.denied && got.status == http.StatusForbidden; theirs && got.status != http.StatusOK || !theirs && !unknown {
		t.Errorf("%s sends %s: got %d %s", login, f.path, got.status, got.body)
	}
}
