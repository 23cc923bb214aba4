package console

import (
	"encoding/json"
	"fmt"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/budget"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/org"
)

// datasetPage is what the page of a dataset shows, in the tab that is open.
type datasetPage struct {
	dataset.View
	tabbed
	Profile *dataset.TableProfile // of the newest version that has one
	Version int                   // whose profile it is
	Sign    *signing              // the steward's signature under it, still to be given
	Covered []grant.View          // the reader's grants over it
	Usage   *budget.Usage
	Buttons []button
	Mine    map[string][]string // numbers of the operator's own grants in force, by column; nil for others
}

func showDataset(c call) (answer, error) {
	view, err := c.cat.Datasets.Show(c.ctx, c.who, c.arg("slug"))
	if err != nil {
		return answer{}, err
	}
	p := datasetPage{View: view}
	profile := tab{Name: "profile"}
	if !c.may[readProfile] {
		profile.Why = "profile.why"
	}
	grants, usage := tab{Name: "grants"}, tab{Name: "usage"}
	if !c.may["grant.list"] {
		grants.Why = "grants.why"
	}
	if !c.may[readUsage] {
		usage.Why = "usage.why"
	}
	if p.tabbed, err = openTabs(c, view.Slug, tab{Name: "columns"}, tab{Name: "versions"}, profile, tab{Name: "terms"}, grants, usage); err != nil {
		return answer{}, err
	}
	if p.Buttons, err = datasetButtons(c, view); err != nil {
		return answer{}, err
	}
	switch p.Tab {
	case "columns":
		if c.sits(org.Operator) && grants.Why == "" {
			p.Mine, err = granted(c, view.Slug)
		}
	case "grants":
		p.Covered, err = covering(c, view.Slug)
	case "usage":
		var u budget.Usage
		u, err = c.cat.Datasets.Usage(c.ctx, c.who, view.Slug, c.r.URL.Query().Get("month"))
		p.Usage = &u
	case "profile":
		if err = p.readProfile(c); err == nil {
			err = p.offerSigning(c)
		}
	}
	return answer{Object: view.Title, State: view.State, Body: p}, err
}

// covering lists the grants over a dataset that the reader's organization is a party to.
func covering(c call, slug string) (all []grant.View, err error) {
	for part := (catalog.Page{Dataset: slug, Limit: catalog.MaxPage}); ; {
		found, err := c.cat.Grants.List(c.ctx, c.who, part)
		if err != nil {
			return nil, err
		}
		all = append(all, found.Items...)
		if part.After = found.Next; part.After == "" {
			return all, nil
		}
	}
}

// granted names, by column, the grants in force that give it to the reader's organization.
func granted(c call, slug string) (map[string][]string, error) {
	all, err := covering(c, slug)
	mine := map[string][]string{}
	for _, g := range all {
		if g.State != string(grant.Active) {
			continue
		}
		for _, column := range g.Scope.Columns {
			mine[column] = append(mine[column], g.Number)
		}
	}
	return mine, err
}

// readProfile reads the bytes the steward signs, of the newest version that has any.
func (p *datasetPage) readProfile(c call) error {
	for _, v := range p.Versions {
		if v.Profile != "" {
			p.Version = max(p.Version, v.Number)
		}
	}
	if p.Version == 0 {
		return nil
	}
	bytes, err := c.cat.Datasets.ShowProfile(c.ctx, c.who, p.Slug, p.Version)
	if err != nil {
		return err
	}
	p.Profile = new(dataset.TableProfile)
	if err := json.Unmarshal(bytes, p.Profile); err != nil {
		return fmt.Errorf("reading profile: %w", err)
	}
	return nil
}

// grantPage is what the page of a grant shows.
type grantPage struct {
	grant.View
	tabbed
	Compare []grant.Comparison
	Beyond  int // dimensions that go beyond their bound
	Buttons []button
	Besides []beside // what was asked and not allowed
}

func showGrant(c call) (answer, error) {
	view, err := c.cat.Grants.Show(c.ctx, c.who, c.arg("number"))
	if err != nil {
		return answer{}, err
	}
	p := grantPage{View: view, Besides: besides(view)}
	if p.Buttons, err = grantButtons(c, view); err != nil {
		return answer{}, err
	}
	if p.tabbed, err = openTabs(c, view.Number, tab{Name: "compare"}, tab{Name: "scope"}); err != nil || p.Tab == "log" {
		return answer{Object: view.Number, State: view.State, Body: p}, err
	}
	p.Compare, err = c.cat.Grants.Compare(c.ctx, c.who, view.Number)
	for _, d := range p.Compare {
		if len(d.Beyond) > 0 {
			p.Beyond++
		}
	}
	return answer{Object: view.Number, State: view.State, Body: p}, err
}
