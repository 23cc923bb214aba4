//go:build attack

package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/upload"
	"github.com/sluicedata/sluice/gateway/wire"
)

// flat is how much the gateway's memory may grow while hostile files pass through it, in bytes.
const flat = 64 << 20

// files are S43, S44 and S26 on the way in: a department's file is parsed in a container, ends in a bounded refusal that
// names a place, and registers nothing. The gateway's memory stays what it was.
func (s *siege) files(t *testing.T) {
	header := head(t, s)
	before, newest := s.peak(t), s.newest(t)
	for _, v := range []struct {
		id, vector string
		body       []byte
		source     upload.Source
		want       []string
	}{
		{"S43", "256 MiB in one line", append([]byte(header), bytes.Repeat([]byte("x"), 256<<20)...), upload.Source{}, []string{"row.too_long"}},
		{"S43", "1 GiB in one line, packed", packed(t, header, 1<<30), upload.Source{}, []string{"file.too_large", "row.too_long"}},
		{"S43", "a million columns", []byte(strings.Repeat("c,", 1_000_000) + "c\n1\n"), upload.Source{}, []string{"columns.too_many", "row.too_long"}},
		{"S43", "a million fields in a row", []byte(header + strings.Repeat("1,", 1_000_000) + "1\n"), upload.Source{}, []string{"row.field_count", "row.too_long"}},
		{"S43", "an open quote", []byte(header + "\"r1,name\n" + strings.Repeat("a,b,c\n", 1_000_000)), upload.Source{}, []string{"row.quote", "row.too_long"}},
		{"S43", "NUL", []byte(header + "r1\x00,n,p\n"), upload.Source{}, []string{"row."}},
		{"S43", "only NUL", make([]byte, 32<<20), upload.Source{}, []string{"row.", "file.", "column."}},
		{"S43", "UTF-16", utf16le(header + "r1,n,p,x\n"), upload.Source{}, []string{"file.utf16", "column."}},
		{"S43", "mixed line ends", []byte(header + "r1,n\r\nr2,n\rr3,n\n"), upload.Source{}, []string{"row."}},
		{"S43", "bad UTF-8", []byte(header + "r1,\xff\xfe,p\n"), upload.Source{}, []string{"row.", "value.", "file."}},
		{"S43", "nothing", []byte("\n"), upload.Source{}, []string{"file.empty", "column."}},
		{"S44", "Parquet: cut footer", parquet(64, 40)[:60], upload.Source{Form: "parquet"}, []string{"file.parquet"}},
		{"S44", "Parquet: footer longer than the file", parquet(64, 1<<31), upload.Source{Form: "parquet"}, []string{"file.parquet"}},
		{"S44", "Parquet: footer of no length", parquet(64, 0), upload.Source{Form: "parquet"}, []string{"file.parquet"}},
		{"S44", "Parquet: footer of noise", parquet(1<<20, 1<<19), upload.Source{Form: "parquet"}, []string{"file.parquet"}},
		{"S44", "Parquet said to be CSV", parquet(64, 40), upload.Source{}, []string{"file.", "row.", "column."}},
		{"S44", "gzip, 1000 to 1", packed(t, header, 2<<30), upload.Source{Gzip: true}, []string{"file.too_large", "row.too_long"}},
		{"S44", "gzip, cut", packed(t, header, 1<<20)[:500], upload.Source{Gzip: true}, []string{"file.gzip", "file."}},
		{"S26", "a zip", zipped(t, "a.csv", []byte(header)), upload.Source{}, []string{"file.", "row.", "column."}},
		{"S26", "a zip of zips", zipped(t, "a.zip", zipped(t, "b.zip", zipped(t, "c.csv", make([]byte, 64<<20)))), upload.Source{}, []string{"file.", "row.", "column."}},
		{"S26", "a workbook that unpacks to 2 GiB", bomb(t, 2<<30), upload.Source{Form: "xlsx"}, []string{"file.too_large", "file.xlsx"}},
	} {
		s.enter(t, v.id, v.vector, s.published(t, v.body, v.source), v.want...)
	}
	if grown := s.peak(t) - before; grown > flat {
		t.Errorf("the gateway's memory grew by %d MiB", grown>>20)
	}
	if n := s.newest(t); n != newest {
		t.Errorf("version %d is the newest one available: it was %d", n, newest)
	}
}

