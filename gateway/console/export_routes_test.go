package console

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/alexedwards/scs/v2"
)

// Routes lists the paths below Prefix that the console has for a method, as patterns, for tests that walk them. The mux
// itself is read, by the names of its fields: what no table of this package holds is here too.
func Routes(method string) []string {
	mux := http.NewServeMux()
	(&Console{sessions: scs.New()}).Register(mux)
	index := reflect.ValueOf(mux).Elem().FieldByName("index")
	lists := []reflect.Value{index.FieldByName("multis")}
	for at := index.FieldByName("segments").MapRange(); at.Next(); {
		lists = append(lists, at.Value())
	}
	var all []string
	for _, list := range lists {
		for i := range list.Len() {
			if path, found := strings.CutPrefix(list.Index(i).Elem().FieldByName("str").String(), method+" "+Prefix); found {
				all = append(all, path)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Confirms lists the paths of the pages that ask before an act.
func Confirms() (all []string) {
	for _, p := range pages() {
		if p.name == "confirm" {
			all = append(all, p.path)
		}
	}
	return all
}
