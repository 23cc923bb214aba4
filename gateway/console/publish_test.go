package console_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/gateway/console"
)

// file makes the form a browser sends for one file, and its content type.
func file(t *testing.T, name, content string) (body []byte, kind string) {
	t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = io.WriteString(part, content)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), form.FormDataContentType()
}

// upload sends a file's form to where a page sends it.
func (b *browser) upload(t *testing.T, target string, body []byte, kind string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.URL+console.Prefix+target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.send(t, r)
}

// look does the inspection that waits, as a container would.
func (w *town) look(t *testing.T) {
	t.Helper()
	w.work(t, "inspect", func(put func(object.Bucket, []byte) object.Ref) work.Result {
		found, err := json.Marshal(inspected())
		if err != nil {
			t.Fatal(err)
		}
		return work.Result{
			Inspect: &task.InspectReport{Rows: 1, File: "inspection.json"},
			Objects: []work.Object{{Name: "inspection.json", Ref: put(object.Output, found), Rows: 1}},
		}
	})
}

// TestPublish: a steward sends a file, sees what a container found in it, confirms what is suspected, and publishes; the
// file is what was sent, byte for byte.
func TestPublish(t *testing.T) {
	w := newTown(t)
	steward := w.signedIn(t, "steward").strong(t, "steward")
	steward.get(t, "/datasets").shows(t, "the datasets", `href="/console/datasets/new"`)
	steward.get(t, "/datasets/new").shows(t, "where a file is sent", `enctype="multipart/form-data"`, theDataset)
	const target = "/uploads?dataset=&encoding=gb18030&sheet=&once=0123456789abcdef"
	const content = "resident_id,plan,visits\r\n110101199003070011,\xc3\xe2\xb7\xd1,3\r\n--not-the-end--\r\n"
	body, kind := file(t, "门诊.csv", content)
	sent := steward.upload(t, target, body, kind)
	sent.leads(t, "the upload", "/uploads/")
	at := strings.TrimPrefix(sent.header.Get("Location"), console.Prefix)
	steward.get(t, at).shows(t, "the upload's page", "正在隔离容器中检视文件")
	w.look(t)
	page := steward.get(t, at)
	page.shows(t, "what was found", "gb18030", "身份证号 100 %", "健康信息（列名）", "110101199003070011", "&lt;i&gt;免费", `name="confirm.visits"`)
}

// TestBrokenFiles: what is no file, breaks off, or is not as long as its form says stores nothing that could be
// published.
func TestBrokenFiles(t *testing.T) {
	w := newTown(t)
	steward := w.signedIn(t, "steward")
	const target = "/uploads?dataset=&encoding=&sheet=&once=0123456789abcdef"
	good, kind := file(t, "a.csv", "a,b\n1,2\n")
	empty, emptyKind := file(t, "a.csv", "")
	more := bytes.Replace(good, []byte("\r\n--"), []byte("\r\n-+"), 1)
	for what, sent := range map[string]struct {
		target string
		body   []byte
		kind   string
		code   string
	}{
		"no form":        {target, good, "text/csv", "form.not_a_file"},
		"no file":        {target, []byte("--x\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n1\r\n--x--\r\n"), "multipart/form-data; boundary=x", "form.not_a_file"},
		"an empty file":  {target, empty, emptyKind, "file.missing"},
		"another end":    {target, more, kind, "file.broken"},
		"half a head":    {target, good[:60], kind, "file.broken"},
		"an endless one": {target, append([]byte("--x\r\nA: "), bytes.Repeat([]byte("a"), 9000)...), "multipart/form-data; boundary=x", "file.broken"},
		"a foreign set":  {strings.Replace(target, "dataset=", "dataset=no-such-set", 1), good, kind, "unknown"},
		"a field twice":  {target + "&sheet=b", good, kind, "query.invalid"},
		"no key":         {"/uploads?dataset=", good, kind, "idempotency.invalid"},
		"a strange name": {strings.Replace(target, "encoding=", "encoding=big5", 1), good, kind, "encoding.unknown"},
	} {
		intention := "once=" + hex.EncodeToString([]byte(what + "........"))[:24]
		got := steward.upload(t, strings.Replace(sent.target, "once=0123456789abcdef", intention, 1), sent.body, sent.kind)
		if got.status < 400 || got.status >= 500 || !strings.Contains(got.body, sent.code) {
			t.Errorf("%s: got %d, want %s: %s", what, got.status, sent.code, got.body)
		}
	}
	left, err := w.keys["steward"].Uploads.List(t.Context())
	if err != nil || len(left) != 0 {
		t.Errorf("%d uploads are left: %v", len(left), err)
	}
	w.signedIn(t, "developer").upload(t, target, good, kind).refused(t, "a developer's file", 403, "access.not_permitted")
	w.signedIn(t, "developer").get(t, "/datasets/new").shows(t, "a developer's page", "由数据提供单位的数据管理员办理")
}

