package console

import (
	"fmt"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/trace"
)

// tab is one part of an object's page. Why, a text, says why it is not the reader's to open.
type tab struct {
	Name    string
	Path    string
	Current bool
	Why     string
}

// tabs makes an object's tabs and returns the name of the one asked for; the first when none is. What is not there,
// or not the reader's, is unknown.
func tabs(c call, all ...tab) ([]tab, string, error) {
	asked := c.r.URL.Query().Get("tab")
	if asked == "" {
		asked = all[0].Name
	}
	found := false
	for i := range all {
		all[i].Path = c.path + "?tab=" + all[i].Name
		all[i].Current = all[i].Name == asked
		found = found || all[i].Current && all[i].Why == ""
	}
	if !found {
		return nil, "", fault.NotFound()
	}
	return all, asked, nil
}

// tabbed is the tabs of an object's page, the last of which is its log.
type tabbed struct {
	Tabs []tab
	Tab  string // the open one
	Log  []entry
}

// openTabs opens the tab that is asked for, of some and the object's log.
func openTabs(c call, object string, before ...tab) (t tabbed, err error) {
	log := tab{Name: "log"}
	if !c.may[readTrace] {
		log.Why = "log.why"
	}
	t.Tabs, t.Tab, err = tabs(c, append(before, log)...)
	if err == nil && t.Tab == "log" {
		t.Log, err = logOf(c, object)
	}
	return t, err
}

// entry is one line of an object's log.
type entry struct {
	Index    int64
	ID       string
	At       time.Time
	Kind     string            // of the object
	Object   string            // its number or name
	Refs     map[string]string // digests
	Detail   map[string]string // codes and counts
	Act      string
	Who      string // a keyed hash of the person, or the process
	Person   bool   // Who is a person
	Decision string
	Reasons  []string
	Revision string
	Erased   bool
}

// logOf reads the newest entries about an object that are the reader's to see.
func logOf(c call, object string) ([]entry, error) {
	views, err := c.cat.Trace.Query(c.ctx, c.who, trace.Filter{Object: object, Limit: pageSize})
	if err != nil {
		return nil, err
	}
	return entriesOf(views)
}

// entriesOf reads what entries say.
func entriesOf(views []trace.View) ([]entry, error) {
	all := make([]entry, 0, len(views))
	for _, v := range views {
		e := entry{Index: v.Index, ID: v.ID, At: v.At, Erased: v.Body == nil}
		if !e.Erased {
			body, err := trace.DecodeBody(v.Body)
			if err != nil {
				return nil, fmt.Errorf("reading entry %d: %w", v.Index, err)
			}
			e.Act, e.Decision, e.Reasons, e.Revision = body.Act, body.Decision, body.Reasons, body.Revision
			e.Kind, e.Object, e.Refs, e.Detail = body.Object.Kind, body.Object.Name, body.Refs, body.Detail
			if e.Who = body.Actor.Process; e.Who == "" {
				e.Who, e.Person = body.Actor.Member, body.Actor.Member != ""
			}
		}
		all = append(all, e)
	}
	return all, nil
}
