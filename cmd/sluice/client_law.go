package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/gateway/wire"
)

// fromFile adds the flag that names a YAML file.
func fromFile(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringP("file", "f", "", "")
	return need(cmd, "file")
}

func newRegistration() *cobra.Command {
	// deciding is a step of the procedure on one application.
	deciding := func(use, example string, do func(c *call) (wire.Registration, error)) *cobra.Command {
		return change(text{use: use, example: "  sluice registration " + example}, func(c *call) error {
			r, err := do(c)
			return one(c, r, err, wholeRegistration(c))
		})
	}
	return noun(text{
		use: "registration", example: "  sluice registration apply -f registration.yaml\n  sluice registration list",
	},
		registrationApply(),
		deciding("accept REGISTRATION", "accept R-2026-0001",
			func(c *call) (wire.Registration, error) { return c.Registrations.Accept(c.ctx, c.args[0]) }),
		deciding("notice REGISTRATION", "notice R-2026-0001",
			func(c *call) (wire.Registration, error) { return c.Registrations.Notice(c.ctx, c.args[0]) }),
		deciding("code REGISTRATION", "code R-2026-0001",
			func(c *call) (wire.Registration, error) { return c.Registrations.Code(c.ctx, c.args[0]) }),
		registrationShow(), registrationList(),
	)
}

func registrationShow() *cobra.Command {
	return command(text{
		use: "show REGISTRATION", example: "  sluice registration show R-2026-0001",
	}, func(c *call) error {
		r, err := c.Registrations.Show(c.ctx, c.args[0])
		return one(c, r, err, wholeRegistration(c))
	})
}

func registrationFields(c *call) []field[wire.Registration] {
	return []field[wire.Registration]{
		{"number", func(r wire.Registration) string { return r.Number }},
		{"dataset", func(r wire.Registration) string { return r.Dataset }},
		{"state", func(r wire.Registration) string { return word(c, r.State) }},
		{"applied", func(r wire.Registration) string { return when(r.AppliedAt) }},
		{"accept due", func(r wire.Registration) string { return c.due(&r.AcceptDue, r.AcceptedAt != nil) }},
		{"review due", func(r wire.Registration) string { return c.due(r.ReviewDue, r.NoticedAt != nil) }},
		{"notice ends", func(r wire.Registration) string { return c.due(r.NoticeEnds, r.CodedAt != nil) }},
		{"code", func(r wire.Registration) string { return r.QueryCode }},
		{"valid to", func(r wire.Registration) string { return untilDay(r.ValidTo) }},
		{"late", func(r wire.Registration) string { return c.yesNo(r.Late) }},
	}
}

// wholeRegistration is one registration with what its applicant wrote: too long for a line of a list.
func wholeRegistration(c *call) []field[wire.Registration] {
	return append(registrationFields(c), field[wire.Registration]{"summary", func(r wire.Registration) string { return r.Summary }})
}

func registrationApply() *cobra.Command {
	return fromFile(change(text{
		use: "apply -f FILE", example: "  sluice registration apply -f registration.yaml",
	}, func(c *call) error {
		application, err := readYAML[wire.Application](c, c.flag("file"))
		if err != nil {
			return err
		}
		made, err := c.Registrations.Apply(c.ctx, application.Dataset, application.RegistrationSpec)
		return one(c, made, err, wholeRegistration(c))
	}))
}

func registrationList() *cobra.Command {
	return byState(command(text{
		use: "list", example: "  sluice registration list\n  sluice registration list --state in_notice",
	}, func(c *call) error {
		all, err := c.Registrations.List(c.ctx, c.narrow()...)
		return many(c, all, err, registrationFields(c))
	}))
}

func newAgreement() *cobra.Command {
	return noun(text{
		use: "agreement", example: "  sluice agreement record -f agreement.yaml\n  sluice agreement sign A-2026-0001",
	}, agreementRecord(), agreementSign(), agreementFile(), agreementShow(), agreementList())
}

