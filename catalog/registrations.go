package catalog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/registration"
	"github.com/sluicedata/sluice/policy"
)

// Registrations runs the registration of datasets (R9–R15): apply, accept, notice, code. A case keeps the
// rule set it began under.
type Registrations struct{ c *core }

// Apply opens the initial registration of a dataset. Who: applicant of its holder.
func (s *Registrations) Apply(ctx context.Context, caller policy.Subject, slug string, spec registration.Spec) (view registration.View, err error) {
	if err := spec.Check(); err != nil {
		return registration.View{}, err
	}
	err = s.c.change(ctx, caller, "registration.apply", &view, func(d *deed) error {
		ds, err := d.tx.LockDataset(ctx, slug)
		if err != nil {
			return err
		}
		row := postgres.Registration{
			ID: name.NewID().String(), Org: caller.Org, Dataset: ds.ID, State: string(registration.Flow().Start()),
			RuleSet: s.c.Rules.Version, AppliedAt: d.now, AppliedBy: caller.Member,
		}
		if err := d.decide(policy.Object{Kind: "registration", ID: row.ID, Org: ds.Org}, slug, policy.Facts{}); err != nil {
			return err
		}
		if err := d.registrable(ds, spec); err != nil {
			return err
		}
		if row.Number, err = d.newNumber(name.Registration); err != nil {
			return err
		}
		row.Application = spec.Application(name.Number(row.Number), d.now)
		row.AcceptDue = d.dues(row).Accept.Date.End()
		d.number = row.Number
		view = registrationView(row, slug)
		return d.tx.InsertRegistration(ctx, row)
	})
	return view, err
}

// registrable holds what must be true before a dataset can be registered: nothing under way, and evidence
// (R12) that names the newest published manifest.
func (d *deed) registrable(ds postgres.Dataset, spec registration.Spec) error {
	if err := standing(ds); err != nil {
		return err
	}
	open, err := d.tx.OpenRegistration(d.ctx, ds.ID)
	if err != nil {
		return fmt.Errorf("looking for a registration: %w", err)
	}
	if open {
		return fault.New(fault.Conflict, "registration.exists")
	}
	versions, err := d.tx.Versions(d.ctx, ds.ID)
	if err != nil {
		return fmt.Errorf("reading versions: %w", err)
	}
	for _, v := range versions {
		if v.State == string(dataset.Available) && text(v.ManifestDigest) == string(spec.Evidence) {
			return nil
		}
	}
	return fault.Bad("registration.invalid", fault.Place{Location: "evidence", Code: "evidence.not_the_manifest"})
}

// Accept takes an application in (3 working days from receipt). Who: registrar.
func (s *Registrations) Accept(ctx context.Context, caller policy.Subject, number string) (registration.View, error) {
	return s.move(ctx, caller, number, "accept", func(d *deed, row *postgres.Registration) error {
		row.AcceptedAt, row.AcceptedBy = &d.now, &caller.Member
		due := d.dues(*row).Review.Date.End()
		row.ReviewDue = &due
		return nil
	})
}

// Notice closes the formal review and opens the public notice (within 20 working days of acceptance; 10
// working days long). Who: registrar, another person than accepted.
func (s *Registrations) Notice(ctx context.Context, caller policy.Subject, number string) (registration.View, error) {
	return s.move(ctx, caller, number, "notice", func(d *deed, row *postgres.Registration) error {
		if text(row.AcceptedBy) == caller.Member {
			return fault.Refused(policy.Decision{Reasons: []policy.Reason{{
				Code: "approver.accepted_it", Dimension: "approver", Remedy: "remedy.approver.accepted_it",
			}}})
		}
		row.NoticedAt = &d.now
		ends := d.now
		if d.limits().Notice > 0 {
			ends = d.dues(*row).NoticeEnd.Date.End()
		}
		row.NoticeEnds = &ends
		return nil
	})
}

// Code ends the procedure after the notice: the dataset has a query code and may be authorized. Until the
// national platform answers the code is a provisional number that cannot be mistaken for its. Who: registrar.
func (s *Registrations) Code(ctx context.Context, caller policy.Subject, number string) (registration.View, error) {
	return s.move(ctx, caller, number, "code", func(d *deed, row *postgres.Registration) error {
		if !application(*row).NoticeOver(d.c.Calendar, d.limits(), d.now) {
			return fault.New(fault.Conflict, "notice.not_over")
		}
		period, err := registration.Validity(calendar.DateOf(d.now), d.limits().Years, calendar.Date{})
		if err != nil {
			return fmt.Errorf("computing validity: %w", err)
		}
		code, to := registration.ProvisionalCode(name.Number(row.Number)), period.To.End()
		row.CodedAt, row.QueryCode, row.ValidTo = &d.now, &code, &to
		return d.authorize(row.Dataset)
	})
}

