package release_test

import (
	"testing"

	"github.com/sluicedata/sluice/catalog/release"
)

func TestForms(t *testing.T) {
	names := map[string]bool{}
	for _, f := range release.Forms() {
		if !f.Known() || f.MediaType() == "" {
			t.Errorf("%s is unknown or has no media type", f)
		}
		if f.Certified() != (f == release.CSV) {
			t.Errorf("%s: certified is %v", f, f.Certified())
		}
		names[f.FileName("product")] = true
	}
	if len(names) != len(release.Forms()) || !names["product.csv"] || names["product"] {
		t.Errorf("files beside each other are called %v", names)
	}
	if release.Form("pdf").Known() || release.Form("").Known() {
		t.Error("a form that is not of the list is known")
	}
}
