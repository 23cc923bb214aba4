package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/task"
)

// inspected inspects raw bytes that can be read.
func (b *box) inspected(raw string, l task.InspectLetter) task.Inspection {
	b.t.Helper()
	b.write(rawFile, raw)
	r := b.run(task.Letter{Verb: task.Inspect, Inspect: &l}).Inspect
	if len(r.Errors) > 0 {
		b.t.Fatalf("errors = %v", r.Errors)
	}
	var found task.Inspection
	if err := readJSON(filepath.Join(b.out, inspectionFile), 64<<20, &found); err != nil {
		b.t.Fatal(err)
	}
	if r.File != inspectionFile || r.Rows != found.Rows {
		b.t.Fatalf("report = %+v, want the file and %d rows", r, found.Rows)
	}
	return found
}

// Vectors: the numbers of GB 11643 and GB 32100, the card schemes' test numbers; in the negative ones a digit is
// changed, so that only the check digit tells.
func TestTraits(t *testing.T) {
	for _, tt := range []struct {
		code     string
		yes, not []string
	}{
		{"resident_id", []string{"11010519491231002X", "440524188001010014", "110105 19491231 002x", "证件：11010519491231002X"},
			[]string{"110105194912310021", "110105194913310023", "500101199003071234567", "1101051949123100"}},
		{"credit_code", []string{"91350100M000100Y43", "91110000802100433B"}, []string{"91350100M000100Y44", "9135010OM000100Y43"}},
		{"bank_card", []string{"4111111111111111", "4111 1111 1111 1111"}, []string{"4111111111111112", "411111111111111", "0000000000000000"}},
		{"mobile", []string{"13812345678", "+86 138-1234-5678"}, []string{"12812345678", "1381234567", "138123456789"}},
		{"passport", []string{"E12345678", "EA1234567", "g12345678"}, []string{"A12345678", "E1234567890", "E1234"}},
		{"email", []string{"a.b@example.cn", "ＺＨＡＮＧ@ex.com"}, []string{"a@b", "a@.cn", "@x.cn", "a b@x.cn"}},
		{"plate", []string{"渝A12345", "京AD12345", "渝A·12345"}, []string{"渝112345", "A12345", "渝A123", "是A12345"}},
		{"person_name", []string{"张三", "欧阳娜娜", "李四光", "阿卜杜勒"}, []string{"江北区", "张", "free", "良好", "张三a", "重庆市渝中", "王家坪街"}},
		{"address", []string{"重庆市渝中区人民路1号", "江北区观音桥街道3栋"}, []string{"渝中区", "市区", "人民公园旁边的", "good"}},
	} {
		for _, one := range traits() {
			if one.code != tt.code {
				continue
			}
			for _, text := range tt.yes {
				if !one.cells(sightOf(text)) {
					t.Errorf("%s: %q is not seen", tt.code, text)
				}
			}
			for _, text := range tt.not {
				if one.cells(sightOf(text)) {
					t.Errorf("%s: %q is taken for one", tt.code, text)
				}
			}
		}
	}
}

func TestHints(t *testing.T) {
	for header, want := range map[string]string{
		"身份证号码": "resident_id", "姓名": "person_name", "联系人手机": "mobile person_name", "家庭住址": "address", "name": "person_name",
		"plan_name": "person_name", "phone": "mobile", "Home Address": "address", "性别": "sex", "gender": "sex", "诊断编码": "health",
		"email": "email", "tenant": "", "village": "", "visits": "", "idp": "record_id", "id": "record_id", "width": "", "出生日期": "birth",
	} {
		var got []string
		for _, one := range traits() {
			if one.hinted(header) {
				got = append(got, one.code)
			}
		}
		if d := cmp.Diff(want, strings.Join(got, " ")); d != "" {
			t.Errorf("%s (-want +got):\n%s", header, d)
		}
	}
}

// residents is a department's table as it comes: Chinese headers, every second mobile number missing.
func residents(n int) string {
	var b strings.Builder
	b.WriteString("身份证号,姓名,联系电话,区县,就诊次数,费用,慢病,日期,Plan Kind,备注\n")
	for i := range n {
		phone := ""
		if i%2 == 0 {
			phone = fmt.Sprintf("138%08d", i)
		}
		fmt.Fprintf(&b, "%s,%s,%s,%s,%d,%d.5,%t,2024-01-%02d,%s,\n", residentNumber(i), []string{"张伟", "王秀英", "李娜", "刘洋"}[i%4],
			phone, []string{"渝中区", "江北区", "南岸区"}[i%3], i%9, i%100, i%2 == 0, i%28+1, []string{"free", "shared"}[i%2])
	}
	return b.String()
}

