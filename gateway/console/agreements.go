package console

import (
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/agreement"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
)

func agreementActs() []act {
	const page = "/agreements/{number}"
	return []act{
		{path: "/agreements/new", page: "/agreements/new", verb: "agreement.record", most: maxDeclaration, do: recordAgreement},
		{path: page + "/sign", page: page, verb: "agreement.sign", do: signAgreement},
		{path: page + "/file", page: page, verb: "agreement.file", do: fileAgreement},
	}
}

func agreements(c call, p catalog.Page) (catalog.Listed[agreement.View], error) {
	return c.cat.Agreements.List(c.ctx, c.who, p)
}

func agreementPath(number string) string { return Prefix + "/agreements/" + number }

// agreementPage is what the page of an agreement shows.
type agreementPage struct {
	agreement.View
	Sign    []button // of a party that has not signed yet
	File    *button  // where the data authority files it; nil for nobody else, and at no other time
	Seen    string   // tag of the agreement as it is shown
	Receipt string   // typed before
	tabbed
}

func showAgreement(k call) (answer, error) {
	view, err := k.cat.Agreements.Show(k.ctx, k.who, k.arg("number"))
	if err != nil {
		return answer{}, err
	}
	p := agreementPage{View: view, Receipt: k.form.Get("receipt")}
	if p.Seen, err = catalog.Tag(view); err != nil {
		return answer{}, err
	}
	if err := p.offer(k); err != nil {
		return answer{}, err
	}
	p.tabbed, err = openTabs(k, view.Number, tab{Name: "progress"})
	return answer{Object: view.Number, State: view.State, Body: p}, err
}

// offer fills in the acts the agreement waits for: of its parties, then of the authority it is filed with (O16).
func (p *agreementPage) offer(k call) (err error) {
	if allows(agreement.Flow(), p.State, "sign") && !k.sits(org.DataAuthority) {
		home, err := k.home()
		if err != nil || slices.Contains(p.Signed, home) {
			return err
		}
		p.Sign, err = k.offer(false, button{Verb: "agreement.sign", Path: agreementPath(p.Number) + "/sign", Seen: p.Seen, Main: true})
		return err
	}
	if allows(agreement.Flow(), p.State, "file") && k.sits(org.DataAuthority) {
		offered, err := k.offer(true, button{Verb: "agreement.file", Path: agreementPath(p.Number) + "/file"})
		if err != nil {
			return err
		}
		p.File = &offered[0]
	}
	return nil
}

func signAgreement(k call) (string, error) {
	view, err := k.cat.Agreements.Sign(k.ctx, k.who, k.arg("number"))
	return agreementPath(view.Number), err
}

func fileAgreement(k call) (string, error) {
	view, err := k.cat.Agreements.File(k.ctx, k.who, k.arg("number"), strings.TrimSpace(k.form.Get("receipt")))
	return agreementPath(view.Number), err
}

// recordPage is where an agreement is recorded with the decision behind it (O15).
type recordPage struct {
	Choice choice
	Form   filled
	Offer  button
}

func draftAgreement(k call) (answer, error) {
	p := recordPage{Form: filled(k.form)}
	if sent := k.sent(); sent.Has("q") { // looking for a dataset leaves the form as it was filled in
		p.Form = filled(sent)
	}
	offered, err := k.offer(false, button{Verb: "agreement.record"})
	if err != nil {
		return answer{}, err
	}
	if p.Offer = offered[0]; p.Offer.Why != "" {
		return answer{Body: p}, nil
	}
	if p.Choice, err = choose(k, catalog.Page{}); err != nil {
		return answer{}, err
	}
	return answer{Body: p}, p.Choice.keep(k, ticked[string](k.sent(), "dataset")...)
}

func recordAgreement(k call) (string, error) {
	n := numbers{form: k.form}
	spec := agreement.Spec{
		Operator: strings.TrimSpace(k.form.Get("operator")), From: n.day("from"), To: n.day("to"), Document: typedDigest(k.form.Get("document")),
		Decision:  agreement.Decision{Document: strings.TrimSpace(k.form.Get("decision")), Date: n.day("decided")},
		Exception: strings.TrimSpace(k.form.Get("exception")),
	}
	for _, slug := range ticked[string](k.form, "dataset") {
		spec.Datasets = append(spec.Datasets, name.Slug(slug))
	}
	if err := n.bad.Err("request.invalid"); err != nil {
		return "", err
	}
	view, err := k.cat.Agreements.Record(k.ctx, k.who, spec)
	return agreementPath(view.Number), err
}

// signDuties are the agreements that wait for the reader's organization to sign.
func signDuties(c call) ([]duty, error) {
	home, err := c.home()
	if err != nil {
		return nil, err
	}
	return gather(c, agreements, func(a agreement.View) (duty, bool) {
		d := agreementDuty("duty.agreement_sign", a, slices.Contains(a.Signed, home))
		return d, d.Done || a.State == string(agreement.Decided)
	}, agreement.Decided)
}

// fileDuties are the signed agreements that the authority files, within the days the law gives for it (O16).
func fileDuties(c call) ([]duty, error) {
	return gather(c, agreements, func(a agreement.View) (duty, bool) {
		d := agreementDuty("duty.agreement_file", a, a.FiledAt != nil)
		d.Due = a.FileDue
		return d, d.Done || a.State == string(agreement.Signed)
	}, agreement.Signed)
}

func agreementDuty(kind string, a agreement.View, done bool) duty {
	return duty{Kind: kind, Object: a.Number, Path: agreementPath(a.Number), From: a.OperatorName, At: a.From.Start(), State: a.State, Done: done}
}
