package console

import (
	"cmp"
	"strings"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/release"
)

// confirmPage asks before an act that cannot be taken back, and shows what it stops.
type confirmPage struct {
	Verb    string
	Life    flow.Table // of what it is about
	Move    string     // of that life, which the act needs; "": the one its verb names
	Typed   string     // what has to be typed
	Path    string     // where the form goes
	Seen    string
	Until   string // where who thinks better goes back to
	About   []fact // what tells it from others of the same name; what has a page of its own needs none
	Stops   []job.Stop
	Counted bool // Stops are all that would stop, even when there are none
	Offer   button
	// Asks says that a reason is asked for in place of the number; Said is what was given before.
	Asks bool
	Said string
	// Reasons are the closed list one has to be chosen of, beside the number; none where no reason is asked for.
	Reasons []release.Reason
	// Moot says that what it is about is in no state to be acted on: then nothing is asked, and nothing would stop.
	Moot bool
}

// fact is one line of what an object is; its label is a text.
type fact struct{ Label, Value string }

// confirm makes the page of one act on one object. The page has an address of its own: it may be come to long after the
// object left the state in which a button led here.
func confirm(k call, view any, state string, foreign bool, p confirmPage) (answer, error) {
	var err error
	if view != nil {
		if p.Seen, err = catalog.Tag(view); err != nil {
			return answer{}, err
		}
	}
	_, named, _ := strings.Cut(p.Verb, ".")
	b := button{Verb: p.Verb, Danger: true, Why: late(p.Life, state, cmp.Or(p.Move, named))}
	p.Moot = b.Why != ""
	offered, err := k.offer(foreign, b)
	if err != nil {
		return answer{}, err
	}
	p.Path, p.Offer, p.Said = k.path, offered[0], k.form.Get("reason")
	return answer{Object: p.Typed, State: state, Body: p}, nil
}

// late says why a thing in a state cannot be moved by an act, by a text; "" when it can.
func late(life flow.Table, state, act string) (why string) {
	if !allows(life, state, act) {
		why = "why.not_now"
		if life.Ended(flow.State(state)) {
			why = "why.ended"
		}
	}
	return why
}
