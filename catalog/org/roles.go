package org

import (
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/fault"
)

// Capacity is what an organization may act as.
type Capacity string

// The closed list of capacities. Supervisors carry their kind: see Supervisors.
const (
	Platform            Capacity = "platform" // who runs the installation: no data right
	MunicipalGovernment Capacity = "municipal_government"
	DataAuthority       Capacity = "data_authority"
	DistrictAuthority   Capacity = "district_authority"
	Registrar           Capacity = "registrar"
	Registrant          Capacity = "registrant"
	ImplementingAgency  Capacity = "implementing_agency"
	Operator            Capacity = "operator"
	DataProvider        Capacity = "data_provider"
	SharingProvider     Capacity = "sharing_provider"
	BusinessEntity      Capacity = "business_entity"
	SocialDataProvider  Capacity = "social_data_provider"
	Exchange            Capacity = "exchange"
	Utility             Capacity = "utility"
	Public              Capacity = "public"
)

const supervisorPrefix = "supervisor:"

// Capacities lists every capacity, supervisors last.
func Capacities() []Capacity {
	return append([]Capacity{
		Platform, MunicipalGovernment, DataAuthority, DistrictAuthority, Registrar, Registrant,
		ImplementingAgency, Operator, DataProvider, SharingProvider, BusinessEntity, SocialDataProvider,
		Exchange, Utility, Public,
	}, Supervisors()...)
}

// Supervisors lists the departments that cooperate in supervision (O7), as supervisor:<kind>.
func Supervisors() []Capacity {
	kinds := []string{
		"cyberspace", "development_reform", "finance", "public_security", "state_security", "secrecy",
		"cryptography", "state_assets", "audit", "financial_regulation", "market_regulation", "price",
	}
	cs := make([]Capacity, len(kinds))
	for i, k := range kinds {
		cs[i] = Capacity(supervisorPrefix + k)
	}
	return cs
}

// Known reports whether c is on the list.
func (c Capacity) Known() bool { return slices.Contains(Capacities(), c) }

// Supervisor reports whether c is a supervising department.
func (c Capacity) Supervisor() bool { return strings.HasPrefix(string(c), supervisorPrefix) }

// Role is what a person may act as within an organization.
type Role string

// The closed list of roles. The last three exist on the platform only, in three different people.
const (
	OrgAdmin         Role = "org_admin"
	Applicant        Role = "applicant"
	Agent            Role = "agent"
	BusinessReviewer Role = "business_reviewer"
	Approver         Role = "approver"
	Developer        Role = "developer"
	DataSteward      Role = "data_steward"
	SecurityOfficer  Role = "security_officer"
	OutputReviewer   Role = "output_reviewer"
	FinanceOfficer   Role = "finance_officer"
	Auditor          Role = "auditor"
	SystemAdmin      Role = "system_admin"
	SecurityAdmin    Role = "security_admin"
	AuditAdmin       Role = "audit_admin"
)

// Roles lists every role.
func Roles() []Role {
	return append([]Role{
		OrgAdmin, Applicant, Agent, BusinessReviewer, Approver, Developer, DataSteward, SecurityOfficer,
		OutputReviewer, FinanceOfficer, Auditor,
	}, platformRoles()...)
}

func platformRoles() []Role { return []Role{SystemAdmin, SecurityAdmin, AuditAdmin} }

// Known reports whether r is on the list.
func (r Role) Known() bool { return slices.Contains(Roles(), r) }

// pair is two things one holder may not have together.
type pair[T ~string] struct{ a, b T }

// capacityPairs holds what one organization may not be at once. Who runs the installation has no part in the
// data; who supervises or registers is not supervised or registered by itself; O3 and O20 keep the operator
// from redeveloping; the last seat of output review never belongs to the operator.
func capacityPairs() []pair[Capacity] {
	pairs := []pair[Capacity]{
		{Operator, BusinessEntity}, {Operator, ImplementingAgency}, {Operator, DataAuthority},
		{Operator, Registrar}, {Registrar, DataAuthority}, {Registrar, Registrant},
	}
	for _, c := range Capacities() {
		if c != Platform {
			pairs = append(pairs, pair[Capacity]{Platform, c})
		}
		if c.Supervisor() {
			pairs = append(pairs, pair[Capacity]{Operator, c})
		}
	}
	return pairs
}

// rolePairs holds what one person may not be at once. Acts that need two people on one case (proposer and
// approver, author and voter) are policy's to check: they depend on the case.
func rolePairs() []pair[Role] {
	pairs := []pair[Role]{
		{SystemAdmin, SecurityAdmin}, {SystemAdmin, AuditAdmin}, {SecurityAdmin, AuditAdmin},
		{Developer, OutputReviewer}, {Developer, SecurityOfficer}, {Applicant, BusinessReviewer},
	}
	for _, r := range Roles() {
		if r != AuditAdmin && !slices.Contains(platformRoles(), r) {
			pairs = append(pairs, pair[Role]{AuditAdmin, r}) // audit administrators read only
		}
	}
	return pairs
}

// excluded names the pairs of which have holds both halves.
func excluded[T ~string](have []T, pairs []pair[T]) []string {
	var found []string
	for _, p := range pairs {
		if slices.Contains(have, p.a) && slices.Contains(have, p.b) {
			found = append(found, string(p.a)+"+"+string(p.b))
		}
	}
	return found
}

// CheckCapacities refuses capacities of one organization that exclude each other.
func CheckCapacities(capacities []Capacity) error {
	var p fault.Places
	for _, pair := range excluded(capacities, capacityPairs()) {
		p.Add("capacity."+pair, "capacity.excluded")
	}
	return p.Err("capacity.invalid")
}

// CheckRoles refuses roles that are unknown, given twice, excluded by another, or not for an organization of
// these capacities: the three administrators exist on the platform only, and the platform has besides them
// only org_admin.
func CheckRoles(capacities []Capacity, roles []Role) error {
	var p fault.Places
	platform := slices.Contains(capacities, Platform)
	for i, r := range roles {
		administers := slices.Contains(platformRoles(), r)
		p.Require(r.Known(), "roles", "role.unknown")
		p.Require(!slices.Contains(roles[:i], r), "roles", "role.duplicate")
		p.Require(!administers || platform, "roles", "role.platform_only")
		p.Require(administers || r == OrgAdmin || !platform, "roles", "role.not_on_platform")
	}
	p.Require(len(roles) > 0, "roles", "role.missing")
	for _, pair := range excluded(roles, rolePairs()) {
		p.Add("roles."+pair, "role.excluded")
	}
	return p.Err("member.roles")
}
