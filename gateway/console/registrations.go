package console

import (
	"strings"
	"time"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/registration"
)

func registrationActs() []act {
	const page = "/registrations/{number}"
	return []act{
		{path: "/registrations/new", page: "/registrations/new", verb: "registration.apply", do: applyRegistration},
		{path: page + "/accept", page: page, verb: "registration.accept", do: onRegistration((*catalog.Registrations).Accept)},
		{path: page + "/notice", page: page, verb: "registration.notice", do: onRegistration((*catalog.Registrations).Notice)},
		{path: page + "/code", page: page, verb: "registration.code", do: onRegistration((*catalog.Registrations).Code)},
	}
}

// onRegistration is an act on one registration.
func onRegistration(verb oneVerb[*catalog.Registrations, registration.View]) func(call) (string, error) {
	return func(k call) (string, error) {
		view, err := verb(k.cat.Registrations, k.ctx, k.who, k.arg("number"))
		return registrationPath(view.Number), err
	}
}

func registrationPath(number string) string { return Prefix + "/registrations/" + number }

// lawStep is one step of a procedure that the law gives days for.
type lawStep struct {
	Name     string
	Standing string // as of a stage of a job
	At       *time.Time
	Due      *time.Time
}

// registrationPage is what the page of a registration shows.
type registrationPage struct {
	registration.View
	Steps   []lawStep
	Buttons []button
	tabbed
}

func showRegistration(k call) (answer, error) {
	view, err := k.cat.Registrations.Show(k.ctx, k.who, k.arg("number"))
	if err != nil {
		return answer{}, err
	}
	p := registrationPage{View: view, Steps: stepsOf(view)}
	if p.Buttons, err = registrationButtons(k, view); err != nil {
		return answer{}, err
	}
	p.tabbed, err = openTabs(k, view.Number, tab{Name: "progress"})
	return answer{Object: view.Number, State: view.State, Body: p}, err
}

// stepsOf are the four steps of the procedure (R9, R13): what is done, and until when the next one is to be.
func stepsOf(v registration.View) []lawStep {
	all := []lawStep{
		{Name: "apply", At: &v.AppliedAt}, {Name: "accept", At: v.AcceptedAt, Due: &v.AcceptDue},
		{Name: "notice", At: v.NoticedAt, Due: v.ReviewDue}, {Name: "code", At: v.CodedAt, Due: v.NoticeEnds},
	}
	standing := "current"
	for i := range all {
		if all[i].At != nil {
			all[i].Standing = "done"
			continue
		}
		all[i].Standing, standing = standing, "later"
	}
	return all
}

// registrationButtons is the step a registration waits for. It is the registrar's.
func registrationButtons(k call, view registration.View) ([]button, error) {
	seen, err := catalog.Tag(view)
	if err != nil {
		return nil, err
	}
	var all []button
	for _, act := range []string{"accept", "notice", "code"} {
		if allows(registration.Flow(), view.State, act) {
			all = append(all, button{Verb: "registration." + act, Path: registrationPath(view.Number) + "/" + act, Seen: seen, Main: true})
		}
	}
	return k.offer(k.sits(org.Registrar), all...)
}

// applyPage is where a registration is applied for: what is registered, and what its holder declares of it (R4).
type applyPage struct {
	Choice       choice        // of the reader's organization's that can be registered now
	Dataset      *dataset.View // the chosen one
	Evidence     name.Digest   // of its newest manifest
	Version      int           // whose manifest that is
	Declarations []string
	Form         filled
	Offer        button
}

// declarations are the four statements by their fields.
func declarations() []string {
	return []string{"no_state_secret", "trade_secret_handled", "personal_handled", "risk_assessed"}
}

// draftApplication makes the page. A dataset is chosen first: its newest manifest is the evidence (R12).
func draftApplication(k call) (answer, error) {
	p := applyPage{Form: filled(k.form), Declarations: declarations()}
	offered, err := k.offer(false, button{Verb: "registration.apply"})
	if err != nil {
		return answer{}, err
	}
	p.Offer = offered[0]
	if p.Offer.Why != "" {
		return answer{Body: p}, nil
	}
	slug := k.sent().Get("dataset")
	if slug == "" {
		p.Choice, err = chooseOwn(k, dataset.Catalogued) // their next step is their registration
		return answer{Body: p}, err
	}
	found, err := k.cat.Datasets.Show(k.ctx, k.who, slug)
	if err != nil {
		return answer{}, err
	}
	p.Dataset = &found
	p.Evidence, p.Version = evidenceOf(found)
	return answer{Body: p}, nil
}

// evidenceOf is the digest of a dataset's newest manifest, and the version it is of; none while nothing is published.
func evidenceOf(d dataset.View) (digest name.Digest, version int) {
	for _, v := range d.Versions {
		if v.State == string(dataset.Available) && v.Number > version {
			digest, version = name.Digest(v.Digest), v.Number
		}
	}
	return digest, version
}

func applyRegistration(k call) (string, error) {
	said := func(field string) bool { return k.form.Has("declare." + field) }
	view, err := k.cat.Registrations.Apply(k.ctx, k.who, k.form.Get("dataset"), registration.Spec{
		Declarations: registration.Declarations{
			NoStateSecret: said("no_state_secret"), TradeSecretHandled: said("trade_secret_handled"),
			PersonalHandled: said("personal_handled"), RiskAssessed: said("risk_assessed"),
		},
		Summary: strings.TrimSpace(k.form.Get("summary")), Commitment: typedDigest(k.form.Get("commitment")), Evidence: typedDigest(k.form.Get("evidence")),
	})
	return registrationPath(view.Number), err
}

// typedDigest reads a digest as people have it: with its algorithm before it, or as a tool prints it.
func typedDigest(text string) name.Digest {
	const algorithm = "sha256:"
	text = strings.ToLower(strings.TrimSpace(text))
	if text != "" && !strings.HasPrefix(text, algorithm) {
		text = algorithm + text
	}
	return name.Digest(text)
}