// authorize moves a registered dataset to where grants can rest on it.
func (d *deed) authorize(id string) error {
	ds, err := d.tx.DatasetByID(d.ctx, id)
	if err != nil {
		return fmt.Errorf("reading dataset: %w", err)
	}
	to, err := dataset.Flow().Check(state(ds.State), "authorize")
	if err != nil {
		return err
	}
	return d.tx.SetDatasetState(d.ctx, id, string(to))
}

func (s *Registrations) move(ctx context.Context, caller policy.Subject, number, act string, change func(*deed, *postgres.Registration) error) (view registration.View, err error) {
	err = s.c.change(ctx, caller, policy.Action("registration."+act), &view, func(d *deed) error {
		row, err := d.tx.LockRegistration(ctx, number)
		if err != nil {
			return err
		}
		if err := d.decide(policy.Object{Kind: "registration", ID: row.ID, Org: row.Org}, number, policy.Facts{}); err != nil {
			return err
		}
		ds, err := d.tx.DatasetByID(ctx, row.Dataset)
		if err != nil {
			return err
		}
		if err := d.seen(registrationView(row, ds.Slug), nil); err != nil {
			return err
		}
		to, err := registration.Flow().Check(state(row.State), act)
		if err != nil {
			return err
		}
		if err := change(d, &row); err != nil {
			return err
		}
		row.State = string(to)
		view = registrationView(row, ds.Slug)
		return d.tx.PutRegistration(ctx, row)
	})
	return view, err
}

// Show returns a registration. Who: its registrant, registrars.
func (s *Registrations) Show(ctx context.Context, caller policy.Subject, number string) (view registration.View, err error) {
	err = s.c.act(ctx, caller, "registration.show", func(d *deed) error {
		row, err := d.tx.Registration(ctx, number)
		if err != nil {
			return err
		}
		if err := d.decide(policy.Object{Kind: "registration", ID: row.ID, Org: row.Org}, number, policy.Facts{}); err != nil {
			return err
		}
		ds, err := d.tx.DatasetByID(ctx, row.Dataset)
		view = registrationView(row, ds.Slug)
		return err
	})
	return view, err
}

// List returns all registrations to a registrar and a registrant's own to it.
func (s *Registrations) List(ctx context.Context, caller policy.Subject, p Page) (views Listed[registration.View], err error) {
	err = s.c.act(ctx, caller, "registration.list", func(d *deed) error {
		of := caller.Org
		if slices.Contains(caller.Capacities, "registrar") {
			of = ""
		}
		if err := d.decide(policy.Object{Kind: "registration", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		views, err = listed(p, func(w postgres.Window) ([]postgres.Registration, error) { return d.tx.Registrations(ctx, of, w) },
			func(r postgres.Registration) string { return r.ID }, d.registrationView, registration.Flow())
		return err
	})
	return views, err
}

// limits reads the rule set's figures of the procedure.
func (d *deed) limits() registration.Limits {
	r := d.c.Rules
	return registration.Limits{
		Accept: r.Limits["D1"].Length, Review: r.Limits["D2"].Length, Notice: r.Limits["D3"].Length,
		Years: r.Caps.RegistrationYears, Renewal: r.Caps.RenewalWindowDays,
	}
}

func (d *deed) dues(row postgres.Registration) registration.Dues {
	return application(row).Dues(d.c.Calendar, d.limits())
}

// application is the row as the noun's rules take it.
func application(row postgres.Registration) registration.Application {
	a := row.Application
	a.Received, a.Accepted, a.Noticed, a.Coded = row.AppliedAt, row.AcceptedAt, row.NoticedAt, row.CodedAt
	return a
}

func registrationView(row postgres.Registration, slug string) registration.View {
	return registration.View{
		Number: row.Number, Dataset: slug, Summary: row.Application.Summary, State: row.State, RuleSet: row.RuleSet, AppliedAt: row.AppliedAt,
		AcceptDue: row.AcceptDue, AcceptedAt: row.AcceptedAt, ReviewDue: row.ReviewDue, NoticedAt: row.NoticedAt,
		NoticeEnds: row.NoticeEnds, CodedAt: row.CodedAt, QueryCode: text(row.QueryCode), ValidTo: row.ValidTo,
		Late: late(row),
	}
}

// late tells whether a step of the procedure was done after its day.
func late(row postgres.Registration) bool {
	passed := func(done *time.Time, due *time.Time) bool { return done != nil && due != nil && done.After(*due) }
	return passed(row.AcceptedAt, &row.AcceptDue) || passed(row.NoticedAt, row.ReviewDue)
}

func (d *deed) registrationView(row postgres.Registration) (registration.View, error) {
	ds, err := d.tx.DatasetByID(d.ctx, row.Dataset)
	return registrationView(row, ds.Slug), err
}
