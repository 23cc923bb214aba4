package console_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/dataset"
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
	officer.get(t, "/jobs/"+theJob).shows(t, "the page afterwards", "已完成：同意运行", "运营机构席同意运行", "下一席为实施机构审批人")
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
	steward.get(t, "/datasets/"+theDataset+"/versions/1").shows(t, "the version", `id="state">已撤回`)
}

// authorize makes the dataset one that can be granted.
func authorize(t *testing.T, tx *postgres.Tx) error {
	ds, err := tx.Dataset(t.Context(), theDataset)
	if err != nil {
		return err
	}
	return tx.SetDatasetState(t.Context(), ds.ID, string(dataset.Authorizable))
}

// TestActsAreOnesOwn walks every form as somebody who may do nothing there, and every page: nothing is done, nothing of
// another organization is admitted to exist, and no form counts from another site.
func TestActsAreOnesOwn(t *testing.T) {
	w := newTown(t)
	rival := w.signedIn(t, "rival").strong(t, "rival")
	for _, path := range console.Acts() {
		typed := map[string]string{"number": theGrant, "slug": theDataset, "login": "steward", "version": "1", "upload": "01890a5d-ac96-774b-bcce-b302099a8057",
			"fingerprint": "sha256:" + strings.Repeat("0", 64), "identity": "01890a5d-ac96-774b-bcce-b302099a8057", "output": "counts"}
		if strings.HasPrefix(path, "/jobs") {
			typed["number"] = theJob
		}
		filled := fill(path, typed)
		form := once("typed", typed["number"], "package", "name: a", "code", "x", "dataset", theDataset)
		for _, name := range []string{"slug", "login"} {
			if strings.Contains(path, "{"+name+"}") {
				form.Set("typed", typed[name])
			}
		}
		if got := rival.post(t, filled, "cross-site", form); got.status != http.StatusForbidden {
			t.Errorf("%s from another site: %d", path, got.status)
		}
		got := rival.act(t, filled, form)
		own := slices.Contains([]string{"/people/invite"}, path)
		if !own && got.status != http.StatusNotFound && got.status != http.StatusForbidden && got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d %s", path, got.status, got.body)
		}
		if strings.Contains(got.body, "就诊") {
			t.Errorf("%s tells of what is not theirs: %s", path, got.body)
		}
		if got := w.browser(t).act(t, filled, form); got.status != http.StatusUnauthorized {
			t.Errorf("%s without a session: %d", path, got.status)
		}
	}
	chief := w.signedIn(t, "chief")
	chief.get(t, "/jobs/"+theJob).shows(t, "the job, untouched", "已核对")
	for _, page := range console.Pages() {
		path := strings.TrimPrefix(page, console.Prefix)
		if !strings.Contains(path, "{") {
			continue
		}
		number := theGrant
		if strings.HasPrefix(path, "/jobs") {
			number = theJob
		}
		got := rival.get(t, fill(path, map[string]string{"number": number, "slug": theDataset, "login": "steward", "version": "1",
			"upload": "01890a5d-ac96-774b-bcce-b302099a8057", "entry": "01890a5d-ac96-774b-bcce-b302099a8057", "output": "counts", "fingerprint": "sha256:" + strings.Repeat("0", 64)}))
		// A log that is not theirs to read refuses every entry alike.
		if want := map[bool]int{false: http.StatusNotFound, true: http.StatusForbidden}[strings.HasPrefix(path, "/trace")]; got.status != want {
			t.Errorf("%s: got %d, want %d", path, got.status, want)
		}
	}
	rival.get(t, "/jobs/new?from="+theJob).refused(t, "a draft from another's job", 404)
	rival.get(t, "/grants/new?dataset="+theDataset).refused(t, "a grant over what is not theirs to see", 404)
}

// fill puts values into a path's braces.
func fill(path string, values map[string]string) string {
	for name, value := range values {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	return path
}
