package console_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
)

// crowded puts newer datasets beside the town's than a part of the list has, all of them in a state.
func (w *town) crowded(t *testing.T, state string) {
	t.Helper()
	pgtest.Exec(t, w.DB.Owner, fmt.Sprintf(`do $$ declare d dataset; begin
		update dataset set state = '%s';
		select * into strict d from dataset where slug = '%s';
		for n in 1..%d loop
			d.id := '7fffffff-0000-7000-8000-' || lpad(to_hex(n), 12, '0'); d.slug := 'set-' || n; d.title := 'Set no. ' || n;
			insert into dataset values (d.*);
		end loop;
	end $$`, state, theDataset, catalog.MaxPage+5))
}

// TestEveryDatasetCanBeChosen: where there are more datasets than a page offers, it says so, and a text finds the others;
// what was filled in beside it stays.
func TestEveryDatasetCanBeChosen(t *testing.T) {
	w := newTown(t, "applicant")
	provider := w.homes[string(org.DataProvider)]
	if _, err := w.Admin.Orgs.GrantCapacity(t.Context(), provider, org.CapacitySpec{Capacity: org.Registrant, Document: "a document"}); err != nil {
		t.Fatal(err)
	}
	const search, more = `name="q"`, "此处只列出最新的 200 个"
	option := fmt.Sprintf(`<option value="%s"`, theDataset)
	who := map[string]*browser{
		"/grants/new":        w.signedIn(t, "developer"),
		"/registrations/new": w.resident(t, house{number: provider, lead: w.keys["steward"]}, "applicant", org.Applicant),
		"/datasets/new":      w.signedIn(t, "steward"),
	}
	pgtest.Exec(t, w.DB.Owner, "update dataset set state = 'authorizable'")
	few := who["/grants/new"].get(t, "/grants/new")
	few.shows(t, "a choice of one", option)
	if strings.Contains(few.body, search) || strings.Contains(few.body, more) {
		t.Error("a choice of one is searched")
	}
	for path, state := range map[string]string{"/grants/new": "authorizable", "/registrations/new": "catalogued", "/datasets/new": "declared"} {
		pgtest.Exec(t, w.DB.Owner, "delete from dataset where slug like 'set-%'")
		w.crowded(t, state)
		b := who[path]
		all := b.get(t, path)
		all.shows(t, path, search, more, `<option value="set-205"`)
		if strings.Contains(all.body, option) || strings.Contains(all.body, `<option value="set-5"`) {
			t.Errorf("%s offers more than it says", path)
		}
		found := b.get(t, path+"?q="+url.QueryEscape("VISITS"))
		found.shows(t, path+" narrowed", search, `value="VISITS"`, option)
		if strings.Contains(found.body, more) || strings.Contains(found.body, `<option value="set-`) {
			t.Errorf("%s does not narrow", path)
		}
	}
	who["/grants/new"].get(t, "/grants/new?q=nowhere").shows(t, "a text of none", "没有符合条件的数据集")
	who["/datasets/new"].get(t, "/datasets/new?q=set-5&dataset="+theDataset).shows(t, "what was chosen before", option+" selected")

	pgtest.Exec(t, w.DB.Owner, "update dataset set state = 'retired' where slug = 'set-7'")
	chief := w.signedIn(t, "chief")
	const box = `<input type="checkbox" name="dataset.`
	chief.get(t, "/agreements/new").shows(t, "an agreement", search, more, box+`set-205">`)
	found := chief.get(t, "/agreements/new?q=visits&operator=ORG-0007&once=0123456789abcdef0123")
	found.shows(t, "an agreement, narrowed", box+theDataset+`">`, `value="ORG-0007"`)
	ticked := chief.get(t, "/agreements/new?q=no.%207&operator=ORG-0007&dataset.no-such-set=on&dataset."+theDataset+"=on")
	ticked.shows(t, "an agreement, narrowed again", box+theDataset+`" checked>`, box+`set-70">`, `value="ORG-0007"`)
	if strings.Contains(ticked.body, box+`set-7"`) || strings.Contains(ticked.body, box+"no-such-set") {
		t.Error("what has ended, or is none, is offered")
	}
	chief.strong(t, "chief")
	chief.act(t, "/agreements/new", with(found.form(t, "/agreements/new"), "q", "no. 7", "dataset."+theDataset, "on", "from", "tomorrow")).
		refused(t, "no date", 422, "field.not_a_date", box+theDataset+`" checked>`, box+`set-70">`)
}
