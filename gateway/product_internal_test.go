package gateway

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/release"
)

// plans is a released product.
func plans(text string) catalog.Product {
	return catalog.Product{
		Release: release.View{Number: "D-2026-0001", Output: "by_plan", Digest: string(name.DigestOf([]byte(text)))},
		Bytes:   []byte(text),
		Table: job.Table{
			Name: "by_plan", By: []job.Dimension{{Column: "plan", Values: []string{"free"}}},
			Measures: []job.Measure{{Name: "mean", Stat: job.StatMean, Of: "visits"}},
		},
	}
}

// Of all forms only csv has the bytes the certificate is about, and every answer tells what it has.
func TestOnlyCertifiedBytesHaveTheDigest(t *testing.T) {
	const text = "plan,mean\nfree,0.5\n"
	for form, file := range map[release.Form]string{
		release.CSV: "D-2026-0001-by_plan.csv", release.CSVExcel: "D-2026-0001-by_plan-excel.csv",
		release.XLSX: "D-2026-0001-by_plan.xlsx", release.Parquet: "D-2026-0001-by_plan.parquet",
	} {
		got, err := productIn(form, plans(text))
		if err != nil {
			t.Fatal(err)
		}
		if want := `attachment; filename="` + file + `"`; got.Disposition != want || got.ContentType != form.MediaType() {
			t.Errorf("%s: %s as %s, want %s", form, got.Disposition, got.ContentType, want)
		}
		if got.Certified != string(name.DigestOf([]byte(text))) {
			t.Errorf("%s: the certificate is about %s", form, got.Certified)
		}
		sum := sha256.Sum256(got.Body)
		if got.Content != "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":" {
			t.Errorf("%s: the digest is of other content", form)
		}
		if same := got.Certified == string(name.DigestOf(got.Body)); same != form.Certified() {
			t.Errorf("%s: has the certified bytes: %v", form, same)
		}
	}
}

// TestUnfitForms tells apart what another form can hold from what is no product at all.
func TestUnfitForms(t *testing.T) {
	exact := plans("plan,mean\nfree,0.30000000000000004\n")
	if _, err := productIn(release.XLSX, exact); fault.Code(err) != "form.invalid" {
		t.Errorf("a figure with more digits than a sheet keeps: %v", err)
	}
	if _, err := productIn(release.Parquet, exact); err != nil {
		t.Errorf("parquet: %v", err)
	}
	_, err := productIn(release.CSV, plans("other,bytes\nfree,1\n"))
	if fault.Of(err) != fault.Internal || strings.Contains(err.Error(), "free") {
		t.Errorf("bytes that are not the declared table: %v", err)
	}
}
