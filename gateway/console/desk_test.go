package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/passkey/passkeytest"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
)

// What lies on the town's desk.
const (
	theReviewed = "J-2026-0903"
	theRequest  = "Q-2026-0901"
	theContext  = `<i>yearly</i> report`
	// theFigures are the values of the output under review. Nothing else on any page has them.
	theFigures = "plan,people\nfree,31415\nshared,27180\n"
)

// figures finds the values of the output, however they are written.
func figures() *regexp.Regexp { return regexp.MustCompile(`31,?415|27,?180`) }

// desk puts an output under review, beside another one of its job that is blocked.
func (w *town) desk(t *testing.T) {
	t.Helper()
	ctx, key := t.Context(), w.dataKey(t)
	ref, err := w.Store.Open(t, object.Worker).Put(ctx, object.Output, key, bytes.NewReader([]byte(theFigures)))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Owner.InTx(ctx, func(tx *postgres.Tx) error { return w.review(ctx, tx, ref) }); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, w.DB.Owner, "update job set data_key = '"+key.ID+"' where number = '"+theReviewed+"'")
}

// dataKey puts a new key on the record.
func (w *town) dataKey(t *testing.T) (key object.DataKey) {
	t.Helper()
	if err := w.Owner.InTx(t.Context(), func(tx *postgres.Tx) (err error) {
		key, err = dataKey(t.Context(), tx)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return key
}

// dataKey makes a key as the gateway does: sealed to the keeper.
func dataKey(ctx context.Context, tx *postgres.Tx) (key object.DataKey, err error) {
	raw, err := tx.Setting(ctx, catalog.WrapSetting)
	if err != nil {
		return key, err
	}
	var encoded []byte
	if err := json.Unmarshal(raw, &encoded); err != nil {
		return key, err
	}
	public, err := keyring.ParsePublicKey(encoded)
	if err != nil {
		return key, err
	}
	if key, err = object.NewDataKey(name.NewID().String(), bytes.Repeat([]byte{7}, 32)); err != nil {
		return key, err
	}
	w, err := keyring.WrapTo(public, catalog.KeyInfo(key.ID), key.Secret[:])
	if err != nil {
		return key, err
	}
	return key, tx.InsertDataKey(ctx, postgres.DataKey{
		ID: key.ID, Purpose: "job", Suite: w.Suite, Wrapped: w.Bytes, WrapKey: &w.Key, CreatedAt: time.Now(),
	})
}

func (w *town) review(ctx context.Context, tx *postgres.Tx, ref object.Ref) error {
	now := time.Now()
	agency, err := tx.OrgByNumber(ctx, w.homes[string(org.ImplementingAgency)])
	if err != nil {
		return err
	}
	before, err := tx.Job(ctx, theJob)
	if err != nil {
		return err
	}
	inputs, err := tx.JobInputs(ctx, before.ID)
	if err != nil {
		return err
	}
	row := before
	row.ID, row.Number, row.State = name.NewID().String(), theReviewed, "output_quarantined"
	inputs[0].Job = row.ID
	if err := tx.InsertJob(ctx, row, inputs); err != nil {
		return err
	}
	body, err := json.Marshal(ref)
	if err != nil {
		return err
	}
	schema, err := json.Marshal(jobPackage().Outputs[0].Table)
	if err != nil {
		return err
	}
	blocked := `[{"code":"people.below_threshold","cells":[["shared"]],"remedy":"remedy.people.below_threshold"}]`
	var outputID string
	for _, o := range []struct{ name, state, findings string }{{"counts", "in_review", "[]"}, {"counts_small", "blocked", blocked}} {
		id := name.NewID().String()
		if o.state == "in_review" {
			outputID = id
		}
		if err := tx.InsertOutput(ctx, postgres.Output{
			ID: id, Job: row.ID, Name: o.name, State: o.state, Digest: ref.Digest, EvidenceDigest: ref.Digest, Rows: 2, Object: body,
			Membership: json.RawMessage(`{}`), Evidence: json.RawMessage(`{}`), Schema: schema, Findings: json.RawMessage(o.findings),
			Revision: "test", CreatedAt: now,
		}); err != nil {
			return err
		}
	}
	return tx.InsertRequest(ctx, postgres.Request{
		ID: name.NewID().String(), Number: theRequest, Output: outputID, Agency: agency.ID, Operator: before.Org, OpenedBy: before.Author,
		Context: theContext, State: "in_review", CreatedAt: now,
	})
}

const theDesk = "/reviews/" + theRequest

// seated returns a browser in which somebody signed in by their passkey.
func (w *town) seated(t *testing.T, login, admin string) (*browser, *passkeytest.Authenticator) {
	t.Helper()
	d, _ := w.enrolled(t, login, admin)
	b := w.browser(t)
	if to := b.signInWith(t, d, nil); to != "/console/profile" {
		t.Fatalf("%s is led to %s", login, to)
	}
	return b, d
}

// onceOf is the field that makes a form of a page count once.
func onceOf(t *testing.T, page reply) string {
	t.Helper()
	found := regexp.MustCompile(`name="once" value="([A-Z2-7]+)"`).FindStringSubmatch(page.body)
	if found == nil {
		t.Fatalf("no form: %d %s", page.status, page.body)
	}
	return found[1]
}

// votes casts a vote as the page does.
func (b *browser) votes(t *testing.T, d *passkeytest.Authenticator, decision, text string) reply {
	t.Helper()
	form := url.Values{"decision": {decision}, "text": {text}, "once": {onceOf(t, b.get(t, theDesk))}}
	ask, payload := b.ask(t, theDesk+"/vote/ask", form)
	form.Set("payload", payload)
	form.Set("answer", string(d.Get(t, ask)))
	return b.post(t, theDesk+"/vote", "same-origin", form)
}

// TestDeskSeats: the agency's seat sees values, each view on the trace; the operator's people see code, schema, evidence
// and labels, and no figure on any page; to everybody else the request is unknown.
func TestDeskSeats(t *testing.T) {
	w := newTown(t)
	w.desk(t)
	chief := w.signedIn(t, "chief")
	chief.get(t, "/reviews").shows(t, "the queue", theRequest, "还剩 5 个工作日")
	views := func() int {
		return pgtest.Count(t, w.DB.Owner, "select count(*) from decision where request->>'action' = 'output.fetch' and request->'subject'->>'process' is null")
	}
	weak := chief.get(t, theDesk)
	weak.shows(t, "a weak session's desk", "查看数值须为强会话")
	if figures().MatchString(weak.body) {
		t.Error("a weak session sees figures")
	}
	chief.madeStrong(t, "chief")
	before := views()
	page := chief.get(t, theDesk)
	page.shows(t, "the agency's desk", "31,415", "27,180", "本次查看已留痕", "&lt;i&gt;yearly&lt;/i&gt; report", "拟出域数值 2 个", "列汇总", theGrant, "轮到你")
	if views() <= before {
		t.Error("a view of values is not on the trace")
	}
	before = views()
	chief.get(t, theDesk+"?tab=code").shows(t, "the code", "SELECT resident, plan, visits", "此名称下首次放行")
	if views() != before {
		t.Error("looking at the code opens values")
	}
	for _, login := range []string{"officer", "developer"} {
		b := w.signedIn(t, login)
		for _, path := range []string{"", "?tab=table", "?tab=code", "?tab=earlier", "?file=counts_small"} {
			got := b.get(t, theDesk+path)
			if got.status != http.StatusOK || figures().MatchString(got.body) {
				t.Errorf("%s at %s: %d, with figures: %t", login, path, got.status, figures().MatchString(got.body))
			}
		}
		b.get(t, theDesk).shows(t, login+"'s desk", "本席只见代码、结构", "free", "shared", "对象数")
		b.get(t, theDesk+"?file=counts_small").shows(t, login+"'s desk", `class="flagged"`, "■", "people.below_threshold")
		if b.get(t, "/jobs/"+theReviewed); figures().MatchString(b.get(t, "/jobs/"+theReviewed).body) {
			t.Errorf("%s sees figures of the job", login)
		}
	}
	w.signedIn(t, "developer").get(t, theDesk).shows(t, "who has no seat", "您的角色不参与审核表决")
	for _, login := range []string{"rival", "steward", "registrar"} {
		b := w.signedIn(t, login)
		for _, path := range []string{theDesk, theDesk + "?tab=log"} {
			if got := b.get(t, path); got.status != http.StatusNotFound && got.status != http.StatusForbidden || strings.Contains(got.body, "yearly") {
				t.Errorf("%s at %s: %d", login, path, got.status)
			}
		}
	}
	if got := chief.get(t, theDesk+"?file=nothing"); got.status != http.StatusNotFound {
		t.Errorf("an output there is not: %d", got.status)
	}
}

// TestDeskVotes: both seats vote by passkey, sealed from each other until both are in; a seat votes once.
func TestDeskVotes(t *testing.T) {
	w := newTown(t)
	w.desk(t)
	weak := w.signedIn(t, "officer")
	weak.get(t, theDesk).shows(t, "a weak session's desk", "表决须为强会话", "disabled")
	officer, theirs := w.seated(t, "officer", "developer")
	chief, ours := w.seated(t, "chief", "platform")
	if got := officer.votes(t, theirs, "approve", "标签合适 & 可以出域"); got.status != http.StatusSeeOther {
		t.Fatalf("voting: %d %s", got.status, got.body)
	}
	officer.get(t, theDesk).shows(t, "the voter's desk", "本席已表决", "标签合适 &amp; 可以出域", "已表决 1/2 席")
	sealed := chief.get(t, theDesk)
	if strings.Contains(sealed.body, "可以出域") || strings.Contains(sealed.body, "标签合适") {
		t.Error("the other seat reads a sealed opinion")
	}
	if got := officer.votes(t, theirs, "reject", "too late"); got.status != http.StatusForbidden && got.status != http.StatusConflict {
		t.Errorf("a second vote of one seat: %d", got.status)
	}
	forged := *ours
	forged.Flags = passkeytest.Present
	if got := chief.votes(t, &forged, "approve", "x"); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "signature.invalid") {
		t.Errorf("a vote without verification: %d", got.status)
	}
	if got := chief.votes(t, theirs, "approve", "x"); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "signature.key_unknown") {
		t.Errorf("a vote with another's passkey: %d", got.status)
	}
	if got := chief.votes(t, ours, "reject", "超出授权用途"); got.status != http.StatusSeeOther {
		t.Fatalf("voting: %d %s", got.status, got.body)
	}
	officer.get(t, theDesk).shows(t, "the desk once both are in", "已表决 2/2 席", "超出授权用途", "可以出域")
	chief.get(t, theDesk).shows(t, "the desk once both are in", "已表决 2/2 席", "超出授权用途", "可以出域")
}

