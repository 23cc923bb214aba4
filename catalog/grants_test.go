package catalog_test

import (
	"slices"
	"testing"

	"github.com/sluicedata/sluice/catalog"
)

// TestGrantsOfADataset: a list of grants is narrowed to one dataset, part by part, and to no more than the caller is a party
// to.
func TestGrantsOfADataset(t *testing.T) {
	c := newCity(t, plenty())
	c.sql(`with other as (insert into dataset select (jsonb_populate_record(d, '{"id": "0198f0aa-0000-7000-8000-000000000001", "slug": "other"}')).* from dataset d returning id)
		insert into data_grant select (jsonb_populate_record(g, jsonb_build_object('id', '0198f0aa-0000-7000-8000-00000000000' || n, 'number', 'G-2026-099' || n,
			'dataset', case when n < 3 then other.id else g.dataset end, 'operator', case when n = 4 then d.org else g.operator end))).*
			from data_grant g join dataset d on d.id = g.dataset, other, generate_series(1, 4) n`) // the fourth is another operator's
	for asked, want := range map[string][]string{
		"": {"G-2026-0001", "G-2026-0991", "G-2026-0992", "G-2026-0993"}, "other": {"G-2026-0991", "G-2026-0992"},
		slug: {"G-2026-0001", "G-2026-0993"}, "nothing": nil,
	} {
		var got []string
		for part := (catalog.Page{Dataset: asked, Limit: 1}); ; {
			found, err := c.serve.Grants.List(c.ctx, c.developer.Subject, part)
			c.must(err)
			for _, g := range found.Items {
				got = append(got, g.Number)
			}
			if part.After = found.Next; part.After == "" {
				break
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("over %q there are %v, want %v", asked, got, want)
		}
	}
}