// head is the header of the department's table.
func head(t *testing.T, s *siege) string {
	t.Helper()
	var file bytes.Buffer
	must(t, writeTable(&file, s.rows[:1]))
	line, _, _ := strings.Cut(file.String(), "\n")
	return line + "\n"
}

// published sends a file and tells what became of it.
func (s *siege) published(t *testing.T, body []byte, source upload.Source) string {
	t.Helper()
	up, err := s.steward.Uploads.Send(t.Context(), wire.UploadSpec{Dataset: slug, Source: source}, bytes.NewReader(body), nil)
	if err != nil {
		return codes(err)
	}
	v, err := s.steward.Datasets.Publish(t.Context(), slug, wire.Publication{Upload: up.ID, Mode: dataset.Replace})
	if err != nil {
		return codes(err)
	}
	if v, err = s.steward.Datasets.WaitVersion(t.Context(), slug, v.Number); err != nil {
		return codes(err)
	}
	told := v.State
	if v.Refusal != nil {
		for _, e := range v.Refusal.Errors[:min(3, len(v.Refusal.Errors))] {
			told += " " + e.Reason
		}
	}
	return told
}

// newest is the number of the newest version that is available.
func (s *siege) newest(t *testing.T) int {
	t.Helper()
	found, err := s.steward.Datasets.Show(t.Context(), slug)
	must(t, err)
	n := 0
	for _, v := range found.Versions {
		if v.State == string(dataset.Available) {
			n = max(n, v.Number)
		}
	}
	return n
}

// packed is a header and a line of a length, compressed.
func packed(t *testing.T, header string, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, header)
	must(t, err)
	must(t, repeat(w, size))
	must(t, w.Close())
	return b.Bytes()
}

// repeat writes one letter over and over.
func repeat(w io.Writer, size int64) error {
	block := bytes.Repeat([]byte("x"), 1<<20)
	for ; size > 0; size -= int64(len(block)) {
		if _, err := w.Write(block); err != nil {
			return err
		}
	}
	return nil
}

func zipped(t *testing.T, name string, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	must(t, err)
	_, err = w.Write(body)
	must(t, err)
	must(t, z.Close())
	return b.Bytes()
}

// bomb is a workbook whose sheet unpacks to a size.
func bomb(t *testing.T, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"xl/workbook.xml", "xl/worksheets/sheet1.xml"} {
		w, err := z.Create(name)
		must(t, err)
		must(t, repeat(w, size/2))
	}
	must(t, z.Close())
	return b.Bytes()
}

func utf16le(text string) []byte {
	raw := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		raw = binary.LittleEndian.AppendUint16(raw, unit)
	}
	return raw
}

// parquet has the marks of such a file around noise, and a footer of a length that is said.
func parquet(size int, footer uint32) []byte {
	raw := append([]byte("PAR1"), bytes.Repeat([]byte{0x15}, size)...)
	raw = binary.LittleEndian.AppendUint32(raw, footer)
	return append(raw, "PAR1"...)
}

// freeOutputs are S26 on the way out: there is no way to declare a file of one's own.
func (s *siege) freeOutputs(t *testing.T) {
	a := attempt{title: "files", columns: []string{"health", "visits"}, sql: "-- relation: r\nSELECT resident, health, visits FROM visits", tables: []job.Table{byHealth("r")}}
	for _, name := range []string{"r.zip", "r.csv", "r"} {
		p := a.pack(s.grantNumber, purpose)
		p.Outputs = append(p.Outputs, job.Output{File: &job.File{Name: name, From: "r"}})
		_, err := s.developer.Jobs.Submit(t.Context(), p)
		s.enter(t, "S26", "an output that is a file: "+name, codes(err), "output", "400", "403", "422")
	}
	if strings.Contains(a.sql, "COPY") {
		t.Error("the honest statement copies")
	}
}
