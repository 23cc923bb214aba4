package console

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/dataset"
)

// facet narrows a list by one thing besides its state: a field of the query form with the values there are. Its text is
// "facet." and the name.
type facet struct {
	Name   string
	Value  string // asked for; "" for all
	Values []option
}

type option struct{ Value, Text string }

// listDatasets makes the page of the catalogue: narrowed by a text, a department, a level and a state.
func listDatasets(c call) (answer, error) {
	asked := c.r.URL.Query()
	narrow := catalog.Page{Facets: dataset.ReadFacets("", asked.Get("provider"), asked.Get("level"))}
	p, err := partOf(c, dataset.Flow(), narrow, func(c call, p catalog.Page) (catalog.Listed[dataset.View], error) {
		return c.cat.Datasets.List(c.ctx, c.who, p)
	})
	if err != nil {
		return answer{}, err
	}
	providers, err := c.cat.Datasets.Providers(c.ctx, c.who)
	if err != nil {
		return answer{}, err
	}
	of := facet{Name: "provider", Value: asked.Get("provider")}
	for _, o := range providers {
		of.Values = append(of.Values, option{o.Number, fmt.Sprintf("%s (%s)", o.Name, o.Number)})
	}
	level := facet{Name: "level", Value: asked.Get("level")}
	for n := 1; n <= dataset.MaxLevel; n++ {
		level.Values = append(level.Values, option{strconv.Itoa(n), c.words.say("facet.level_of", n)})
	}
	p.Facets = []facet{of, level}
	p.Buttons, err = c.offer(false, button{Verb: "dataset.publish", Label: "datasets.new", Path: Prefix + "/datasets/new", Ask: true, Main: true})
	p.Buttons = slices.DeleteFunc(p.Buttons, func(b button) bool { return b.Why != "" })
	return answer{Body: p}, err
}
