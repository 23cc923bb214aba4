package main

import (
	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/gateway/wire"
)

func newFactor() *cobra.Command {
	return noun(text{
		use: "factor", short: "Second factors, for sessions through an identity provider",
		example: "  sluice factor enrol --code ABCD-EFGH-IJKL-MNOP\n  sluice factor prove 123456",
	}, factorEnrol(), factorConfirm(), factorProve(), factorCode(), factorReset())
}

func factorEnrol() *cobra.Command {
	cmd := command(text{
		use: "enrol", short: "Begin a second factor of your own",
		long: `Shows, once, the secret that your authenticator keeps. It counts after ` + "`sluice factor confirm`" + `. In a session
through an identity provider you need the one-time code your administrator made with ` + "`sluice factor code`" + `.`,
		example: "  sluice factor enrol --code ABCD-EFGH-IJKL-MNOP",
	}, func(c *call) error {
		made, err := c.Factors.Enrol(c.ctx, c.flag("code"))
		return one(c, made, err, []field[wire.FactorSecret]{
			{"secret", func(s wire.FactorSecret) string { return s.Secret }},
			{"uri", func(s wire.FactorSecret) string { return s.URI }},
		})
	})
	cmd.Flags().String("code", "", "one-time code from your administrator")
	return cmd
}

func factorConfirm() *cobra.Command {
	return command(text{
		use: "confirm PASSWORD", short: "Show that your authenticator works",
		long: `Takes the authenticator's present password, and shows ten recovery codes, once: keep them where the authenticator is
not.`,
		example: "  sluice factor confirm 123456",
	}, func(c *call) error {
		all, err := c.Factors.Confirm(c.ctx, c.args[0])
		return many(c, all.Codes, err, []field[string]{{"recovery code", func(s string) string { return s }}})
	})
}

func factorProve() *cobra.Command {
	cmd := command(text{
		use: "prove [PASSWORD]", short: "Make your present session strong enough to decide",
		example: "  sluice factor prove 123456\n  sluice factor prove --recovery ABCD-EFGH-IJKL-MNOP",
	}, func(c *call) error {
		proof := wire.FactorProof{Recovery: c.flag("recovery")}
		if len(c.args) == 1 {
			proof.TOTP = c.args[0]
		}
		me, err := c.Factors.Prove(c.ctx, proof)
		return one(c, me, err, []field[wire.Me]{
			{"login", func(m wire.Me) string { return m.Login }},
			{"session", func(m wire.Me) string { return m.Strength + ", by " + m.Method }},
		})
	})
	cmd.Args = cobra.MaximumNArgs(1)
	cmd.Flags().String("recovery", "", "a recovery code instead; each counts once")
	return cmd
}

func factorCode() *cobra.Command {
	return ofOrg(command(text{
		use: "code LOGIN", short: "Make a person's one-time code to enrol a second factor (org_admin)",
		long:    "Shows a code that counts once and for a day. Hand it over in person: whoever has it can enrol in that person's session.",
		example: "  sluice factor code kaifa",
	}, func(c *call) error {
		made, err := c.Factors.Code(c.ctx, c.org(), c.args[0])
		return one(c, made, err, []field[wire.EnrolCode]{
			{"login", func(e wire.EnrolCode) string { return e.Login }},
			{"code", func(e wire.EnrolCode) string { return e.Code }},
		})
	}))
}

func factorReset() *cobra.Command {
	return ofOrg(command(text{
		use: "reset LOGIN", short: "End a person's second factor; they enrol anew (org_admin)",
		example: "  sluice factor reset kaifa",
	}, func(c *call) error {
		gone, err := c.Factors.Reset(c.ctx, c.org(), c.args[0])
		return one(c, gone, err, []field[wire.Factor]{
			{"login", func(f wire.Factor) string { return f.Login }},
			{"factor", func(f wire.Factor) string { return f.State }},
		})
	}))
}

func newIdentity() *cobra.Command {
	return noun(text{
		use: "identity", short: "Who your organization's people are at the identity provider",
		example: "  sluice identity list\n  sluice identity admit 01890a5d-…",
	}, identityList(), identityAdmit(), identityRevoke())
}

func identityFields() []field[wire.Identity] {
	return []field[wire.Identity]{
		{"id", func(i wire.Identity) string { return i.ID }},
		{"login", func(i wire.Identity) string { return i.Login }},
		{"label", func(i wire.Identity) string { return orDash(i.Label) }},
		{"subject", func(i wire.Identity) string { return i.Subject }},
		{"issuer", func(i wire.Identity) string { return i.Issuer }},
		{"state", func(i wire.Identity) string { return i.State }},
		{"last used", func(i wire.Identity) string { return whenever(i.LastUsed) }},
	}
}

func identityList() *cobra.Command {
	return ofOrg(command(text{
		use: "list", short: "List who your organization's people are at the provider",
		example: "  sluice identity list",
	}, func(c *call) error {
		all, err := c.Identities.List(c.ctx, c.org())
		return many(c, all, err, identityFields())
	}))
}

func identityAdmit() *cobra.Command {
	return command(text{
		use: "admit ID", short: "Link an offered name at the provider to its login here",
		long:    "Admits an offered identity. Ask its owner for their name at the provider first: anybody there can offer theirs for any login.",
		example: "  sluice identity admit 01890a5d-ac96-774b-bcce-b302099a8057",
	}, func(c *call) error {
		admitted, err := c.Identities.Admit(c.ctx, c.args[0])
		return one(c, admitted, err, identityFields())
	})
}

func identityRevoke() *cobra.Command {
	return command(text{
		use: "revoke ID", short: "End a link; its sessions stop counting at once",
		example: "  sluice identity revoke 01890a5d-ac96-774b-bcce-b302099a8057",
	}, func(c *call) error {
		revoked, err := c.Identities.Revoke(c.ctx, c.args[0])
		return one(c, revoked, err, identityFields())
	})
}
