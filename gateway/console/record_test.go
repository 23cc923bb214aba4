package console_test

import (
	"bytes"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trust"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
)

// TestTracePages: what an organization may see of the trace, by filters in the address; an entry with the proof that its
// reader's browser checks, and nobody else's.
func TestTracePages(t *testing.T) {
	w := newTown(t)
	w.Settled(t)
	b := w.signedIn(t, "steward")
	b.get(t, "/trace?act=dataset.declare").shows(t, "the trace", "dataset.declare", theDataset, "允许")
	if got := b.get(t, "/trace?act=dataset.freeze"); !strings.Contains(got.body, "没有符合条件的记录") || strings.Contains(got.body, theDataset) {
		t.Errorf("a filter keeps what it should not: %s", got.body)
	}
	b.get(t, "/trace?act=no.such").refused(t, "an act there is not", http.StatusUnprocessableEntity, "act.unknown")
	b.get(t, "/trace?decision=perhaps").refused(t, "a decision there is not", http.StatusUnprocessableEntity, "decision.neither")
	b.get(t, "/trace?object="+theDataset+"&decision=allow").shows(t, "the trace of an object", "dataset.declare")
	for _, before := range []string{"0", "x", "-1", "9223372036854775808"} {
		if got := b.get(t, "/trace?before="+before); got.status != http.StatusUnprocessableEntity {
			t.Errorf("before %q: %d", before, got.status)
		}
	}
	mine, err := w.keys["steward"].Trace.Query(t.Context(), trace.Filter{Act: "dataset.declare"})
	if err != nil || len(mine) != 1 {
		t.Fatalf("%d entries: %v", len(mine), err)
	}
	page := "/trace/" + mine[0].ID
	b.get(t, page).shows(t, "an entry", "dataset.declare", `data-verify="entry"`, `data-source="/console`+page+`/proof.json"`)
	provesItself(t, b.get(t, page+"/proof.json"))
	for login, want := range map[string]int{"rival": 403, "developer": 403} {
		for _, path := range []string{"/trace", page, page + "/proof.json"} {
			if got := w.signedIn(t, login).get(t, path); got.status != want || strings.Contains(got.body, "dataset.declare") {
				t.Errorf("%s opens %s: %d", login, path, got.status)
			}
		}
	}
	if got := w.browser(t).get(t, page+"/proof.json"); got.status != http.StatusSeeOther {
		t.Errorf("a stranger gets %d", got.status)
	}
}

// olderLink finds the way to the older part of a list.
var olderLink = regexp.MustCompile(`</span> ?<a href="([^"]+)">下一页`)

// TestTraceForm: what the form asks for narrows the timeline, stands in the form again, and goes along to the older part.
func TestTraceForm(t *testing.T) {
	w := newTown(t)
	for range 30 {
		if _, err := w.keys["steward"].Datasets.Show(t.Context(), theDataset); err != nil {
			t.Fatal(err)
		}
	}
	w.Settled(t)
	b := w.signedIn(t, "steward")
	home, today := w.homes[string(org.DataProvider)], calendar.DateOf(time.Now())
	asked := url.Values{
		"who": {"steward"}, "org": {home}, "since": {today.AddDays(-1).String()}, "until": {today.AddDays(1).String()},
		"act": {"dataset.show"}, "object": {theDataset}, "decision": {"allow"},
	}
	got := b.get(t, "/trace?"+asked.Encode())
	got.shows(t, "the form as it was sent", `name="who" value="steward"`, `name="org" value="`+home+`"`, "操作人所在单位",
		`type="date" name="since" value="`+asked.Get("since")+`"`, `type="date" name="until" value="`+asked.Get("until")+`"`)
	if rows := strings.Count(got.body, "<code>dataset.show</code>"); rows != 20 {
		t.Errorf("%d entries on the first page", rows)
	}
	link := olderLink.FindStringSubmatch(got.body)
	if link == nil {
		t.Fatalf("no way to the older part: %s", got.body)
	}
	older, err := url.Parse(html.UnescapeString(link[1]))
	if err != nil {
		t.Fatal(err)
	}
	carried := older.Query()
	before := carried.Get("before")
	carried.Del("before")
	if diff := cmp.Diff(asked, carried); before == "" || diff != "" {
		t.Errorf("the older part is before %q: %s", before, diff)
	}
	rest := b.get(t, "/trace?"+older.RawQuery)
	if rows := strings.Count(rest.body, "<code>dataset.show</code>"); rows < 10 || rows >= 20 || olderLink.MatchString(rest.body) {
		t.Errorf("%d older entries, and more", rows)
	}
	for query, fits := range map[string]bool{
		"who=steward": true, "org=" + home: true, "since=" + today.AddDays(2).String(): false, "until=" + today.AddDays(-2).String(): false,
		"org=" + w.homes[string(org.Operator)]: false, "org=ORG-9999": false, "who=steward&org=" + home + "&act=dataset.freeze": false,
		"since=" + url.QueryEscape(today.Start().AddDate(0, 0, -1).Format(time.RFC3339)): true,
	} {
		if got := b.get(t, "/trace?"+query); strings.Contains(got.body, "没有符合条件的记录") == fits || got.status != http.StatusOK {
			t.Errorf("%s: %d, entries wanted: %v", query, got.status, fits)
		}
	}
	for query, code := range map[string]string{
		"who=developer": "who.unknown", "who=Li": "who.invalid", "org=x": "number.invalid", "since=soon": "moment.invalid", "since=2026-02-02&until=2026-02-01": "span.reversed",
	} {
		b.get(t, "/trace?"+query).refused(t, query, http.StatusUnprocessableEntity, code)
	}
}

