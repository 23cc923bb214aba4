package catalog_test

import (
	"testing"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/release"
)

// TestRetiredDatasetsEnd ends a dataset once no grant refers to it: nothing new begins on it, and what was released
// of it can still be had.
func TestRetiredDatasetsEnd(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 10, Rows: 10_000})
	j := c.ran(c.grant.Number)
	r, err := c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: j.Number, Output: "by_health", Context: "c"})
	c.must(err)
	c.must(c.vote(c.officer, r.Number, output.OperatorSeat, output.Approve))
	c.must(c.vote(c.reviewer, r.Number, output.AgencySeat, output.Approve))
	c.turns()
	r, err = c.serve.Requests.Show(c.ctx, c.developer.Subject, r.Number)
	c.must(err)

	if _, err := c.serve.Datasets.Retire(c.ctx, c.steward.Subject, slug); code(err) != "dataset.granted" {
		t.Errorf("under an active grant: got %q", code(err))
	}
	if _, err := c.serve.Datasets.Retire(c.ctx, c.developer.Subject, slug); code(err) != "unknown" && code(err) != "access.not_permitted" {
		t.Errorf("an operator's developer: got %q", code(err))
	}
	_, err = c.serve.Grants.Revoke(c.ctx, c.chief.Subject, c.grant.Number)
	c.must(err)
	view, err := c.serve.Datasets.Retire(c.ctx, c.steward.Subject, slug)
	c.must(err)
	if view.State != string(dataset.Retired) {
		t.Fatalf("the dataset is %s", view.State)
	}
	for what, err := range map[string]error{
		"again":   try(c.serve.Datasets.Retire(c.ctx, c.steward.Subject, slug)),
		"terms":   try(c.serve.Datasets.SetTerms(c.ctx, c.steward.Subject, slug, *view.Terms)),
		"a thaw":  try(c.serve.Datasets.Thaw(c.ctx, c.steward.Subject, slug)),
		"profile": try(c.serve.Datasets.Profile(c.ctx, c.steward.Subject, slug, 1)),
		"grant":   try(c.serve.Grants.Propose(c.ctx, c.developer.Subject, grant.Spec{Agreement: c.grant.Agreement, Scope: c.grant.Scope})),
	} {
		if got := code(err); got != "dataset.retired" && got != "dataset.move_not_allowed" {
			t.Errorf("%s on a retired dataset: got %q", what, got)
		}
	}
	released := r.Release
	if got, err := c.serve.Releases.Show(c.ctx, c.developer.Subject, released); err != nil || got.State != string(release.Released) {
		t.Errorf("what was released: %+v, %v", got, err)
	}
}

// try keeps what an act failed with.
func try[V any](_ V, err error) error { return err }