// residentNumber makes a number with a right check character (ISO 7064 MOD 11-2), by trying.
func residentNumber(i int) string {
	for _, c := range "0123456789X" {
		if s := fmt.Sprintf("500101%04d0101%03d%c", 1950+i/1000, i%1000, c); residentID(s) {
			return s
		}
	}
	return ""
}

func TestInspectResidents(t *testing.T) {
	b := newBox(t)
	found := b.inspected(gbk(t, residents(500)), task.InspectLetter{})
	if d := cmp.Diff(task.Source{Form: task.CSV, Encoding: "gb18030"}, found.Source); d != "" {
		t.Errorf("source (-want +got):\n%s", d)
	}
	type line struct {
		name, title string
		kind        task.Type
		role        task.Role
		level       int
		mask        task.Mask
	}
	var got []line
	for _, c := range found.Columns {
		got = append(got, line{c.Name, c.Title, c.Type, c.Role, c.Level, c.Mask})
	}
	want := []line{
		{"resident_id", "身份证号", task.Text, task.Identifier, 4, task.MaskNone}, {"name", "姓名", task.Text, task.Identifier, 3, task.MaskSurname},
		{"phone", "联系电话", task.Text, task.Quasi, 3, task.MaskPhone}, {"column_4", "区县", task.Text, task.Other, 2, task.MaskNone},
		{"column_5", "就诊次数", task.Integer, task.Other, 2, task.MaskNone}, {"column_6", "费用", task.Number, task.Other, 2, task.MaskNone},
		{"column_7", "慢病", task.Boolean, task.Other, 2, task.MaskNone}, {"column_8", "日期", task.Date, task.Other, 2, task.MaskNone},
		{"plan_kind", "Plan Kind", task.Text, task.Other, 2, task.MaskNone}, {"column_10", "备注", task.Text, task.Other, 2, task.MaskNone},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(line{})); d != "" {
		t.Errorf("columns (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]task.Unit{{Kind: "resident", Column: "resident_id"}}, found.Units); d != "" {
		t.Errorf("units (-want +got):\n%s", d)
	}
	phone := found.Columns[2]
	if phone.Empty != 0.5 || phone.Distinct != 250 || phone.More {
		t.Errorf("phone = %+v, want half empty and 250 values", phone)
	}
	if d := cmp.Diff([]task.Suspicion{{Code: "mobile", Share: 1}, {Code: "name.mobile"}}, phone.Suspicions); d != "" {
		t.Errorf("suspicions (-want +got):\n%s", d)
	}
	if len(found.Preview.Rows) != 20 || found.Preview.Rows[0][1] != "张伟" || found.Rows != 500 {
		t.Errorf("preview has %d rows of %d", len(found.Preview.Rows), found.Rows)
	}
	// What is proposed can be declared as it stands.
	if err := declarable(found); err != nil {
		t.Errorf("the proposal cannot be declared: %v", err)
	}
}

// declarable validates a proposal as a dataset.
func declarable(found task.Inspection) error {
	d := dataset.Dataset{Slug: "residents", Title: "t", Basis: "b", Class: dataset.General, Acquired: dataset.Own, RoundTo: 5, Units: found.Units}
	for _, c := range found.Columns {
		d.Columns = append(d.Columns, c.Column)
	}
	return d.Validate(dataset.Bounds{Columns: 1000, KeepLeast: 1, KeepMost: 100})
}

// What is proposed can be used as it stands: the same file under the proposal becomes a part.
func TestInspectThenIngest(t *testing.T) {
	header, rows := realTable(t)
	for name, raw := range map[string]string{
		"csv": gbk(t, residents(300)), "gzip": zipped(t, residents(300)), "xlsx": realSheet(t, header, rows[:300]),
		"parquet": realParquet(t, csvOf(header, rows[:300])),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			found := b.inspected(raw, task.InspectLetter{Rows: 5})
			if len(found.Preview.Rows) != 5 || found.Rows != 300 {
				t.Fatalf("preview of %d rows out of %d, want 5 of 300", len(found.Preview.Rows), found.Rows)
			}
			if err := declarable(found); err != nil {
				t.Fatal(err)
			}
			l := task.IngestLetter{Source: found.Source, Units: found.Units, MaxErrors: 3}
			for _, c := range found.Columns {
				l.Columns = append(l.Columns, c.Column)
			}
			b = newBox(t)
			b.write(rawFile, raw)
			r := b.run(task.Letter{Verb: task.Ingest, Ingest: &l}).Ingest
			if r.Rows != 300 || len(r.Errors) > 0 {
				t.Fatalf("ingest = %+v, want 300 rows", r)
			}
		})
	}
}

