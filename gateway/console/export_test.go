package console_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
)

// workbook opens what a list is as a workbook.
func (b *browser) workbook(t *testing.T, path string) [][]string {
	t.Helper()
	got := b.get(t, path)
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" {
		t.Fatalf("%s: %d %s", path, got.status, got.body)
	}
	f, err := excelize.OpenReader(bytes.NewReader([]byte(got.body)))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := f.GetRows(f.GetSheetName(0))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// copies puts a job on the record some times more.
func (w *town) copies(t *testing.T, times int) {
	t.Helper()
	pgtest.Exec(t, w.DB.Owner, fmt.Sprintf(`do $$ declare o job; begin
		select * into strict o from job where number = '%s';
		for n in 1..%d loop
			o.id := '01890000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'); o.number := 'J-2025-' || 10000 + n;
			insert into job values (o.*);
		end loop;
	end $$`, theFailure, times))
}

// TestListsAreWorkbooks: a list as a workbook has the rows of all its parts that its filters leave, under the words of its page,
// and only what is the reader's; one that is too long is refused, not cut.
func TestListsAreWorkbooks(t *testing.T) {
	w := newTown(t)
	w.copies(t, 450)
	b := w.signedIn(t, "developer")
	page := b.get(t, "/jobs")
	page.shows(t, "the list", `href="/console/jobs.xlsx" download`, `href="/console/jobs?size=50"`, "<strong>20</strong>")
	if n := strings.Count(page.body, `">查看</a>`); n != 20 {
		t.Errorf("a part has %d rows", n)
	}
	rows := b.workbook(t, "/jobs.xlsx")
	if want := []string{"作业编号", "名称", "类型", "用途", "提交时间", "结束时间", "状态"}; !slices.Equal(rows[0], want) {
		t.Errorf("the header is %q", rows[0])
	}
	if len(rows) != 1+452 || rows[1][0] != theJob && rows[1][0] != theFailure || rows[452][0] != "J-2025-10001" {
		t.Errorf("%d rows, from %q to %q", len(rows)-1, rows[1], rows[len(rows)-1])
	}
	if rows := b.workbook(t, "/jobs.xlsx?state=checked"); len(rows) != 2 || rows[1][0] != theJob || rows[1][6] != "已核对" {
		t.Errorf("narrowed to one state: %q", rows)
	}
	w.signedIn(t, "rival").get(t, "/jobs.xlsx").refused(t, "the workbook of a list one may not see", 403, "access.not_permitted")
	for _, path := range []string{"/datasets", "/agreements", "/grants"} {
		if rows := w.signedIn(t, "chief").workbook(t, path+".xlsx"); len(rows) < 2 || slices.Contains(rows[0], "操作") || len(rows[0]) < 4 {
			t.Errorf("%s as a workbook: %q", path, rows)
		}
	}
	steward := w.signedIn(t, "steward")
	for range 210 { // more than one part of a workbook's
		steward.get(t, "/datasets/"+theDataset)
	}
	w.Settled(t)
	entries := steward.workbook(t, "/trace.xlsx?act=dataset.show")
	if last := len(entries) - 1; last < 210 || len(entries[0]) != 7 || entries[1][2] != "dataset.show" || entries[last][3] != theDataset || entries[1][4] != entries[last][4] {
		t.Errorf("the trace as a workbook has %d entries: %q", last, entries[:min(3, len(entries))])
	}
	pgtest.Exec(t, w.DB.Owner, `update dataset set title = E'=cmd<b>&amp;\x1b\u202e' where slug = '`+theDataset+`'`)
	if rows := w.signedIn(t, "chief").workbook(t, "/datasets.xlsx"); len(rows) < 2 || rows[1][0] != "=cmd<b>&amp;\ufffd\ufffd" {
		t.Errorf("a hostile title is %q", rows)
	}
	for size, status := range map[string]int{"50": 200, "100": 422, "21": 422, "1000000": 422, "x": 422} {
		got := b.get(t, "/jobs?size="+size)
		if got.status != status || status == 200 && fmt.Sprint(strings.Count(got.body, `">查看</a>`)) != size {
			t.Errorf("a part of %s rows: %d, %d rows", size, got.status, strings.Count(got.body, `">查看</a>`))
		}
	}
	b.get(t, "/jobs?size=21").refused(t, "a size that is not offered", 422, "size.not_offered")
	b.get(t, "/jobs.xlsx?state=failed&state=checked").refused(t, "a filter said twice", 422, "query.invalid")
	b.get(t, "/jobs?size=50&state=failed").shows(t, "a longer part", `size=50&amp;state=failed`, `href="/console/jobs.xlsx?state=failed"`)
	pgtest.Exec(t, w.DB.Owner, "delete from job where number like 'J-2025-%'")
	w.copies(t, 10_001)
	b.get(t, "/jobs.xlsx").refused(t, "a list that is too long", 422, "export.too_long")
}
