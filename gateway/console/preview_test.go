package console_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/gateway/console"
)

// previewed does the oldest work, a preview.
func (w *town) previewed(t *testing.T) {
	t.Helper()
	w.work(t, string(work.Preview), func(put func(object.Bucket, []byte) object.Ref) work.Result {
		rows, err := json.Marshal(task.PreviewTable{Columns: []string{"resident", "visits"}, Rows: [][]string{{"r7f", "<b>3</b>"}}})
		if err != nil {
			t.Fatal(err)
		}
		return work.Result{Objects: []work.Object{{Ref: put(object.Output, rows)}}}
	})
}

// again asks for a page as it asks for itself.
func (b *browser) again(t *testing.T, path string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL+console.Prefix+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("HX-Request", "true")
	return b.send(t, r)
}

// TestPreview: a steward looks through a grant at a version, and sees what runs see, once it is cut. Through a grant that
// does not hold nothing is offered; a version shows no other's rows.
func TestPreview(t *testing.T) {
	w := newTown(t)
	w.profiled(t)
	pgtest.Exec(t, w.DB.Owner, "update dataset set state = 'authorizable'")
	pgtest.Exec(t, w.DB.Owner, `with other as (insert into dataset
			select (jsonb_populate_record(d, '{"id": "0198f0aa-0000-7000-8000-000000000001", "slug": "other"}')).* from dataset d returning id)
		insert into data_grant select (jsonb_populate_record(g, '{"id": "0198f0aa-0000-7000-8000-000000000002", "number": "G-2026-0998"}'
			|| jsonb_build_object('dataset', other.id))).* from data_grant g, other where g.number = '`+theGrant+`'
		union all select (jsonb_populate_record(g, '{"id": "0198f0aa-0000-7000-8000-000000000003", "number": "G-2026-0997"}'
			|| jsonb_build_object('scope', g.scope || '{"version_from": 2}'))).* from data_grant g where g.number = '`+theGrant+`'`)
	const version = "/datasets/" + theDataset + "/versions/1"
	steward := w.signedIn(t, "steward").strong(t, "steward")
	page := steward.get(t, version)
	if !strings.Contains(page.body, theGrant) || strings.Contains(page.body, "G-2026-0998") || strings.Contains(page.body, "G-2026-0997") {
		t.Error("a grant over another dataset, or over later versions, is offered to look through")
	}
	form := page.form(t, version+"/preview")
	asked := steward.act(t, version+"/preview", with(form, "grant", theGrant))
	asked.leads(t, "a preview", version+"/previews/")
	at := asked.header.Get("Location")[len("/console"):]
	steward.get(t, at).shows(t, "rows that are being cut", "裁剪", `hx-trigger="every 2s"`)
	if got := steward.again(t, at); got.status != 204 || got.body != "" {
		t.Errorf("asked again before there is more, the page answers %d %s", got.status, got.body)
	}
	w.previewed(t)
	steward.again(t, at).shows(t, "rows that are cut, to a page that asks again", "r7f")
	steward.get(t, at).shows(t, "rows that are cut", "<code>resident</code>", "r7f", "&lt;b&gt;3&lt;/b&gt;", "前 1 行", "本次查看已留痕")
	steward.get(t, "/datasets/"+theDataset+"/versions/2"+at[len(version):]).refused(t, "the rows as another version's", 404)
	steward.act(t, version+"/preview", once("grant", "G-2026-0999")).refused(t, "a grant that is not there", 404)
	if got := w.signedIn(t, "developer").get(t, version); got.status != 200 || strings.Contains(got.body, "/preview") {
		t.Error("a preview is offered to a developer")
	}
	pgtest.Exec(t, w.DB.Owner, "update data_grant set state = 'revoked'")
	if strings.Contains(steward.get(t, version).body, `action="/console`+version+`/preview"`) {
		t.Error("a preview through a grant that was revoked is offered")
	}
}
