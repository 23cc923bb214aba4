package catalog_test

import (
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/fault"
)

// TestReceiptsAreText: a filing without a receipt, or under one that hides what it says, files nothing.
func TestReceiptsAreText(t *testing.T) {
	c := newCity(t, plenty())
	for _, receipt := range []string{"", " \n", "备案\u202e1号", strings.Repeat("号", 100)} {
		if _, err := c.serve.Agreements.File(c.ctx, c.authority.Subject, c.agreement.Number, receipt); fault.Of(err) != fault.Invalid {
			t.Errorf("%q: %v", receipt, err)
		}
	}
}
