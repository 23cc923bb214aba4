package org_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
)

func day(t *testing.T, s string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func codes(err error) []string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return nil
	}
	var cs []string
	for _, p := range f.Places {
		cs = append(cs, p.Code)
	}
	slices.Sort(cs)
	return slices.Compact(cs)
}

func bureau(t *testing.T, cs ...org.Capacity) org.Organization {
	o := org.Organization{Name: "Health bureau", CreditCode: "91110000802100433B", Division: "500000", State: org.Verified}
	for _, c := range cs {
		o.Designation = append(o.Designation, org.Designation{Capacity: c, Document: "doc", From: day(t, "2025-04-08")})
	}
	return o
}

func TestOrganization(t *testing.T) {
	tests := []struct {
		name  string
		caps  []org.Capacity
		spoil func(*org.Organization)
		want  []string
	}{
		{"provider and registrant", []org.Capacity{org.DataProvider, org.Registrant}, nil, nil},
		{"supervisor", []org.Capacity{"supervisor:audit"}, nil, nil},
		{"platform needs no code", []org.Capacity{org.Platform}, func(o *org.Organization) { o.CreditCode = ""; o.Designation[0].Document = "" }, nil},
		{"unknown supervisor", []org.Capacity{"supervisor:weather"}, nil, []string{"capacity.unknown"}},
		{"operator redevelops", []org.Capacity{org.Operator, org.BusinessEntity}, nil, []string{"capacity.excluded.operator+business_entity"}},
		{"operator is agency", []org.Capacity{org.Operator, org.ImplementingAgency}, nil, []string{"capacity.excluded.operator+implementing_agency"}},
		{"platform has data", []org.Capacity{org.DataProvider, org.Platform}, nil, []string{"capacity.excluded.platform+data_provider"}},
		{"bad code", []org.Capacity{org.Operator}, func(o *org.Organization) { o.CreditCode = "91110000802100433C" }, []string{"credit_code.invalid"}},
		{"bad division", []org.Capacity{org.Operator}, func(o *org.Organization) { o.Division = "50 000" }, []string{"division.invalid"}},
		{"no document", []org.Capacity{org.Operator}, func(o *org.Organization) { o.Designation[0].Document = "" }, []string{"document.missing"}},
		{"ends before it begins", []org.Capacity{org.Operator}, func(o *org.Organization) { o.Designation[0].To = day(t, "2025-04-07") }, []string{"term.reversed"}},
		{"no first day", []org.Capacity{org.Operator}, func(o *org.Organization) { o.Designation[0].From = calendar.Date{} }, []string{"date.missing"}},
		{"supervises itself", []org.Capacity{org.Operator, "supervisor:audit"}, nil, []string{"capacity.excluded.operator+supervisor:audit"}},
		{"no name", nil, func(o *org.Organization) { o.Name = "" }, []string{"name.invalid"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := bureau(t, tt.caps...)
			if tt.spoil != nil {
				tt.spoil(&o)
			}
			if diff := cmp.Diff(tt.want, codes(o.Validate())); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCapacitiesInForce(t *testing.T) {
	o := bureau(t, org.Registrant, org.DataProvider)
	o.Designation[0].To = day(t, "2026-04-07")
	tests := []struct {
		day  string
		want []string
	}{
		{"2025-04-07", []string{}},
		{"2025-04-08", []string{"data_provider", "registrant"}},
		{"2026-04-07", []string{"data_provider", "registrant"}},
		{"2026-04-08", []string{"data_provider"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, o.Capacities(day(t, tt.day))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.day, diff)
		}
	}
	o.State = org.Suspended
	if cs := o.Capacities(day(t, "2025-04-08")); len(cs) != 0 {
		t.Errorf("a suspended organization acts as %v", cs)
	}
}

func TestCheckRoles(t *testing.T) {
	office, platform := []org.Capacity{org.Operator}, []org.Capacity{org.Platform}
	tests := []struct {
		name  string
		caps  []org.Capacity
		roles []org.Role
		want  []string
	}{
		{"developer and finance", office, []org.Role{org.Developer, org.FinanceOfficer}, nil},
		{"administrator", platform, []org.Role{org.SystemAdmin, org.OrgAdmin}, nil},
		{"none", office, nil, []string{"role.missing"}},
		{"unknown", office, []org.Role{"king"}, []string{"role.unknown"}},
		{"twice", office, []org.Role{org.Auditor, org.Auditor}, []string{"role.duplicate"}},
		{"reviews own code", office, []org.Role{org.Developer, org.OutputReviewer}, []string{"role.excluded"}},
		{"vouches for own code", office, []org.Role{org.SecurityOfficer, org.Developer}, []string{"role.excluded"}},
		{"platform role outside", office, []org.Role{org.AuditAdmin}, []string{"role.platform_only"}},
		{"data role on platform", platform, []org.Role{org.DataSteward}, []string{"role.not_on_platform"}},
		{"two of three", platform, []org.Role{org.SystemAdmin, org.SecurityAdmin}, []string{"role.excluded"}},
		{"audit writes", platform, []org.Role{org.AuditAdmin, org.OrgAdmin}, []string{"role.excluded"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, codes(org.CheckRoles(tt.caps, tt.roles))); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestKey(t *testing.T) {
	good := org.Key{Purpose: org.Vote, Alg: "ed25519", Public: make([]byte, 32)}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	bad := org.Key{Purpose: "both", Alg: "rsa", Public: make([]byte, 31)}
	if diff := cmp.Diff([]string{"alg.unknown", "public.length", "purpose.unknown"}, codes(bad.Validate())); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if a, b := good.Fingerprint(), (org.Key{Public: []byte{1}}).Fingerprint(); a == b || !a.Valid() {
		t.Fatalf("fingerprints %s and %s", a, b)
	}
}

func TestLists(t *testing.T) {
	if n := len(org.Capacities()); n != 15+12 {
		t.Errorf("%d capacities", n)
	}
	if n := len(org.Roles()); n != 14 {
		t.Errorf("%d roles", n)
	}
}