// provesItself checks a proof as the page's script does, with the packages that made it.
func provesItself(t *testing.T, got reply) {
	t.Helper()
	var said struct {
		ID         string
		At         int64
		Salt, Body []byte
		Proof      trace.Proof
		Trust      json.RawMessage
	}
	if err := json.Unmarshal([]byte(got.body), &said); err != nil || got.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s: %v", got.status, got.body, err)
	}
	leaf, err := trace.ParseLeaf(said.Proof.Leaf)
	if err != nil || leaf.ID != said.ID || leaf.Time.UnixMilli() != said.At {
		t.Errorf("leaf %+v: %v", leaf, err)
	}
	made, err := trace.Entry{ID: leaf.ID, Time: leaf.Time, Salt: said.Salt, Body: said.Body}.Leaf()
	if err != nil || !bytes.Equal(made, said.Proof.Leaf) {
		t.Errorf("salt and body are not the leaf's: %v", err)
	}
	if !json.Valid(said.Trust) || !strings.Contains(string(said.Trust), string(trust.Type)) {
		t.Errorf("trust.json is %s", said.Trust)
	}
}

// TestHealthPage: the platform's administrator sees every check with its remedy, nobody else sees the page.
func TestHealthPage(t *testing.T) {
	w := newTown(t)
	admin := w.administrator(t)
	admin.get(t, "/health").shows(t, "the health of a town without workers", "项检查未通过", "sluice self-test", "记录按时进入日志", "还没有自检结果")
	for _, login := range []string{"steward", "chief", "developer", "rival"} {
		b := w.signedIn(t, login)
		if got := b.get(t, "/health"); got.status != http.StatusNotFound || strings.Contains(b.get(t, "").body, `/console/health"`) {
			t.Errorf("%s opens the health page: %d", login, got.status)
		}
	}
}

// TestPublicPages: everybody reads what is public and nothing else, and markup in a name is text.
func TestPublicPages(t *testing.T) {
	w := newTown(t)
	w.notice(t)
	b := w.browser(t)
	b.get(t, "/public").shows(t, "the public page", theRegistration, "&lt;b&gt;就诊&lt;/b&gt; &amp; &#34;visits&#34;", "公示至", "还没有产品")
	b.get(t, "/public/codes?code="+url.QueryEscape("<i>x")).shows(t, "a code nobody has", "没有此查询码的登记", "&lt;i&gt;x")
	if got := b.get(t, "/public/codes?code="+strings.Repeat("9", 65)); got.status != http.StatusUnprocessableEntity {
		t.Errorf("a code too long: %d", got.status)
	}
	for _, path := range []string{"/public/products/D-2026-0001", "/public/products/J-2026-0901", "/public/products/D-2026-0001/proofs.json"} {
		if got := b.get(t, path); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	for _, private := range []string{theJob, theGrant, "weisheng", w.homes["operator"]} {
		if strings.Contains(b.get(t, "/public").body, private) {
			t.Errorf("the public page tells %s", private)
		}
	}
}

// TestReleasePages: without a release there is nothing to see, nor to fetch; the list says how one comes to be.
func TestReleasePages(t *testing.T) {
	w := newTown(t)
	b := w.signedIn(t, "developer")
	b.get(t, "/releases").shows(t, "the releases", "还没有出域产品")
	for _, path := range []string{"", "/proofs.json", "/certificate.json", "/certificate.pdf"} {
		if got := b.get(t, "/releases/D-2026-0001"+path); got.status != http.StatusNotFound {
			t.Errorf("%s of no release: %d", path, got.status)
		}
	}
	for _, login := range []string{"steward", "registrar"} {
		if got := w.signedIn(t, login).get(t, "/releases"); got.status != http.StatusForbidden {
			t.Errorf("%s lists releases: %d", login, got.status)
		}
	}
}

// administrator signs the platform's first administrator in, under a name the provider has and nobody else here uses.
func (w *town) administrator(t *testing.T) *browser {
	t.Helper()
	err := w.Owner.InTx(t.Context(), func(tx *postgres.Tx) error {
		return w.provider.Admit(t.Context(), tx, gatewaytest.Platform, "admin", "newcomer", w.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	return w.signedIn(t, "newcomer")
}

// notice opens the public notice of the town's registration.
func (w *town) notice(t *testing.T) {
	t.Helper()
	err := w.Owner.InTx(t.Context(), func(tx *postgres.Tx) error {
		r, err := tx.Registration(t.Context(), theRegistration)
		if err != nil {
			return err
		}
		now, ends := w.Now(), day(14).End()
		r.State, r.NoticedAt, r.NoticeEnds = "in_notice", &now, &ends
		return tx.PutRegistration(t.Context(), r)
	})
	if err != nil {
		t.Fatal(err)
	}
}
