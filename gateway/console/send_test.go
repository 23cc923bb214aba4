package console_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/gateway/browsertest"
	"github.com/sluicedata/sluice/gateway/console"
	"github.com/sluicedata/sluice/gateway/wire"
)

// TestSendingIsShown: who sends a file sees how far it is, and may stop it: nothing is kept. What is refused says why on the
// same page. Sent again, the file arrives, and the page goes on to what is in it.
func TestSendingIsShown(t *testing.T) {
	w := newTown(t)
	file := filepath.Join(t.TempDir(), "visits.csv")
	if err := os.WriteFile(file, append([]byte("resident_id,plan,visits\n"), bytes.Repeat([]byte("110101199003070011,free,3\n"), 40_000)...), 0o600); err != nil {
		t.Fatal(err)
	}
	tab := w.signedIn(t, "steward").before(t, browsertest.Start(t))
	tab.Open(w.URL + console.Prefix + "/datasets/new")
	tab.Attach("数据文件", file)
	tab.Slow(20 << 10)
	tab.Click("上传")
	tab.Wait("how far it is", `document.querySelector('progress').checkVisibility() && document.querySelector('progress').value > 0 && document.querySelector('progress').value < 1`)
	if said := tab.Tell(`document.querySelector('[data-part=told]').textContent + ' ' + document.activeElement.textContent`); !bytes.Contains([]byte(said), []byte("%")) || !bytes.Contains([]byte(said), []byte("停止发送")) {
		t.Errorf("while it is sent the page says %q", said)
	}
	clean(t, "a file under way", tab)
	tab.Click("停止发送")
	tab.Sees("已停止发送")
	tab.Slow(0)
	clean(t, "a file that was stopped", tab)
	until(t, "nothing of it", func() bool {
		kept, err := w.keys["steward"].Uploads.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return !slices.ContainsFunc(kept, func(u wire.Upload) bool {
			return u.State != "dropped"
		})
	})
	tab.Follow("上传")
	tab.Sees("正在隔离容器中检视文件")
	if at := tab.At().Path; len(at) < len("/console/uploads/") {
		t.Errorf("a file that was sent leads to %s", at)
	}
}

// leaving is a sender who is gone once the last byte is out.
type leaving struct {
	io.Reader
	leave func()
}

func (l leaving) Read(b []byte) (int, error) {
	n, err := l.Reader.Read(b)
	if err != nil {
		l.leave()
	}
	return n, err
}

// TestWhoLeavesLeavesNothingOpen: a file whose sender is gone before it was taken is dropped, though all of it came.
func TestWhoLeavesLeavesNothingOpen(t *testing.T) {
	w := newTown(t)
	steward := w.signedIn(t, "steward")
	body, kind := file(t, "a.csv", "a,b\n1,2\n")
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, w.URL+console.Prefix+"/uploads?dataset=&encoding=&sheet=&once=0123456789abcdef",
		leaving{bytes.NewReader(body), leave})
	r.ContentLength = int64(len(body))
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.AddCookie(&http.Cookie{Name: "sluice", Value: steward.cookie(t)})
	w.Handler.ServeHTTP(httptest.NewRecorder(), r)
	count := func(states string) int {
		return pgtest.Count(t, w.DB.Owner, "select count(*) from upload where state in ("+states+")")
	}
	if dropped, others := count("'dropped'"), count("'open', 'complete'"); dropped != 1 || others != 0 {
		t.Errorf("%d files are dropped, %d are not", dropped, others)
	}
}