func TestInspectIsDeterministic(t *testing.T) {
	var first []byte
	for range 2 {
		b := newBox(t)
		b.inspected(residents(200), task.InspectLetter{})
		text, err := os.ReadFile(filepath.Join(b.out, inspectionFile))
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = text
		}
		if string(first) != string(text) {
			t.Fatal("the same file gives another proposal")
		}
	}
}

// Long numbers that are no identifiers: a tenth of them has a right Luhn digit by chance, which does not convince.
func TestInspectDoesNotCryWolf(t *testing.T) {
	var raw strings.Builder
	raw.WriteString("amount,serial\n")
	for i := range 3000 {
		fmt.Fprintf(&raw, "%d,%016d\n", i*7919%100000, 4_000_000_000_000_000+i*7_777_777)
	}
	found := newBox(t).inspected(raw.String(), task.InspectLetter{})
	for _, c := range found.Columns {
		if c.Role != task.Other || c.Type != task.Integer {
			t.Errorf("%s is proposed as %s %s", c.Name, c.Role, c.Type)
		}
	}
	if d := cmp.Diff([]task.Suspicion{{Code: "bank_card", Share: 0.1}}, found.Columns[1].Suspicions, cmpopts.EquateApprox(0, 0.02)); d != "" {
		t.Errorf("suspicions (-want +got):\n%s", d)
	}
	if len(found.Units) > 0 {
		t.Errorf("units = %v, want none", found.Units)
	}
}

func TestInspectFaults(t *testing.T) {
	for name, tt := range map[string]struct {
		raw  string
		want []task.BadCell
	}{
		"empty":           {"", []task.BadCell{{Reason: "file.empty"}}},
		"utf-16":          {"\xff\xfea\x00", []task.BadCell{{Reason: "file.utf16"}}},
		"unnamed column":  {"a,,c\n1,2,3\n", []task.BadCell{{Line: 1, Column: "#2", Reason: "column.unnamed"}}},
		"column twice":    {"a,a\n", []task.BadCell{{Line: 1, Column: "#2", Reason: "column.duplicate"}}},
		"control in name": {"ab\x00c\n", []task.BadCell{{Line: 1, Column: "#1", Reason: "column.name_invalid"}}},
		"too large":       {"a\n" + strings.Repeat("1234567\n", 1000), []task.BadCell{{Reason: "file.too_large"}}},
	} {
		b := newBox(t)
		b.write(rawFile, tt.raw)
		r := b.run(task.Letter{Verb: task.Inspect, Inspect: &task.InspectLetter{MaxBytes: 4000}}).Inspect
		if d := cmp.Diff(&task.InspectReport{Errors: tt.want}, r); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		if _, err := os.Stat(filepath.Join(b.out, inspectionFile)); err == nil {
			t.Errorf("%s: a file was written", name)
		}
	}
	// Faulty rows are told, and the rest is looked at all the same.
	found := newBox(t).inspected("a,b\n1,2\n3\n4,5\n"+strings.Repeat("6\n", 50), task.InspectLetter{})
	if len(found.Faults) != maxRowFaults || found.Faults[0] != (task.BadCell{Row: 2, Line: 3, Reason: "row.field_count"}) || found.Rows != 53 || len(found.Preview.Rows) != 2 {
		t.Errorf("rows = %d, faults = %v", found.Rows, found.Faults)
	}
	for name, l := range map[string]task.InspectLetter{"rows": {Rows: 101}, "bytes": {MaxBytes: -1}} {
		b := newBox(t)
		b.write(rawFile, "a\n")
		if _, err := b.tryRun(task.Letter{Verb: task.Inspect, Inspect: &l}); err == nil {
			t.Errorf("%s out of bounds: taken", name)
		}
	}
}
