package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/agreement"
	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Agreements runs operating agreements (O15, O16): recorded with the agency's decision, signed by both
// parties, filed with the data authority, effective.
type Agreements struct{ c *core }

// Record enters what was agreed, with the collective decision. Who: approver of the implementing agency.
func (s *Agreements) Record(ctx context.Context, caller policy.Subject, spec agreement.Spec) (view agreement.View, err error) {
	err = s.c.change(ctx, caller, "agreement.record", &view, func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "agreement", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		operator, err := d.tx.OrgByNumber(ctx, spec.Operator)
		if err != nil {
			return fault.Bad("agreement.invalid", fault.Place{Location: "operator", Code: "operator.unknown"})
		}
		document := spec.Agreement(name.ID(caller.Org), name.ID(operator.ID))
		if err := document.Validate(s.c.Rules.Caps.AgreementYears); err != nil {
			return err
		}
		row, err := d.newAgreement(document)
		if err != nil {
			return err
		}
		view, err = d.agreementView(row)
		return err
	})
	return view, err
}

func (d *deed) newAgreement(document agreement.Agreement) (postgres.Agreement, error) {
	row := postgres.Agreement{
		ID: name.NewID().String(), Agency: string(document.Agency), Operator: string(document.Operator),
		RuleSet: d.c.Rules.Version, Document: document, TermFrom: document.From.Start(), TermTo: document.To.End(),
		Datasets: []string{}, Signatures: map[string]string{}, CreatedAt: d.now,
	}
	for i, slug := range document.Datasets {
		ds, err := d.tx.Dataset(d.ctx, string(slug))
		if err != nil {
			return row, fault.Bad("agreement.invalid", fault.Place{Location: fmt.Sprintf("datasets[%d]", i), Code: "dataset.unknown"})
		}
		row.Datasets = append(row.Datasets, ds.ID)
	}
	to, err := agreement.Flow().Check(agreement.Draft, "decide")
	if err != nil {
		return row, err
	}
	if document.Decision.Document == "" || document.Decision.Date.IsZero() {
		return row, fault.Bad("agreement.invalid", fault.Place{Location: "decision", Code: "decision.missing"})
	}
	row.State = string(to)
	if row.Number, err = d.newNumber(name.Agreement); err != nil {
		return row, err
	}
	d.object.ID, d.number = row.ID, row.Number
	d.refs["document"] = string(document.Document)
	return row, d.tx.InsertAgreement(d.ctx, row)
}

// Sign is one party's signature; with both the filing clock runs (5 working days, O16). Who: approver of
// either party.
func (s *Agreements) Sign(ctx context.Context, caller policy.Subject, number string) (view agreement.View, err error) {
	err = s.c.change(ctx, caller, "agreement.sign", &view, func(d *deed) error {
		row, err := d.partyAgreement(number)
		if err != nil {
			return err
		}
		if err := d.seen(d.agreementView(row)); err != nil {
			return err
		}
		to, err := agreement.Flow().Check(state(row.State), "sign")
		if err != nil {
			return err
		}
		if err := row.Document.CheckSigning(d.now); err != nil {
			return err
		}
		row.Signatures[caller.Org] = caller.Member
		if len(row.Signatures) == 2 {
			row.Document.Signed = &d.now
			due := row.Document.FilingDue(s.c.Calendar, s.c.Rules.Limits["D8"].Length).Date.End()
			row.State, row.SignedAt, row.FileDue = string(to), &d.now, &due
		}
		if err := d.tx.PutAgreement(ctx, row); err != nil {
			return err
		}
		view, err = d.agreementView(row)
		return err
	})
	return view, err
}

// maxReceipt bounds the receipt of a filing, in bytes.
const maxReceipt = 200

