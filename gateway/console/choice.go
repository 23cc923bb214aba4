package console

import (
	"net/url"
	"slices"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
)

// choice is what a page lets choose among datasets: where there are many, those that a text finds.
type choice struct {
	Items []dataset.View
	Match string
	More  bool   // there are more than Items
	Path  string // of the page, where nothing was looked for
}

// Wide tells whether there are enough to look for one.
func (c choice) Wide() bool { return c.More || c.Match != "" || len(c.Items) > pageSize }

// choose reads the newest datasets that page leaves and that have not ended, as far as what is looked for finds them.
func choose(k call, page catalog.Page) (choice, error) {
	c := choice{Match: k.sent().Get("q"), Path: k.path}
	page.Limit, page.Facets.Match = catalog.MaxPage, c.Match
	for {
		found, err := k.cat.Datasets.List(k.ctx, k.who, page)
		if err != nil {
			return c, err
		}
		fit := slices.DeleteFunc(found.Items, func(d dataset.View) bool { return dataset.Flow().Ended(flow.State(d.State)) })
		room := catalog.MaxPage - len(c.Items)
		c.More = len(fit) > room || found.Next != "" && len(fit) == room
		c.Items = append(c.Items, fit[:min(room, len(fit))]...)
		if page.After = found.Next; c.More || page.After == "" {
			return c, nil
		}
	}
}

// chooseOwn chooses among those of the reader's organization, in a state; "" for any.
func chooseOwn(k call, state flow.State) (choice, error) {
	home, err := k.home()
	if err != nil {
		return choice{}, err
	}
	return choose(k, catalog.Page{State: string(state), Facets: dataset.Facets{Provider: home}})
}

// keep puts what was chosen before in front of a choice that a text has narrowed to others. What is none, or not the
// reader's to see, is not kept.
func (c *choice) keep(k call, slugs ...string) error {
	var kept []dataset.View
	for _, slug := range slugs[:min(len(slugs), catalog.MaxPage)] {
		if slices.ContainsFunc(c.Items, func(d dataset.View) bool { return d.Slug == slug }) {
			continue
		}
		found, err := k.cat.Datasets.Show(k.ctx, k.who, slug)
		if fault.Of(err) == fault.Unknown {
			continue
		}
		if err != nil {
			return err
		}
		kept = append(kept, found)
	}
	c.Items = append(kept, c.Items...)
	return nil
}

// sent is what a page is asked with: the form that is shown again, else the address.
func (k call) sent() url.Values {
	if k.form != nil {
		return k.form
	}
	return k.r.URL.Query()
}
