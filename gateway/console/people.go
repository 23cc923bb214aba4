package console

import (
	"slices"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
)

func peopleActs() []act {
	const list, one = "/people", "/people/{login}"
	return []act{
		{path: "/people/invite", page: list, verb: "member.invite", do: inviteMember},
		{path: one + "/roles", page: one, verb: "member.role", do: setRoles},
		{path: one + "/remove", page: one + "/remove", verb: "member.remove", typed: "login", do: removeMember},
		{path: "/keys/{fingerprint}/admit", page: list, verb: "key.admit", do: onKey((*catalog.Keys).Admit)},
		{path: one + "/keys/{fingerprint}/revoke", page: one + "/keys/{fingerprint}/revoke", verb: "key.revoke", typed: "login", do: revokeKey},
		{path: "/identities/{identity}/admit", page: list, verb: "identity.admit", do: onIdentity((*catalog.Identities).Admit)},
		{path: one + "/identities/{identity}/revoke", page: one + "/identities/{identity}/revoke", verb: "identity.revoke", typed: "login", do: revokeIdentity},
	}
}

const peoplePath = Prefix + "/people"

func onKey(verb oneVerb[*catalog.Keys, org.KeyView]) func(call) (string, error) {
	return func(k call) (string, error) {
		_, err := verb(k.cat.Keys, k.ctx, k.who, k.arg("fingerprint"))
		return peoplePath + "?tab=keys", err
	}
}

func onIdentity(verb oneVerb[*catalog.Identities, org.IdentityView]) func(call) (string, error) {
	return func(k call) (string, error) {
		_, err := verb(k.cat.Identities, k.ctx, k.who, k.arg("identity"))
		return peoplePath + "?tab=identities", err
	}
}

// home returns the number of the reader's organization.
func (k call) home() (string, error) {
	me, err := k.cat.Sessions.Whoami(k.ctx, k.who)
	return me.Org, err
}

// peoplePage is what an organization's administrator sees of its people.
type peoplePage struct {
	Tabs       []tab
	Tab        string
	Members    []org.MemberView
	Keys       []org.KeyView
	Identities []org.IdentityView
	Next       string
	Roles      []org.Role
	Form       filled
	Invite     button
}

func listPeople(k call) (answer, error) {
	p := peoplePage{Roles: offices(k), Form: filled(k.form)}
	home, err := k.home()
	if err != nil {
		return answer{}, err
	}
	if p.Tabs, p.Tab, err = tabs(k, tab{Name: "members"}, tab{Name: "keys"}, tab{Name: "identities"}); err != nil {
		return answer{}, err
	}
	offered, err := k.offer(false, button{Verb: "member.invite"})
	if err != nil {
		return answer{}, err
	}
	p.Invite = offered[0]
	part := catalog.Page{After: k.r.URL.Query().Get("after"), Limit: pageSize}
	var next string
	switch p.Tab {
	case "keys":
		var found catalog.Listed[org.KeyView]
		found, err = k.cat.Keys.List(k.ctx, k.who, home, part)
		p.Keys, next = found.Items, found.Next
	case "identities":
		p.Identities, err = k.cat.Identities.List(k.ctx, k.who, home)
	default:
		var found catalog.Listed[org.MemberView]
		found, err = k.cat.Members.List(k.ctx, k.who, home, part)
		p.Members, next = found.Items, found.Next
	}
	if next != "" {
		p.Next = k.path + "?tab=" + p.Tab + "&after=" + next
	}
	return answer{Body: p}, err
}

// offices are the roles an organization's people can have: three of them are the platform's alone.
func offices(k call) []org.Role {
	return slices.DeleteFunc(org.Roles(), func(r org.Role) bool {
		return !k.sits(org.Platform) && slices.Contains([]org.Role{org.SystemAdmin, org.SecurityAdmin, org.AuditAdmin}, r)
	})
}

// memberPage is what an administrator sees of one person.
type memberPage struct {
	org.MemberView
	Choice []org.Role
	Form   filled
	Change button
	Remove []button
	Link   button
	Log    bool // what the person did is the reader's to see
}

// member finds one person of the reader's organization. There is no verb for one: an administrator may list them all.
func (k call) member() (org.MemberView, error) {
	home, err := k.home()
	if err != nil {
		return org.MemberView{}, err
	}
	for part := (catalog.Page{Limit: catalog.MaxPage}); ; {
		found, err := k.cat.Members.List(k.ctx, k.who, home, part)
		if err != nil {
			return org.MemberView{}, err
		}
		at := slices.IndexFunc(found.Items, func(m org.MemberView) bool { return m.Login == k.arg("login") })
		if at >= 0 {
			return found.Items[at], nil
		}
		if part.After = found.Next; part.After == "" {
			return org.MemberView{}, fault.NotFound()
		}
	}
}

