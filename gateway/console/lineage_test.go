package console_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/name"
)

// TestLineage: a product's digest, as its page shows it, leads to the job, the code and the data it came from, and the data's
// to the product. Everybody follows it through what they may see, and nobody through more.
func TestLineage(t *testing.T) {
	w := newTown(t)
	w.profiled(t)
	w.desk(t)
	number := w.release(t)
	papers, err := w.keys["chief"].Releases.Show(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	steward := w.signedIn(t, "steward")
	page := "/trace/lineage?digest=" + papers.Digest
	chief := w.signedIn(t, "chief")
	chief.get(t, "/releases/"+number).shows(t, "the product's page", `title="`+papers.Digest+`"`)
	steward.get(t, "/trace").shows(t, "the trace", `href="/console/trace/lineage"`)
	steward.get(t, "/trace/lineage").shows(t, "no digest", "向前查到", "sluice trace lineage DIGEST")
	chain := steward.get(t, page)
	chain.shows(t, "where it came from", "共 1 个作业", number, "J-2026-0904", `href="/console/datasets/`+theDataset+`/versions/1"`, `href="/console/grants/`+theGrant+`"`)
	chain.shows(t, "its command", "sluice trace lineage "+papers.Digest)
	for _, foreign := range []string{"jobs", "registrations", "releases", "reviews", "agreements"} {
		if strings.Contains(chain.body, `href="/console/`+foreign+`/`) {
			t.Errorf("a department's steward is led to %s that are not theirs to open", foreign)
		}
	}
	part := regexp.MustCompile(`lineage\?digest=([^"]+)" title="[^"]+"><code>[^<]+</code></a> </td>`).FindStringSubmatch(chain.body)
	if part == nil {
		t.Fatalf("no part to follow in %s", chain.body)
	}
	steward.get(t, "/trace/lineage?digest="+part[1]).shows(t, "what came of a part", number)
	rival := w.signedIn(t, "rival")
	if got := rival.get(t, page); got.status == 200 && (strings.Contains(got.body, number) || strings.Contains(got.body, theDataset)) {
		t.Error("another organization follows a product that is not theirs")
	}
	steward.get(t, "/trace/lineage?digest=sha256:1").refused(t, "what is no digest", 422, "digest.invalid")
	steward.get(t, "/trace/lineage?digest="+string(name.DigestOf([]byte("nothing")))).shows(t, "a digest of nothing", "没有用到或产生过它的")
	developer := w.signedIn(t, "developer")
	if strings.Contains(developer.get(t, "/jobs/"+theJob).body, "lineage") {
		t.Error("a digest leads who may not follow it to a refusal")
	}
}
