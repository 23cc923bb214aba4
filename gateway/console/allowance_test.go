package console_test

import (
	"net/http"
	"testing"

	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/postgres"
)

// TestAllowInPart: the agency takes a request down to what fits, never up; the grant keeps what was asked beside what is
// allowed, and only the allowed part counts.
func TestAllowInPart(t *testing.T) {
	w := newTown(t)
	if err := w.Owner.InTx(t.Context(), func(tx *postgres.Tx) error { return authorize(t, tx) }); err != nil {
		t.Fatal(err)
	}
	const page = "/grants/" + theProposal + "/allow" // it asks for a column beyond the provider's terms
	w.signedIn(t, "developer").get(t, page).shows(t, "the asker's look", "resident_id", "由实施机构审批人办理")
	w.signedIn(t, "rival").get(t, page).refused(t, "a stranger's look", 404)
	chief := w.signedIn(t, "chief")
	chief.get(t, "/grants/"+theProposal).shows(t, "the request", "部分批准")
	form := func(once string, pairs ...string) (all []string) {
		return append([]string{"once", once, "column.plan", "on", "to", scope("plan").To.AddDays(-5).String(), "runs", "3", "rows", "1,000"}, pairs...)
	}
	chief.act(t, page, once(form("0123456789abcdef")...)).refused(t, "a weak session", 403, "session.strength")
	chief.strong(t, "chief")
	for i, tt := range []struct {
		field, value string
		status       int
		code         string
	}{
		{"runs", "11", 422, "allowance.wider"}, {"to", scope("plan").To.AddDays(1).String(), 422, "allowance.wider"},
		{"column.visits", "on", 422, "allowance.wider"}, {"column.resident_id", "on", 403, "columns.outside_terms"}, {"rows", "many", 422, "field.not_whole"},
		{"runs", "0", 422, "allowance.none"}, {"rows", "", 422, "allowance.none"}, {"to", "", 403, "term.empty"}, {"values", "free", 422, "column"},
	} {
		chief.act(t, page, once(form("123456789abcdef"+string(rune('a'+i)), tt.field, tt.value)...)).refused(t, tt.field, tt.status, tt.code)
	}
	none := []string{"once", "3456789abcdef012", "to", scope("plan").To.AddDays(-5).String(), "runs", "3", "rows", "1,000"}
	chief.act(t, page, once(none...)).refused(t, "no column", 403, "columns.none")
	fresh := chief.get(t, page).form(t, page)
	chief.act(t, page, with(fresh, form(fresh.Get("once"), "filter", "plan", "values", "free")...)).leads(t, "a part", "/grants/"+theProposal)
	chief.get(t, "/grants/"+theProposal).shows(t, "the grant", "resident_id", "申请", "批准", "plan: free", `id="state">有效`)
	chief.act(t, page, once(form("23456789abcdef01")...)).refused(t, "a second time", http.StatusConflict, "grant.move_not_allowed")
	view, err := w.keys["developer"].Grants.Show(t.Context(), theProposal)
	if err != nil || view.Asked == nil {
		t.Fatalf("got %+v %v", view, err)
	}
	if view.RunsLeft != 3 || view.RowsLeft != 1000 || len(view.Scope.Columns) != 1 || len(view.Asked.Columns) != 2 || !view.Asked.Rows.All {
		t.Errorf("allowed %+v of %+v", view.Scope, *view.Asked)
	}
	if _, err := w.keys["developer"].Grants.Allow(t.Context(), theProposal, grant.Allowance{Runs: new(int64(1))}); err == nil {
		t.Error("the operator allows itself")
	}
}