func showMember(k call) (answer, error) {
	m, err := k.member()
	if err != nil {
		return answer{}, err
	}
	offered, err := k.offer(false, button{Verb: "member.role"},
		button{Verb: "member.link"}, button{Verb: "member.recover", Path: peoplePath + "/" + m.Login + "/recover", Ask: true},
		button{Verb: "member.remove", Path: peoplePath + "/" + m.Login + "/remove", Ask: true})
	if err != nil {
		return answer{}, err
	}
	p := memberPage{MemberView: m, Choice: offices(k), Form: filled(k.form), Change: offered[0], Link: offered[1], Log: k.may[readTrace]}
	if allows(org.MemberFlow(), m.State, "remove") {
		p.Remove = slices.DeleteFunc(offered[2:], func(b button) bool {
			return b.Verb == "member.recover" && (m.Machine || !allows(org.MemberFlow(), m.State, "recover"))
		})
	}
	return answer{Object: m.Name, State: m.State, Body: p}, nil
}

func confirmRemove(k call) (answer, error) {
	m, err := k.member()
	if err != nil {
		return answer{}, err
	}
	return confirm(k, nil, m.State, false, confirmPage{Verb: "member.remove", Life: org.MemberFlow(), Typed: m.Login, Until: peoplePath + "/" + m.Login})
}

// key finds a key of the reader's organization, under the login of whose it is.
func (k call) key() (org.KeyView, error) {
	home, err := k.home()
	if err != nil {
		return org.KeyView{}, err
	}
	for part := (catalog.Page{Limit: catalog.MaxPage}); ; {
		found, err := k.cat.Keys.List(k.ctx, k.who, home, part)
		if err != nil {
			return org.KeyView{}, err
		}
		for _, key := range found.Items {
			if key.Fingerprint == k.arg("fingerprint") && key.Login == k.arg("login") {
				return key, nil
			}
		}
		if part.After = found.Next; part.After == "" {
			return org.KeyView{}, fault.NotFound()
		}
	}
}

func confirmKey(k call) (answer, error) {
	key, err := k.key()
	if err != nil {
		return answer{}, err
	}
	return confirm(k, nil, key.State, false, confirmPage{
		Verb: "key.revoke", Life: org.KeyFlow(), Typed: key.Login, Until: peoplePath + "?tab=keys",
		About: []fact{{Label: "login.login", Value: key.Login}, {Label: "key.fingerprint", Value: key.Fingerprint}},
	})
}

// revokeKey ends a key. The login that was typed has to be that of whose it is.
func revokeKey(k call) (string, error) {
	if _, err := k.key(); err != nil {
		return "", err
	}
	return onKey((*catalog.Keys).Revoke)(k)
}

// identity finds an identity of the reader's organization, under the login of whose it is.
func (k call) identity() (org.IdentityView, error) {
	home, err := k.home()
	if err != nil {
		return org.IdentityView{}, err
	}
	all, err := k.cat.Identities.List(k.ctx, k.who, home)
	if err != nil {
		return org.IdentityView{}, err
	}
	at := slices.IndexFunc(all, func(i org.IdentityView) bool { return i.ID == k.arg("identity") && i.Login == k.arg("login") })
	if at < 0 {
		return org.IdentityView{}, fault.NotFound()
	}
	return all[at], nil
}

func confirmIdentity(k call) (answer, error) {
	i, err := k.identity()
	if err != nil {
		return answer{}, err
	}
	return confirm(k, nil, i.State, false, confirmPage{
		Verb: "identity.revoke", Life: org.IdentityFlow(), Typed: i.Login, Until: peoplePath + "?tab=identities",
		About: []fact{
			{Label: "login.login", Value: i.Login}, {Label: "identity.label", Value: i.Label},
			{Label: "identity.subject", Value: i.Subject}, {Label: "identity.issuer", Value: i.Issuer},
		},
	})
}

// revokeIdentity is revokeKey of an identity.
func revokeIdentity(k call) (string, error) {
	if _, err := k.identity(); err != nil {
		return "", err
	}
	return onIdentity((*catalog.Identities).Revoke)(k)
}

func inviteMember(k call) (string, error) {
	home, err := k.home()
	if err != nil {
		return "", err
	}
	m, err := k.cat.Members.Invite(k.ctx, k.who, home, org.MemberSpec{
		Login: k.form.Get("login"), Name: k.form.Get("name"), Roles: roles(k), Machine: k.form.Has("machine"),
	})
	return peoplePath + "/" + m.Login, err
}

// roles are those that were ticked.
func roles(k call) []org.Role {
	var all []org.Role
	for _, r := range ticked[string](k.form, "role") {
		all = append(all, org.Role(r))
	}
	return all
}

func setRoles(k call) (string, error) {
	home, err := k.home()
	if err != nil {
		return "", err
	}
	m, err := k.cat.Members.SetRoles(k.ctx, k.who, home, k.arg("login"), roles(k))
	return peoplePath + "/" + m.Login, err
}

func removeMember(k call) (string, error) {
	home, err := k.home()
	if err != nil {
		return "", err
	}
	m, err := k.cat.Members.Remove(k.ctx, k.who, home, k.arg("login"))
	return peoplePath + "/" + m.Login, err
}
