package main

import (
	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/wire"
)

func newOrg() *cobra.Command {
	return noun(text{
		use: "org", example: "  sluice org list\n  sluice org capacity grant ORG-0002 operator --document 渝数据〔2025〕12号",
	}, orgCreate(), orgList(), orgShow(), noun(text{
		use: "capacity", example: "  sluice org capacity grant ORG-0002 operator --document 渝数据〔2025〕12号",
	}, capacityGrant(), capacityEnd()))
}

func orgFields(c *call) []field[wire.Org] {
	return []field[wire.Org]{
		{"number", func(o wire.Org) string { return o.Number }},
		{"name", func(o wire.Org) string { return o.Name }},
		{"credit code", func(o wire.Org) string { return o.CreditCode }},
		{"capacities", func(o wire.Org) string { return words(c, o.Capacities) }},
		{"since", func(o wire.Org) string { return when(o.CreatedAt) }},
	}
}

func orgCreate() *cobra.Command {
	var spec wire.OrgSpec
	cmd := change(text{
		use:     "create --name NAME",
		example: "  sluice org create --name 市卫生健康委员会\n  sluice org create --name 数据运营有限公司 --credit-code 91350100M000100Y43",
	}, func(c *call) error {
		made, err := c.Orgs.Create(c.ctx, spec)
		return one(c, made, err, orgFields(c))
	})
	cmd.Flags().StringVar(&spec.Name, "name", "", "")
	cmd.Flags().StringVar(&spec.CreditCode, "credit-code", "", "")
	return need(cmd, "name")
}

func orgList() *cobra.Command {
	return command(text{
		use: "list", example: "  sluice org list\n  sluice org list -o json",
	}, func(c *call) error {
		all, err := c.Orgs.List(c.ctx)
		return many(c, all, err, orgFields(c))
	})
}

func orgShow() *cobra.Command {
	return command(text{
		use: "show ORG", example: "  sluice org show ORG-0002",
	}, func(c *call) error {
		shown, err := c.Orgs.Show(c.ctx, c.args[0])
		return one(c, shown, err, orgFields(c))
	})
}

func capacityGrant() *cobra.Command {
	var document string
	cmd := change(text{
		use: "grant ORG CAPACITY --document DOCUMENT", example: "  sluice org capacity grant ORG-0002 data_provider --document 渝数据〔2025〕12号",
	}, func(c *call) error {
		spec := wire.CapacitySpec{Capacity: org.Capacity(c.args[1]), Document: document}
		changed, err := c.Orgs.GrantCapacity(c.ctx, c.args[0], spec)
		return one(c, changed, err, orgFields(c))
	})
	cmd.Flags().StringVar(&document, "document", "", "")
	return need(cmd, "document")
}

func capacityEnd() *cobra.Command {
	return change(text{
		use: "end ORG CAPACITY", example: "  sluice org capacity end ORG-0002 data_provider",
	}, func(c *call) error {
		changed, err := c.Orgs.EndCapacity(c.ctx, c.args[0], org.Capacity(c.args[1]))
		return one(c, changed, err, orgFields(c))
	})
}

func newMember() *cobra.Command {
	return noun(text{
		use: "member", example: "  sluice member invite kaifa --name 开发 --role developer\n  sluice member list",
	}, memberInvite(), memberLink(), memberRole(), memberRecover(), memberRemove(), memberList())
}

func memberFields(c *call) []field[wire.Member] {
	return []field[wire.Member]{
		{"login", func(m wire.Member) string { return m.Login }},
		{"name", func(m wire.Member) string { return m.Name }},
		{"roles", func(m wire.Member) string { return words(c, m.Roles) }},
		{"state", func(m wire.Member) string { return word(c, m.State) }},
		{"since", func(m wire.Member) string { return when(m.CreatedAt) }},
	}
}

// ofOrg adds the flag that names another organization than the caller's own.
func ofOrg(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String("org", "", "")
	return cmd
}

// withRoles adds the flag that lists roles.
func withRoles(cmd *cobra.Command, into *[]string) *cobra.Command {
	cmd.Flags().StringSliceVar(into, "role", nil, "")
	return need(cmd, "role")
}

func asRoles(names []string) []org.Role {
	roles := make([]org.Role, 0, len(names))
	for _, n := range names {
		roles = append(roles, org.Role(n))
	}
	return roles
}

func memberInvite() *cobra.Command {
	var fullName string
	var roles []string
	var machine bool
	cmd := change(text{
		use: "invite LOGIN --name NAME --role ROLE", example: "  sluice member invite kaifa --name 开发 --role developer\n" +
			"  sluice member invite fuze --name 负责人 --role org_admin --role approver --org ORG-0002",
	}, func(c *call) error {
		spec := wire.MemberSpec{Login: c.args[0], Name: fullName, Roles: asRoles(roles), Machine: machine}
		added, err := c.Members.Invite(c.ctx, c.org(), spec)
		return one(c, added, err, memberFields(c))
	})
	cmd.Flags().StringVar(&fullName, "name", "", "")
	cmd.Flags().BoolVar(&machine, "machine", false, "")
	return need(withRoles(ofOrg(cmd), &roles), "name")
}

func memberLink() *cobra.Command {
	return ofOrg(change(text{
		use: "link LOGIN", example: "  sluice member link kaifa\n  sluice member link fuze --org ORG-0002",
	}, func(c *call) error {
		made, err := c.Members.Link(c.ctx, c.org(), c.args[0])
		return one(c, made, err, linkFields(c))
	}))
}

func memberRecover() *cobra.Command {
	return change(text{
		use: "recover LOGIN", example: "  sluice member recover kaifa",
	}, func(c *call) error {
		made, err := c.Members.Recover(c.ctx, c.org(), c.args[0])
		return one(c, made, err, linkFields(c))
	})
}

func linkFields(c *call) []field[wire.EnrolLink] {
	return []field[wire.EnrolLink]{
		{"login", func(l wire.EnrolLink) string { return l.Login }},
		{"address", c.Members.Address},
		{"expires", func(l wire.EnrolLink) string { return when(l.ExpiresAt) }},
	}
}

func memberRole() *cobra.Command {
	var roles []string
	cmd := change(text{
		use: "role LOGIN --role ROLE", example: "  sluice member role kaifa --role developer --role approver",
	}, func(c *call) error {
		changed, err := c.Members.SetRoles(c.ctx, c.org(), c.args[0], asRoles(roles))
		return one(c, changed, err, memberFields(c))
	})
	return withRoles(ofOrg(cmd), &roles)
}

func memberRemove() *cobra.Command {
	return ofOrg(change(text{
		use: "remove LOGIN", example: "  sluice member remove kaifa",
	}, func(c *call) error {
		removed, err := c.Members.Remove(c.ctx, c.org(), c.args[0])
		return one(c, removed, err, memberFields(c))
	}))
}

func memberList() *cobra.Command {
	return byState(ofOrg(command(text{
		use: "list", example: "  sluice member list --state active\n  sluice member list -o yaml",
	}, func(c *call) error {
		all, err := c.Members.List(c.ctx, c.org(), c.narrow()...)
		return many(c, all, err, memberFields(c))
	})))
}
