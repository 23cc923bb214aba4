package main

import (
	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/gateway/wire"
)

func newFactor() *cobra.Command {
	return noun(text{
		use:     "factor",
		example: "  sluice factor enrol --code ABCD-EFGH-IJKL-MNOP\n  sluice factor prove 123456",
	}, factorEnrol(), factorConfirm(), factorRenew(), factorProve(), factorCode(), factorReset())
}

func factorEnrol() *cobra.Command {
	cmd := change(text{
		use:     "enrol",
		example: "  sluice factor enrol --code ABCD-EFGH-IJKL-MNOP",
	}, func(c *call) error {
		made, err := c.Factors.Enrol(c.ctx, c.flag("code"))
		return one(c, made, err, []field[wire.FactorSecret]{
			{"secret", func(s wire.FactorSecret) string { return s.Secret }},
			{"uri", func(s wire.FactorSecret) string { return s.URI }},
		})
	})
	cmd.Flags().String("code", "", "")
	return cmd
}

func factorConfirm() *cobra.Command {
	return change(text{
		use:     "confirm PASSWORD",
		example: "  sluice factor confirm 123456",
	}, func(c *call) error {
		all, err := c.Factors.Confirm(c.ctx, c.args[0])
		return many(c, all.Codes, err, []field[string]{{"recovery code", func(s string) string { return s }}})
	})
}

func factorRenew() *cobra.Command {
	return change(text{
		use:     "renew",
		example: "  sluice factor renew",
	}, func(c *call) error {
		all, err := c.Factors.Renew(c.ctx)
		return many(c, all.Codes, err, []field[string]{{"recovery code", func(s string) string { return s }}})
	})
}

func factorProve() *cobra.Command {
	cmd := change(text{
		use:     "prove [PASSWORD]",
		example: "  sluice factor prove 123456\n  sluice factor prove --recovery ABCD-EFGH-IJKL-MNOP",
	}, func(c *call) error {
		proof := wire.FactorProof{Recovery: c.flag("recovery")}
		if len(c.args) == 1 {
			proof.TOTP = c.args[0]
		}
		me, err := c.Factors.Prove(c.ctx, proof)
		return one(c, me, err, []field[wire.Me]{
			{"login", func(m wire.Me) string { return m.Login }},
			{"session", c.strength},
		})
	})
	cmd.Flags().String("recovery", "", "")
	return cmd
}

func factorCode() *cobra.Command {
	return ofOrg(change(text{
		use:     "code LOGIN",
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
	return ofOrg(change(text{
		use:     "reset LOGIN",
		example: "  sluice factor reset kaifa",
	}, func(c *call) error {
		gone, err := c.Factors.Reset(c.ctx, c.org(), c.args[0])
		return one(c, gone, err, []field[wire.Factor]{
			{"login", func(f wire.Factor) string { return f.Login }},
			{"factor", func(f wire.Factor) string { return word(c, f.State) }},
		})
	}))
}

func newIdentity() *cobra.Command {
	return noun(text{
		use:     "identity",
		example: "  sluice identity list\n  sluice identity admit 01890a5d-…",
	}, identityList(), identityAdmit(), identityRevoke())
}

func identityFields(c *call) []field[wire.Identity] {
	return []field[wire.Identity]{
		{"id", func(i wire.Identity) string { return i.ID }},
		{"login", func(i wire.Identity) string { return i.Login }},
		{"label", func(i wire.Identity) string { return orDash(i.Label) }},
		{"subject", func(i wire.Identity) string { return i.Subject }},
		{"issuer", func(i wire.Identity) string { return i.Issuer }},
		{"state", func(i wire.Identity) string { return word(c, i.State) }},
		{"last used", func(i wire.Identity) string { return whenever(i.LastUsed) }},
	}
}

func identityList() *cobra.Command {
	return ofOrg(command(text{
		use:     "list",
		example: "  sluice identity list",
	}, func(c *call) error {
		all, err := c.Identities.List(c.ctx, c.org())
		return many(c, all, err, identityFields(c))
	}))
}

func identityAdmit() *cobra.Command {
	return change(text{
		use:     "admit ID",
		example: "  sluice identity admit 01890a5d-ac96-774b-bcce-b302099a8057",
	}, func(c *call) error {
		admitted, err := c.Identities.Admit(c.ctx, c.args[0])
		return one(c, admitted, err, identityFields(c))
	})
}

func identityRevoke() *cobra.Command {
	return change(text{
		use:     "revoke ID",
		example: "  sluice identity revoke 01890a5d-ac96-774b-bcce-b302099a8057",
	}, func(c *call) error {
		revoked, err := c.Identities.Revoke(c.ctx, c.args[0])
		return one(c, revoked, err, identityFields(c))
	})
}
