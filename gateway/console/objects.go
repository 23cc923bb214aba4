package console

import (
	"encoding/json"
	"fmt"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/grant"
)

// datasetPage is what the page of a dataset shows, in the tab that is open.
type datasetPage struct {
	dataset.View
	Tabs    []tab
	Tab     string
	Profile *dataset.TableProfile // of the newest version that has one
	Version int                   // whose profile it is
	Log     []entry
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
	if p.Tabs, p.Tab, err = tabs(c, tab{Name: "columns"}, tab{Name: "versions"}, profile, tab{Name: "terms"}, logTab(c)); err != nil {
		return answer{}, err
	}
	switch p.Tab {
	case "profile":
		err = p.readProfile(c)
	case "log":
		p.Log, err = logOf(c, view.Slug)
	}
	return answer{Object: view.Title, State: view.State, Body: p}, err
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
	Tabs    []tab
	Tab     string
	Compare []grant.Comparison
	Beyond  int // dimensions that go beyond their bound
	Log     []entry
}

func showGrant(c call) (answer, error) {
	view, err := c.cat.Grants.Show(c.ctx, c.who, c.arg("number"))
	if err != nil {
		return answer{}, err
	}
	p := grantPage{View: view}
	if p.Tabs, p.Tab, err = tabs(c, tab{Name: "compare"}, tab{Name: "scope"}, logTab(c)); err != nil {
		return answer{}, err
	}
	if p.Tab == "log" {
		p.Log, err = logOf(c, view.Number)
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
