package catalog_test

import (
	"errors"
	"testing"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
)

// TestRolesThatExcludeEachOther: nobody is given, at once or later, what one person may not be at once: who writes code
// does not vouch for it, and what is the platform's own stays there.
func TestRolesThatExcludeEachOther(t *testing.T) {
	c := newCity(t, plenty())
	admin := c.administered(c.developer)
	var officer postgres.Member
	c.tx(func(tx *postgres.Tx) (err error) {
		officer, err = tx.Member(c.ctx, c.officer.Member)
		return err
	})
	for what, try := range map[string]struct {
		roles []org.Role
		code  string
	}{
		"vouches for own code": {[]org.Role{org.Developer, org.SecurityOfficer}, "role.excluded"},
		"reviews own code":     {[]org.Role{org.Developer, org.OutputReviewer}, "role.excluded"},
		"a platform's role":    {[]org.Role{org.AuditAdmin}, "role.platform_only"},
		"twice":                {[]org.Role{org.Developer, org.Developer}, "role.duplicate"},
	} {
		_, err := c.serve.Members.Invite(c.ctx, admin, c.developer.home, org.MemberSpec{Login: "wang", Name: "Wang", Roles: try.roles})
		if !placed(err, try.code) {
			t.Errorf("inviting who %s: %v", what, err)
		}
		_, err = c.serve.Members.SetRoles(c.ctx, admin, c.officer.home, officer.Login, try.roles)
		if !placed(err, try.code) {
			t.Errorf("making somebody who %s: %v", what, err)
		}
	}
	_, err := c.serve.Members.Invite(c.ctx, admin, c.developer.home, org.MemberSpec{Login: "wang", Name: "Wang", Roles: []org.Role{org.Developer}})
	c.must(err)
}

// placed tells whether an error names a code at one of its places.
func placed(err error, code string) bool {
	var f *fault.Error
	if !errors.As(err, &f) {
		return false
	}
	for _, p := range f.Places {
		if p.Code == code {
			return true
		}
	}
	return false
}
