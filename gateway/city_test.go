package gateway_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/agreement"
	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/upload"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
)

// city is an instance with one of everything, put into the record as jobs and people would have left it.
type city struct {
	*gatewaytest.Instance
	department, agency, operator string // numbers
	upload                       string // id
	steward, chief, developer    *client.Client
}

// The names of the one of everything.
const (
	theDataset      = "health-visits"
	theRegistration = "R-2026-0901"
	theAgreement    = "A-2026-0901"
	theGrant        = "G-2026-0901"
	theJob          = "J-2026-0901"
	theOutput       = "counts"
	theRequest      = "Q-2026-0901"
	theRelease      = "D-2026-0901"
	theIdentity     = "01890a5d-ac96-774b-bcce-b302099a805a"
)

func newCity(t testing.TB) *city {
	t.Helper()
	c := &city{Instance: gatewaytest.Start(t)}
	c.department = c.Org(t, "A department", org.DataProvider, org.Registrant)
	c.agency = c.Org(t, "An agency", org.ImplementingAgency)
	c.operator = c.Org(t, "An operator", org.Operator)
	c.steward = c.Person(t, c.Admin, c.department, "steward", org.OrgAdmin, org.DataSteward)
	c.chief = c.Person(t, c.Admin, c.agency, "chief", org.OrgAdmin, org.Approver)
	boss := c.Person(t, c.Admin, c.operator, "boss", org.OrgAdmin)
	c.developer = c.Person(t, boss, c.operator, "developer", org.Developer)
	if _, err := c.steward.Datasets.Declare(context.Background(), datasetSpec()); err != nil {
		t.Fatal(err)
	}
	up, err := c.steward.Uploads.Start(context.Background(), upload.Spec{Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	c.upload = up.ID
	if err := c.Owner.InTx(context.Background(), c.fill); err != nil {
		t.Fatal(err)
	}
	return c
}

func datasetSpec() dataset.Spec {
	return dataset.Spec{
		Slug: theDataset, Title: "Visits", Basis: "health statistics", Class: dataset.General, RoundTo: 5,
		Columns: []dataset.Column{
			{Name: "resident_id", Type: dataset.Text, Level: 4, Role: dataset.Identifier, Mask: dataset.MaskDrop},
			{Name: "plan", Type: dataset.Text, Level: 1, Role: dataset.Other, Domain: []string{"free", "shared"}},
			{Name: "visits", Type: dataset.Integer, Level: 2, Role: dataset.Sensitive},
		},
		Units: []dataset.Unit{{Kind: dataset.Resident, Column: "resident_id"}},
		Terms: terms(),
	}
}

func terms() dataset.Terms {
	return dataset.Terms{
		Purposes: []string{"statistics"}, Columns: []string{"plan", "visits"}, Operations: []name.Operation{name.OpSQL},
		Outputs: []name.OutputKind{name.OutTable}, MinUnits: 10, Approval: dataset.Manual, To: day(365),
	}
}

func day(ahead int) calendar.Date { return calendar.DateOf(time.Now()).AddDays(ahead) }

func scope() grant.Scope {
	return grant.Scope{
		Dataset: theDataset, VersionFrom: 1, Columns: []string{"plan", "visits"}, Rows: grant.Rows{All: true},
		Operations: []name.Operation{name.OpSQL}, Purposes: []string{"statistics"}, Outputs: []name.OutputKind{name.OutTable},
		LevelCap: 2, From: day(0), To: day(30), Budget: grant.Budget{Runs: 10, Rows: 1000}, MinUnits: 10, LawfulBasis: "a basis",
	}
}

func jobPackage() job.Package {
	return job.Package{
		Format: job.PackageFormat, Name: "counts", Purpose: "statistics", Engine: job.EngineSQL,
		Inputs: []job.Input{{Name: "visits", Grant: theGrant, Dataset: theDataset, Version: 1, Columns: []string{"plan", "visits"}}},
		Code:   "-- relation: r\nSELECT resident, plan, visits FROM visits",
		Outputs: []job.Output{{Table: &job.Table{
			Name: theOutput, From: "r", By: []job.Dimension{{Column: "plan", Values: []string{"free", "shared"}}},
			Measures: []job.Measure{{Name: "people", Stat: job.StatUnits}},
		}}},
	}
}

// fill writes what the API alone cannot make without a sandbox.
func (c *city) fill(tx *postgres.Tx) error {
	ctx, now := context.Background(), time.Now()
	department, agency, operator, developer := c.ids(tx)
	ds, err := tx.Dataset(ctx, theDataset)
	if err != nil {
		return err
	}
	id := func() string { return name.NewID().String() }
	digest := string(name.DigestOf([]byte("bytes")))
	steward, err := tx.MemberByLogin(ctx, department, "steward")
	if err != nil {
		return err
	}
	agreementID, grantID, jobID, outputID, requestID := id(), id(), id(), id(), id()
	empty := json.RawMessage(`{}`)
	body, code, err := jobPackage().Encode()
	if err != nil {
		return err
	}
	for _, insert := range []func() error{
		func() error {
			return tx.OfferIdentity(ctx, postgres.Identity{
				ID: theIdentity, Issuer: "https://provider.example", Subject: "steward", Label: "steward", Member: steward.ID,
				State: "offered", OfferedAt: now,
			})
		},
		func() error {
			return tx.InsertVersion(ctx, postgres.Version{
				Dataset: ds.ID, Number: 1, State: string(dataset.Ingesting), DataKey: ds.SecretKey, CreatedBy: developer, CreatedAt: now,
			})
		},
		func() error {
			return tx.InsertRegistration(ctx, postgres.Registration{
				ID: id(), Number: theRegistration, Org: department, Dataset: ds.ID, State: "applied", RuleSet: "test",
				AppliedAt: now, AppliedBy: developer, AcceptDue: now,
			})
		},
		func() error {
			return tx.InsertAgreement(ctx, postgres.Agreement{
				ID: agreementID, Number: theAgreement, Agency: agency, Operator: operator, State: "effective", RuleSet: "test",
				Document: agreement.Agreement{From: day(0), To: day(300)}, TermFrom: now.Add(-time.Hour), TermTo: day(300).End(),
				Datasets: []string{ds.ID}, Signatures: map[string]string{}, CreatedAt: now,
			})
		},
		func() error {
			return tx.InsertGrant(ctx, postgres.Grant{
				ID: grantID, Number: theGrant, Agreement: agreementID, Operator: operator, Dataset: ds.ID, State: "active",
				Scope: scope(), RuleSet: "test", RunsLeft: 10, RowsLeft: 1000, EndsAt: day(30).End(), ProposedBy: developer, CreatedAt: now,
			})
		},
		func() error {
			return tx.InsertJob(ctx, postgres.Job{
				ID: jobID, Number: theJob, Org: operator, Author: developer, Kind: "production", State: "output_quarantined",
				Package: body, CodeDigest: string(code), RuleSet: "test", CreatedAt: now,
			}, []postgres.JobInput{{Job: jobID, Name: "visits", DataGrant: grantID, Dataset: ds.ID, Version: 1, Columns: []string{"plan"}}})
		},
		func() error {
			return tx.InsertOutput(ctx, postgres.Output{
				ID: outputID, Job: jobID, Name: theOutput, State: "in_review", Digest: digest, EvidenceDigest: digest, Object: empty,
				Membership: empty, Evidence: empty, Schema: empty, Findings: json.RawMessage(`[]`), Revision: "test", CreatedAt: now,
			})
		},
		func() error {
			return tx.InsertRequest(ctx, postgres.Request{
				ID: requestID, Number: theRequest, Output: outputID, Agency: agency, Operator: operator, OpenedBy: developer,
				Context: "why", State: "in_review", CreatedAt: now,
			})
		},
		func() error {
			return tx.InsertRelease(ctx, postgres.Release{
				ID: id(), Number: theRelease, Request: requestID, Output: outputID, Digest: digest, State: "releasing", Leaf: id(), CreatedAt: now,
			})
		},
	} {
		if err := insert(); err != nil {
			return err
		}
	}
	return nil
}

func (c *city) ids(tx *postgres.Tx) (department, agency, operator, developer string) {
	ctx := context.Background()
	number := func(n string) string {
		o, _ := tx.OrgByNumber(ctx, n)
		return o.ID
	}
	operator = number(c.operator)
	who, _ := tx.MemberByLogin(ctx, operator, "developer")
	return number(c.department), number(c.agency), operator, who.ID
}