// TestDeskInEnglish: the desk says the same in the other language.
func TestDeskInEnglish(t *testing.T) {
	w := newTown(t)
	w.desk(t)
	b := w.signedIn(t, "officer")
	b.post(t, "/look", "same-origin", url.Values{"language": {"en"}, "back": {"/console"}})
	b.get(t, "/reviews").shows(t, "the queue", "Under review", "5 working days left")
	b.get(t, theDesk).shows(t, "the desk", "your seat sees code, schema, evidence and labels, never values", "A vote needs a strong session", "enough people in every cell")
}

// TestDeskRefusals: what does not fit is told with place and remedy, and leaves nothing.
func TestDeskRefusals(t *testing.T) {
	w := newTown(t)
	w.desk(t)
	b := w.signedIn(t, "chief")
	b.madeStrong(t, "chief")
	post := func(path string, form url.Values) reply {
		if !form.Has("once") {
			form.Set("once", onceOf(t, b.get(t, theDesk)))
		}
		return b.post(t, theDesk+path, "same-origin", form)
	}
	for what, tt := range map[string]struct {
		path string
		form url.Values
		want string
	}{
		"a figure in a comment": {"/comments", url.Values{"text": {"31415 is high"}}, "实施机构的意见不得含数字"},
		"no text":               {"/comments", url.Values{"text": {""}}, "<code>text</code>"},
		"outside the table":     {"/comments", url.Values{"text": {"see here"}, "row": {"9"}}, "<code>row</code>"},
		"no number":             {"/comments", url.Values{"text": {"see here"}, "column": {"x"}}, "<code>column</code>"},
		"no form of ours":       {"/comments", url.Values{"text": {"see here"}, "once": {"short"}}, "<code>form.once</code>"},
		"no reason":             {"/return", url.Values{"text": {"so"}}, "<code>reasons</code>"},
		"nothing signed":        {"/vote", url.Values{"decision": {"approve"}}, "<code>form.payload</code>"},
		"rejecting in silence":  {"/vote/ask", url.Values{"decision": {"reject"}, "text": {" "}}, "意见不合要求"},
		"no such decision":      {"/vote/ask", url.Values{"decision": {"perhaps"}}, ""},
		"no passkey":            {"/vote/ask", url.Values{"decision": {"approve"}}, "没有可用的通行密钥"},
	} {
		got := post(tt.path, tt.form)
		if got.status < 400 || got.status >= 500 || !strings.Contains(got.body, tt.want) {
			t.Errorf("%s: %d %s", what, got.status, regexp.MustCompile(`(?s)<main.*</main>|^\{.*`).FindString(got.body))
		}
	}
	b.get(t, theDesk).shows(t, "the desk after all this", `批注 <span class="count">0</span>`, "已表决 0/2 席")
	said := url.Values{"text": {"<b>coarser</b> labels"}, "row": {"2"}, "column": {"1"}, "once": {onceOf(t, b.get(t, theDesk))}}
	for range 2 { // sent twice, it counts once
		if got := post("/comments", said); got.status != http.StatusSeeOther {
			t.Fatalf("commenting: %d %s", got.status, got.body)
		}
	}
	b.get(t, theDesk).shows(t, "the desk", `批注 <span class="count">1</span>`, "第 2 行", "第 1 列", "&lt;b&gt;coarser&lt;/b&gt; labels", "✎1")
	if got := w.signedIn(t, "officer").get(t, theDesk); strings.Contains(got.body, "coarser") {
		t.Error("the other seat reads a sealed comment")
	}
	if got := post("/return", url.Values{"reason.context_unclear": {"on"}}); got.status != http.StatusSeeOther {
		t.Fatalf("sending back: %d %s", got.status, got.body)
	}
	b.get(t, theDesk).shows(t, "the desk", "已退回", "此申请已结束")
	for _, login := range []string{"rival", "developer"} {
		other := w.signedIn(t, login)
		other.madeStrong(t, login)
		form := url.Values{"reason.context_unclear": {"on"}, "once": {"ABCDEFGHIJKLMNOPQRST"}}
		if got := other.post(t, theDesk+"/return", "same-origin", form); got.status != http.StatusNotFound && got.status != http.StatusForbidden {
			t.Errorf("%s sends it back: %d", login, got.status)
		}
	}
}
