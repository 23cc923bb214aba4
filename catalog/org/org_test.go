package org_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
)

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

func TestCheckCapacities(t *testing.T) {
	tests := []struct {
		name string
		caps []org.Capacity
		want []string
	}{
		{"provider and registrant", []org.Capacity{org.DataProvider, org.Registrant}, nil},
		{"supervisor", []org.Capacity{"supervisor:audit"}, nil},
		{"platform", []org.Capacity{org.Platform}, nil},
		{"operator redevelops", []org.Capacity{org.Operator, org.BusinessEntity}, []string{"capacity.excluded"}},
		{"operator is agency", []org.Capacity{org.ImplementingAgency, org.Operator}, []string{"capacity.excluded"}},
		{"platform has data", []org.Capacity{org.DataProvider, org.Platform}, []string{"capacity.excluded"}},
		{"registers itself", []org.Capacity{org.Registrar, org.Registrant}, []string{"capacity.excluded"}},
		{"supervises itself", []org.Capacity{org.Operator, "supervisor:audit"}, []string{"capacity.excluded"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, codes(org.CheckCapacities(tt.caps))); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
		})
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

func TestLists(t *testing.T) {
	if n := len(org.Capacities()); n != 15+12 {
		t.Errorf("%d capacities", n)
	}
	if n := len(org.Roles()); n != 14 {
		t.Errorf("%d roles", n)
	}
}