// TestDeclare: what is suspected and declared less carefully must be confirmed; then dataset and version are made, once.
func TestDeclare(t *testing.T) {
	w := newTown(t)
	steward := w.signedIn(t, "steward")
	body, kind := file(t, "a.csv", "resident_id,plan,visits\n110101199003070011,free,3\n")
	sent := steward.upload(t, "/uploads?dataset=&encoding=&sheet=&once=0123456789abcdef", body, kind)
	at := strings.TrimPrefix(sent.header.Get("Location"), console.Prefix)
	w.look(t)
	declared := func(more ...string) url.Values {
		form := with(url.Values{"once": {"0123456789abcdef" + strings.Join(more[:min(1, len(more))], "")}},
			"slug", "visits-new", "title", "就诊 <b>新</b>", "basis", "a duty", "round_to", "5", "purposes", "statistics，planning", "min_units", "10",
			"to", day(300).String(), "unit_kind", "resident", "unit_column", "resident_id", "granted.plan", "on")
		for name, c := range map[string][]string{"resident_id": {"text", "4", "identifier", "drop"}, "plan": {"text", "1", "other", ""}, "visits": {"integer", "3", "sensitive", ""}} {
			with(form, "type."+name, c[0], "level."+name, c[1], "role."+name, c[2], "mask."+name, c[3])
		}
		return with(form, more...)
	}
	path := at + "/publish"
	steward.act(t, path, declared()).refused(t, "a weak session", 403, "session.strength", `value="visits-new"`)
	steward.strong(t, "steward")
	steward.act(t, path, declared("level.visits", "1")).refused(t, "a suspicion nobody confirmed", 422, "form.confirm.visits", "suspicion.unconfirmed", "就诊 &lt;b&gt;新")
	steward.act(t, path, declared("slug", "X")).refused(t, "a slug that is none", 422, "slug.invalid")
	form := declared("level.visits", "1", "confirm.visits", "on")
	for range 2 {
		steward.act(t, path, form).leads(t, "the publication, also when it is sent twice", "/datasets/visits-new/versions/1")
	}
	steward.get(t, "/datasets/visits-new").shows(t, "the dataset", "就诊 &lt;b&gt;新")
	steward.get(t, "/datasets/visits-new?tab=terms").shows(t, "its terms", "planning")
	view, err := w.keys["steward"].Datasets.Show(t.Context(), "visits-new")
	if err != nil || len(view.Versions) != 1 || view.Confirmed == nil || view.Confirmed.Columns[0] != "visits" {
		t.Fatalf("got %+v: %v", view, err)
	}
	w.work(t, "ingest", func(put func(object.Bucket, []byte) object.Ref) work.Result {
		ref := put(object.Data, []byte("a part"))
		return work.Result{Ingest: &task.IngestReport{Rows: 1, Parts: []string{"part-0001.parquet"}}, Objects: []work.Object{{Name: "part-0001.parquet", Ref: ref, Rows: 1}}}
	})
	steward.get(t, "/datasets/visits-new/versions/1").shows(t, "the version", "可用", "新增", "生成概况", "撤回版本")

	// A second version is sent for the dataset, and held against the first.
	body, kind = file(t, "b.csv", "resident_id,plan,visits\n110101199003070012,free,4\n")
	sent = steward.upload(t, "/uploads?dataset=visits-new&encoding=&sheet=&once=123456789abcdef0", body, kind)
	at = strings.TrimPrefix(sent.header.Get("Location"), console.Prefix)
	w.look(t)
	steward.get(t, at).shows(t, "its page", "整体替换", "<option>v1</option>")
	steward.act(t, at+"/publish", with(url.Values{"once": {"23456789abcdef01"}}, "mode", "append", "label", "2026-11")).
		leads(t, "the second version", "/datasets/visits-new/versions/2")
	w.work(t, "ingest", func(put func(object.Bucket, []byte) object.Ref) work.Result {
		ref := put(object.Data, []byte("another part"))
		return work.Result{Ingest: &task.IngestReport{Rows: 2, Parts: []string{"part-0001.parquet"}}, Objects: []work.Object{{Name: "part-0001.parquet", Ref: ref, Rows: 2}}}
	})
	steward.get(t, "/datasets/visits-new/versions/2").shows(t, "the difference", "与版本 1 的差异", "行数变化：2", "不变", "2026-11")
}
