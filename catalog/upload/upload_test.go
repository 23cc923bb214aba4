package upload_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/upload"
)

// places returns "location code" of every fault, sorted.
func places(err error) []string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return nil
	}
	var ps []string
	for _, p := range f.Places {
		ps = append(ps, p.Location+" "+p.Code)
	}
	slices.Sort(ps)
	return ps
}

func TestSpec(t *testing.T) {
	for _, good := range []upload.Spec{
		{Size: 1}, {Size: 100, Dataset: "health-visits", Digest: name.DigestOf(nil)},
		{Size: 1, Source: upload.Source{Form: upload.CSV, Encoding: "gb18030", Gzip: true}},
		{Size: 1, Source: upload.Source{Form: upload.XLSX, Sheet: "十月"}},
	} {
		if err := good.Validate(100); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for want, bad := range map[string]upload.Spec{
		"size size.invalid":                     {},
		"size size.too_large":                   {Size: 101},
		"dataset slug.invalid":                  {Size: 1, Dataset: "X"},
		"digest digest.invalid":                 {Size: 1, Digest: "md5:"},
		"source.form form.unknown":              {Size: 1, Source: upload.Source{Form: "xls"}},
		"source.encoding encoding.unknown":      {Size: 1, Source: upload.Source{Encoding: "big5"}},
		"source.encoding encoding.not_for_form": {Size: 1, Source: upload.Source{Form: upload.Parquet, Encoding: "utf-8"}},
		"source.sheet sheet.not_for_form":       {Size: 1, Source: upload.Source{Sheet: "a"}},
		"source.sheet sheet.invalid":            {Size: 1, Source: upload.Source{Form: upload.XLSX, Sheet: strings.Repeat("a", 125)}},
	} {
		if diff := cmp.Diff([]string{want}, places(bad.Validate(100))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want, diff)
		}
	}
}

func TestPlan(t *testing.T) {
	for _, tt := range []struct {
		size, chunk int64
		sizes       []int64
	}{
		{1, 4, []int64{1}}, {4, 4, []int64{4}}, {5, 4, []int64{4, 1}}, {12, 4, []int64{4, 4, 4}},
		{1 << 31, 16 << 20, slices.Repeat([]int64{16 << 20}, 128)},
	} {
		p := upload.Plan{Size: tt.size, Chunk: tt.chunk}
		var sizes []int64
		for n := 1; n <= p.Chunks(); n++ {
			size, ok := p.SizeOf(n)
			if !ok {
				t.Errorf("%+v has no chunk %d", p, n)
			}
			sizes = append(sizes, size)
		}
		if diff := cmp.Diff(tt.sizes, sizes); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", p, diff)
		}
		for _, n := range []int{-1, 0, p.Chunks() + 1} {
			if _, ok := p.SizeOf(n); ok {
				t.Errorf("%+v has chunk %d", p, n)
			}
		}
	}
}

func TestCompletes(t *testing.T) {
	p := upload.Plan{Size: 9, Chunk: 4}
	whole := name.DigestOf([]byte("whole"))
	all := []upload.Chunk{{Number: 1, Size: 4}, {Number: 2, Size: 4}, {Number: 3, Size: 1}}
	for _, announced := range []name.Digest{"", whole} {
		if err := p.Completes(upload.Sum{Size: 9, Digest: whole}, announced, all); err != nil {
			t.Errorf("announced as %q: %v", announced, err)
		}
	}
	for _, tt := range []struct {
		sum      upload.Sum
		received []upload.Chunk
		want     []string
	}{
		{upload.Sum{Size: 8, Digest: whole}, all, []string{"size size.differs"}},
		{upload.Sum{Size: 9, Digest: name.DigestOf(nil)}, all, []string{"digest digest.differs"}},
		{upload.Sum{Size: 9, Digest: "x"}, all, []string{"digest digest.differs", "digest digest.invalid"}},
		{upload.Sum{Size: 9, Digest: whole}, all[1:2], []string{"chunks[1] chunk.missing", "chunks[3] chunk.missing"}},
	} {
		if diff := cmp.Diff(tt.want, places(p.Completes(tt.sum, whole, tt.received))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