func agreementFields(c *call) []field[wire.Agreement] {
	return []field[wire.Agreement]{
		{"number", func(a wire.Agreement) string { return a.Number }},
		{"state", func(a wire.Agreement) string { return word(c, a.State) }},
		{"agency", func(a wire.Agreement) string { return a.Agency }},
		{"operator", func(a wire.Agreement) string { return a.Operator }},
		{"from", func(a wire.Agreement) string { return a.From.String() }},
		{"to", func(a wire.Agreement) string { return a.To.String() }},
		{"datasets", func(a wire.Agreement) string { return joined(a.Datasets) }},
		{"signed by", func(a wire.Agreement) string { return strings.Join(a.Signed, ", ") }},
		{"file due", func(a wire.Agreement) string { return c.due(a.FileDue, a.FiledAt != nil) }},
		{"filed", func(a wire.Agreement) string { return whenever(a.FiledAt) }},
		{"late", func(a wire.Agreement) string { return c.yesNo(a.Late) }},
		{"receipt", func(a wire.Agreement) string { return a.Receipt }},
	}
}

func agreementRecord() *cobra.Command {
	return fromFile(change(text{
		use: "record -f FILE", example: "  sluice agreement record -f agreement.yaml",
	}, func(c *call) error {
		spec, err := readYAML[wire.AgreementSpec](c, c.flag("file"))
		if err != nil {
			return err
		}
		made, err := c.Agreements.Record(c.ctx, spec)
		return one(c, made, err, agreementFields(c))
	}))
}

func agreementSign() *cobra.Command {
	return change(text{
		use: "sign AGREEMENT", example: "  sluice agreement sign A-2026-0001",
	}, func(c *call) error {
		signed, err := c.Agreements.Sign(c.ctx, c.args[0])
		return one(c, signed, err, agreementFields(c))
	})
}

func agreementFile() *cobra.Command {
	cmd := change(text{
		use: "file AGREEMENT --receipt RECEIPT", example: "  sluice agreement file A-2026-0001 --receipt 备案〔2026〕1号",
	}, func(c *call) error {
		filed, err := c.Agreements.File(c.ctx, c.args[0], c.flag("receipt"))
		return one(c, filed, err, agreementFields(c))
	})
	cmd.Flags().String("receipt", "", "")
	return need(cmd, "receipt")
}

func agreementShow() *cobra.Command {
	return command(text{
		use: "show AGREEMENT", example: "  sluice agreement show A-2026-0001",
	}, func(c *call) error {
		shown, err := c.Agreements.Show(c.ctx, c.args[0])
		return one(c, shown, err, agreementFields(c))
	})
}

func agreementList() *cobra.Command {
	return byState(command(text{
		use: "list", example: "  sluice agreement list --state signed -o json",
	}, func(c *call) error {
		all, err := c.Agreements.List(c.ctx, c.narrow()...)
		return many(c, all, err, agreementFields(c))
	}))
}

func newGrant() *cobra.Command {
	return noun(text{
		use: "grant", example: "  sluice grant propose -f grant.yaml\n  sluice grant show G-2026-0001 -o yaml",
	},
		grantPropose(), grantCompare(), grantApprove(), grantAllow(), grantRefuse(), grantRevoke(), grantShow(), grantList(),
	)
}

func grantApprove() *cobra.Command {
	return change(text{
		use: "approve GRANT", example: "  sluice grant approve G-2026-0001",
	}, func(c *call) error {
		g, err := c.Grants.Approve(c.ctx, c.args[0])
		return one(c, g, err, grantFields(c))
	})
}

func grantRefuse() *cobra.Command {
	var said wire.Opinion
	cmd := change(text{
		use: "refuse GRANT --reason TEXT", example: "  sluice grant refuse G-2026-0001 --reason 用途与协议不符",
	}, func(c *call) error {
		g, err := c.Grants.Refuse(c.ctx, c.args[0], said)
		return one(c, g, err, grantFields(c))
	})
	cmd.Flags().StringVar(&said.Reason, "reason", "", "")
	return need(cmd, "reason")
}

func grantRevoke() *cobra.Command {
	return change(text{
		use: "revoke GRANT", example: "  sluice grant revoke G-2026-0001 --dry-run\n  sluice grant revoke G-2026-0001",
	}, func(c *call) error {
		g, err := c.Grants.Revoke(c.ctx, c.args[0])
		return ended(c, g, err, grantFields(c), func() ([]wire.Stop, error) { return c.Grants.Stops(c.ctx, c.args[0]) })
	})
}

