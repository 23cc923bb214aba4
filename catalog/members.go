package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Members keeps the people of organizations.
type Members struct{ c *core }

// Invite adds a person to an organization. Who: its org_admin; platform system_admin for the first one.
func (s *Members) Invite(ctx context.Context, caller policy.Subject, number string, spec org.MemberSpec) (view org.MemberView, err error) {
	if err := spec.Check(); err != nil {
		return org.MemberView{}, err
	}
	err = s.c.change(ctx, caller, "member.invite", &view, func(d *deed) error {
		home, err := d.tx.OrgByNumber(ctx, number)
		if err != nil {
			return err
		}
		row := postgres.Member{
			ID: name.NewID().String(), Org: home.ID, Login: spec.Login, Name: spec.Name,
			Roles: org.RoleNames(spec.Roles), State: string(org.Invited), CreatedAt: d.now, Machine: spec.Machine,
		}
		if err := d.decide(policy.Object{Kind: "member", ID: row.ID, Org: home.ID}, number, policy.Facts{}); err != nil {
			return err
		}
		if err := d.fitting(home.ID, spec.Roles); err != nil {
			return err
		}
		if err := d.tx.InsertMember(ctx, row); err != nil {
			if postgres.IsUnique(err, "member_login_key") {
				return fault.New(fault.Conflict, "member.login_taken")
			}
			return fmt.Errorf("adding member: %w", err)
		}
		view = memberView(row)
		return nil
	})
	return view, err
}

// SetRoles changes what a person may do, from their next call on; what they voted from a seat that is no longer
// theirs, and was not released yet, is void,
// and their jobs that have not ended are killed. Who: org_admin, of another person.
func (s *Members) SetRoles(ctx context.Context, caller policy.Subject, number, login string, roles []org.Role) (view org.MemberView, err error) {
	err = s.c.change(ctx, caller, "member.role", &view, func(d *deed) error {
		row, err := d.member(number, login)
		if err != nil {
			return err
		}
		if row.Machine && !org.FitsMachine(roles) {
			return fault.Bad("member.invalid", fault.Place{Location: "roles", Code: "role.not_for_machine"})
		}
		if err := d.fitting(row.Org, roles); err != nil {
			return err
		}
		row.Roles = org.RoleNames(roles)
		view = memberView(row)
		return d.setMember(row)
	})
	return view, err
}

// Remove ends a membership: the person's next call fails, and their votes on what was not released yet are void. Who: org_admin, of another person.
func (s *Members) Remove(ctx context.Context, caller policy.Subject, number, login string) (view org.MemberView, err error) {
	err = s.c.change(ctx, caller, "member.remove", &view, func(d *deed) error {
		row, err := d.member(number, login)
		if err != nil {
			return err
		}
		if _, err := org.MemberFlow().Check(state(row.State), "remove"); err != nil {
			return err
		}
		row.State = string(org.Removed)
		view = memberView(row)
		return errors.Join(d.setMember(row), d.stopJobsBy(row.Org, row.ID, "member.removed"))
	})
	return view, err
}

// List returns the people of an organization. Who: its org_admin.
func (s *Members) List(ctx context.Context, caller policy.Subject, number string, p Page) (views Listed[org.MemberView], err error) {
	err = s.c.act(ctx, caller, "member.list", func(d *deed) error {
		home, err := d.tx.OrgByNumber(ctx, number)
		if err != nil {
			return err
		}
		if err := d.decide(policy.Object{Kind: "member", Org: home.ID}, number, policy.Facts{}); err != nil {
			return err
		}
		views, err = listed(p, func(w postgres.Window) ([]postgres.Member, error) { return d.tx.Members(ctx, home.ID, w) },
			func(r postgres.Member) string { return r.ID }, plain(memberView), org.MemberFlow())
		return err
	})
	return views, err
}

// member locks the person an act is about and decides it: nobody acts on themselves.
func (d *deed) member(number, login string) (postgres.Member, error) {
	home, err := d.tx.OrgByNumber(d.ctx, number)
	if err != nil {
		return postgres.Member{}, err
	}
	row, err := d.tx.LockMember(d.ctx, home.ID, login)
	if err != nil {
		return postgres.Member{}, err
	}
	facts := policy.Facts{Person: &policy.PersonFacts{First: row.ID}}
	return row, d.decide(policy.Object{Kind: "member", ID: row.ID, Org: home.ID}, number, facts)
}

// fitting refuses roles one person may not have together, or that the organization has not.
func (d *deed) fitting(home string, roles []org.Role) error {
	capacities, err := d.capacities(home)
	if err != nil {
		return err
	}
	return org.CheckRoles(capacities, roles)
}

// setMember writes what a person is now, and voids their votes from seats they no longer have.
func (d *deed) setMember(m postgres.Member) error {
	if err := d.tx.SetMember(d.ctx, m.ID, m.Roles, m.State); err != nil {
		return err
	}
	var left []string
	for _, s := range []output.Seat{output.OperatorSeat, output.AgencySeat} {
		if !sits(m, s) {
			left = append(left, string(s))
		}
	}
	voided, err := d.tx.VoidVotesFrom(d.ctx, m.ID, left, d.now)
	return d.sayVoided(voided, err)
}

// sits reports whether a person may vote from a seat, as far as that hangs on their membership and roles.
func sits(m postgres.Member, s output.Seat) bool {
	role := map[output.Seat]org.Role{output.OperatorSeat: org.SecurityOfficer, output.AgencySeat: org.OutputReviewer}[s]
	return m.State == string(org.Active) && slices.Contains(m.Roles, string(role))
}

func memberView(m postgres.Member) org.MemberView {
	return org.MemberView{Login: m.Login, Name: m.Name, Roles: m.Roles, State: m.State, CreatedAt: m.CreatedAt, Machine: m.Machine}
}
