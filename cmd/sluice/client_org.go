package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/wire"
)

func newOrg() *cobra.Command {
	return noun(text{
		use: "org", short: "Organizations and what they may act as",
		example: "  sluice org list\n  sluice org capacity grant ORG-0002 operator --document 渝数据〔2025〕12号",
	}, orgCreate(), orgList(), orgShow(), noun(text{
		use: "capacity", short: "What an organization may act as",
		example: "  sluice org capacity grant ORG-0002 operator --document 渝数据〔2025〕12号",
	}, capacityGrant(), capacityEnd()))
}

func orgFields() []field[wire.Org] {
	return []field[wire.Org]{
		{"number", func(o wire.Org) string { return o.Number }},
		{"name", func(o wire.Org) string { return o.Name }},
		{"credit code", func(o wire.Org) string { return o.CreditCode }},
		{"capacities", func(o wire.Org) string { return strings.Join(o.Capacities, ", ") }},
		{"since", func(o wire.Org) string { return when(o.CreatedAt) }},
	}
}

func orgCreate() *cobra.Command {
	var spec wire.OrgSpec
	cmd := command(text{
		use:     "create --name NAME",
		short:   "Add an organization (platform administrator)",
		example: "  sluice org create --name 市卫生健康委员会\n  sluice org create --name 数据运营有限公司 --credit-code 91350100M000100Y43",
	}, func(c *call) error {
		made, err := c.Orgs.Create(c.ctx, spec)
		return one(c, made, err, orgFields())
	})
	cmd.Flags().StringVar(&spec.Name, "name", "", "full name (needed)")
	cmd.Flags().StringVar(&spec.CreditCode, "credit-code", "", "unified social credit code")
	return need(cmd, "name")
}

func orgList() *cobra.Command {
	return command(text{
		use: "list", short: "List all organizations (platform administrator)",
		example: "  sluice org list\n  sluice org list -o json",
	}, func(c *call) error {
		all, err := c.Orgs.List(c.ctx)
		return many(c, all, err, orgFields())
	})
}

func orgShow() *cobra.Command {
	return command(text{
		use: "show ORG", short: "Show an organization",
		example: "  sluice org show ORG-0002",
	}, func(c *call) error {
		shown, err := c.Orgs.Show(c.ctx, c.args[0])
		return one(c, shown, err, orgFields())
	})
}

func capacityGrant() *cobra.Command {
	var document string
	cmd := command(text{
		use: "grant ORG CAPACITY --document DOCUMENT", short: "Give an organization a capacity (platform administrator)",
		long:    "Gives an organization a capacity that rests on a designation document. Capacities: " + joined(org.Capacities()) + ".",
		example: "  sluice org capacity grant ORG-0002 data_provider --document 渝数据〔2025〕12号",
	}, func(c *call) error {
		spec := wire.CapacitySpec{Capacity: org.Capacity(c.args[1]), Document: document}
		changed, err := c.Orgs.GrantCapacity(c.ctx, c.args[0], spec)
		return one(c, changed, err, orgFields())
	})
	cmd.Flags().StringVar(&document, "document", "", "the designation's document (needed)")
	return need(cmd, "document")
}

func capacityEnd() *cobra.Command {
	return command(text{
		use: "end ORG CAPACITY", short: "End a capacity; what rests on it stops counting at once",
		example: "  sluice org capacity end ORG-0002 data_provider",
	}, func(c *call) error {
		changed, err := c.Orgs.EndCapacity(c.ctx, c.args[0], org.Capacity(c.args[1]))
		return one(c, changed, err, orgFields())
	})
}

func newMember() *cobra.Command {
	return noun(text{
		use: "member", short: "The people of an organization",
		example: "  sluice member invite kaifa --name 开发 --role developer\n  sluice member list",
	}, memberInvite(), memberRole(), memberRemove(), memberList())
}

func memberFields() []field[wire.Member] {
	return []field[wire.Member]{
		{"login", func(m wire.Member) string { return m.Login }},
		{"name", func(m wire.Member) string { return m.Name }},
		{"roles", func(m wire.Member) string { return strings.Join(m.Roles, ", ") }},
		{"state", func(m wire.Member) string { return m.State }},
		{"since", func(m wire.Member) string { return when(m.CreatedAt) }},
	}
}

// ofOrg adds the flag that names another organization than the caller's own.
func ofOrg(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String("org", "", "number of the organization; default: your own")
	return cmd
}

// withRoles adds the flag that lists roles.
func withRoles(cmd *cobra.Command, into *[]string) *cobra.Command {
	cmd.Flags().StringSliceVar(into, "role", nil, "role; may be given several times (needed): "+joined(org.Roles()))
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
	cmd := command(text{
		use: "invite LOGIN --name NAME --role ROLE", short: "Add a person to your organization",
		long: `Adds a person. They become active when they have run ` + "`sluice login`" + ` and you have admitted their key.
A platform administrator invites an organization's first administrator with --org. A program (--machine) runs
` + "`sluice login --machine`" + ` and speaks to an https address only.`,
		example: "  sluice member invite kaifa --name 开发 --role developer\n" +
			"  sluice member invite fuze --name 负责人 --role org_admin --role approver --org ORG-0002",
	}, func(c *call) error {
		spec := wire.MemberSpec{Login: c.args[0], Name: fullName, Roles: asRoles(roles), Machine: machine}
		added, err := c.Members.Invite(c.ctx, c.org(), spec)
		return one(c, added, err, memberFields())
	})
	cmd.Flags().StringVar(&fullName, "name", "", "the person's name (needed)")
	cmd.Flags().BoolVar(&machine, "machine", false, "a program, not a person: it brings feeds and reads, and never decides")
	return need(withRoles(ofOrg(cmd), &roles), "name")
}

func memberRole() *cobra.Command {
	var roles []string
	cmd := command(text{
		use: "role LOGIN --role ROLE", short: "Replace what a person may do, from their next call on",
		example: "  sluice member role kaifa --role developer --role approver",
	}, func(c *call) error {
		changed, err := c.Members.SetRoles(c.ctx, c.org(), c.args[0], asRoles(roles))
		return one(c, changed, err, memberFields())
	})
	return withRoles(ofOrg(cmd), &roles)
}

func memberRemove() *cobra.Command {
	return ofOrg(command(text{
		use: "remove LOGIN", short: "End a membership; the person's next call fails",
		example: "  sluice member remove kaifa",
	}, func(c *call) error {
		removed, err := c.Members.Remove(c.ctx, c.org(), c.args[0])
		return one(c, removed, err, memberFields())
	}))
}

func memberList() *cobra.Command {
	return ofOrg(command(text{
		use: "list", short: "List the people of your organization",
		example: "  sluice member list\n  sluice member list -o yaml",
	}, func(c *call) error {
		all, err := c.Members.List(c.ctx, c.org())
		return many(c, all, err, memberFields())
	}))
}