// File records that the authority received the signed agreement; late filing is marked. A filed agreement
// whose term has begun is effective. Who: data authority.
func (s *Agreements) File(ctx context.Context, caller policy.Subject, number, receipt string) (view agreement.View, err error) {
	var p fault.Places
	missing := strings.TrimSpace(receipt) == ""
	p.Require(!missing, "receipt", "text.missing")
	p.Require(missing || name.IsProse(receipt, maxReceipt), "receipt", "text.invalid")
	if err := p.Err("agreement.invalid"); err != nil {
		return view, err
	}
	err = s.c.change(ctx, caller, "agreement.file", &view, func(d *deed) error {
		row, err := d.tx.LockAgreement(ctx, number)
		if err != nil {
			return err
		}
		if err := d.decide(policy.Object{Kind: "agreement", ID: row.ID, Org: row.Agency}, number, policy.Facts{}); err != nil {
			return err
		}
		if err := d.seen(d.agreementView(row)); err != nil {
			return err
		}
		to, err := agreement.Flow().Check(state(row.State), "file")
		if err != nil {
			return err
		}
		row.Document.Signed = row.SignedAt
		row.FiledLate = row.Document.FilingLate(s.c.Calendar, s.c.Rules.Limits["D8"].Length, d.now)
		row.State, row.FiledAt, row.Receipt, row.Authority = string(to), &d.now, &receipt, &caller.Org
		if err := d.effect(&row, to); err != nil {
			return err
		}
		if err := d.tx.PutAgreement(ctx, row); err != nil {
			return err
		}
		view, err = d.agreementView(row)
		return err
	})
	return view, err
}

// effect makes a filed agreement effective when its term has begun.
func (d *deed) effect(row *postgres.Agreement, from flow.State) error {
	if d.now.Before(row.TermFrom) {
		return nil
	}
	to, err := agreement.Flow().Check(from, "effect")
	row.State = string(to)
	return err
}

// Show returns an agreement. Who: its parties, the data authority.
func (s *Agreements) Show(ctx context.Context, caller policy.Subject, number string) (view agreement.View, err error) {
	err = s.c.act(ctx, caller, "agreement.show", func(d *deed) error {
		row, err := d.partyAgreement(number)
		if err != nil {
			return err
		}
		view, err = d.agreementView(row)
		return err
	})
	return view, err
}

// List returns the agreements the caller's organization is a party to, or all to the data authority.
func (s *Agreements) List(ctx context.Context, caller policy.Subject, p Page) (views Listed[agreement.View], err error) {
	err = s.c.act(ctx, caller, "agreement.list", func(d *deed) error {
		of := caller.Org
		if slices.Contains(caller.Capacities, "data_authority") {
			of = ""
		}
		if err := d.decide(policy.Object{Kind: "agreement", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		views, err = listed(p, func(w postgres.Window) ([]postgres.Agreement, error) { return d.tx.Agreements(ctx, of, w) },
			func(r postgres.Agreement) string { return r.ID }, d.agreementView, agreement.Flow())
		return err
	})
	return views, err
}

// partyAgreement locks an agreement for one of its parties and decides; it is the caller's own when the
// caller is a party.
func (d *deed) partyAgreement(number string) (postgres.Agreement, error) {
	row, err := d.tx.LockAgreement(d.ctx, number)
	if err != nil {
		return postgres.Agreement{}, err
	}
	owner := row.Agency
	switch {
	case row.Operator == d.caller.Org:
		owner = row.Operator
	case row.Agency != d.caller.Org && !slices.Contains(d.caller.Capacities, "data_authority"):
		return row, fault.NotFound() // neither party nor authority: an agreement of others is not admitted to exist
	}
	return row, d.decide(policy.Object{Kind: "agreement", ID: row.ID, Org: owner}, number, policy.Facts{})
}

func (d *deed) agreementView(row postgres.Agreement) (agreement.View, error) {
	agency, err := d.tx.Org(d.ctx, row.Agency)
	if err != nil {
		return agreement.View{}, fmt.Errorf("reading agency: %w", err)
	}
	operator, err := d.tx.Org(d.ctx, row.Operator)
	if err != nil {
		return agreement.View{}, fmt.Errorf("reading operator: %w", err)
	}
	view := agreement.View{
		Number: row.Number, Agency: agency.Number, AgencyName: agency.Name, Operator: operator.Number, OperatorName: operator.Name,
		State: row.State, RuleSet: row.RuleSet,
		From: calendar.DateOf(row.TermFrom), To: row.Document.To, Datasets: row.Document.Datasets, Signed: []string{},
		SignedAt: row.SignedAt, FileDue: row.FileDue, FiledAt: row.FiledAt, Late: row.FiledLate, Receipt: text(row.Receipt),
	}
	for id, number := range map[string]string{row.Agency: agency.Number, row.Operator: operator.Number} {
		if row.Signatures[id] != "" {
			view.Signed = append(view.Signed, number)
		}
	}
	slices.Sort(view.Signed)
	return view, nil
}

// state reads a state from its row.
func state(s string) flow.State { return flow.State(s) }