func grantShow() *cobra.Command {
	return command(text{
		use: "show GRANT", example: "  sluice grant show G-2026-0001\n  sluice grant show G-2026-0001 -o yaml",
	}, func(c *call) error {
		g, err := c.Grants.Show(c.ctx, c.args[0])
		return one(c, g, err, grantFields(c))
	})
}

func grantCompare() *cobra.Command {
	return command(text{
		use: "compare GRANT", example: "  sluice grant compare G-2026-0001",
	}, func(c *call) error {
		all, err := c.Grants.Compare(c.ctx, c.args[0])
		return many(c, all, err, comparisonFields(c))
	})
}

func comparisonFields(c *call) []field[wire.Comparison] {
	return []field[wire.Comparison]{
		{"dimension", func(k wire.Comparison) string { return word(c, k.Dimension) }},
		{"bound", func(k wire.Comparison) string { return word(c, k.Bound) }},
		{"granted", func(k wire.Comparison) string { return joined(k.Granted) }},
		{"allowed", func(k wire.Comparison) string { return joined(k.Allowed) }},
		{"beyond", func(k wire.Comparison) string { return joined(k.Beyond) }},
	}
}

func grantFields(c *call) []field[wire.Grant] {
	return []field[wire.Grant]{
		{"number", func(g wire.Grant) string { return g.Number }},
		{"state", func(g wire.Grant) string { return word(c, g.State) }},
		{"dataset", func(g wire.Grant) string { return g.Dataset }},
		{"operator", func(g wire.Grant) string { return g.Operator }},
		{"agreement", func(g wire.Grant) string { return g.Agreement }},
		{"columns", func(g wire.Grant) string { return strings.Join(g.Scope.Columns, ", ") }},
		{"rows", func(g wire.Grant) string { return grantRows(c, g) }},
		{"purposes", func(g wire.Grant) string { return strings.Join(g.Scope.Purposes, ", ") }},
		{"to", func(g wire.Grant) string { return grantEnd(c, g) }},
		{"runs left", func(g wire.Grant) string { return number(g.RunsLeft) }},
		{"rows left", func(g wire.Grant) string { return number(g.RowsLeft) }},
		{"failed answers left", func(g wire.Grant) string { return number(g.FailedLeft) }},
		{"refused", func(g wire.Grant) string { return saidNo(c, g.Refused) }},
	}
}

// saidNo tells who refused a thing, and why.
func saidNo(c *call, h *flow.Handled) string {
	if h == nil {
		return orDash("")
	}
	return word(c, h.By) + c.Say("colon") + h.Reason
}

// grantEnd is the last day of a grant, with the working days left while it may still be used.
func grantEnd(c *call, g wire.Grant) string {
	if g.EndedAt != nil {
		return g.Scope.To.String()
	}
	return c.left(g.Scope.To, c.Say("due.ended"))
}

// grantRows tells a row scope in few words.
func grantRows(c *call, g wire.Grant) string {
	if g.Scope.Rows.All {
		return c.Say("rows.all")
	}
	var filters []string
	for _, f := range g.Scope.Rows.Filters {
		filters = append(filters, c.Say("rows.some", "column", f.Column, "n", len(f.In)))
	}
	return c.list(filters)
}

func grantPropose() *cobra.Command {
	return fromFile(change(text{
		use: "propose -f FILE", example: "  sluice grant propose -f grant.yaml --dry-run\n  sluice grant propose -f grant.yaml",
	}, func(c *call) error {
		spec, err := readYAML[wire.GrantSpec](c, c.flag("file"))
		if err != nil {
			return err
		}
		made, err := c.Grants.Propose(c.ctx, spec)
		if would := rehearsed(err); would != nil {
			return rehearseProposal(c, would, spec)
		}
		return one(c, made, err, grantFields(c))
	}))
}

func grantList() *cobra.Command {
	return byState(command(text{
		use: "list", example: "  sluice grant list --state active",
	}, func(c *call) error {
		all, err := c.Grants.List(c.ctx, c.narrow()...)
		return many(c, all, err, grantFields(c))
	}))
}
