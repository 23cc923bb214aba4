package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/gateway/wire"
)

// fromFile adds the flag that names a YAML file.
func fromFile(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringP("file", "f", "", "YAML file; - reads standard input (needed)")
	return need(cmd, "file")
}

func newRegistration() *cobra.Command {
	act := func(use, short, example string, do func(c *call) (wire.Registration, error)) *cobra.Command {
		return command(text{use: use, short: short, example: "  sluice registration " + example}, func(c *call) error {
			r, err := do(c)
			return one(c, r, err, registrationFields())
		})
	}
	return noun(text{
		use: "registration", short: "The registration of datasets: apply, accept, notice, code",
		example: "  sluice registration apply -f registration.yaml\n  sluice registration list",
	},
		registrationApply(),
		act("accept REGISTRATION", "Take an application in (registrar)", "accept R-2026-0001",
			func(c *call) (wire.Registration, error) { return c.Registrations.Accept(c.ctx, c.args[0]) }),
		act("notice REGISTRATION", "Close the review and open the public notice (another registrar)", "notice R-2026-0001",
			func(c *call) (wire.Registration, error) { return c.Registrations.Notice(c.ctx, c.args[0]) }),
		act("code REGISTRATION", "Give the query code once the notice is over (registrar)", "code R-2026-0001",
			func(c *call) (wire.Registration, error) { return c.Registrations.Code(c.ctx, c.args[0]) }),
		act("show REGISTRATION", "Show a registration", "show R-2026-0001",
			func(c *call) (wire.Registration, error) { return c.Registrations.Show(c.ctx, c.args[0]) }),
		registrationList(),
	)
}

func registrationFields() []field[wire.Registration] {
	return []field[wire.Registration]{
		{"number", func(r wire.Registration) string { return r.Number }},
		{"dataset", func(r wire.Registration) string { return r.Dataset }},
		{"state", func(r wire.Registration) string { return r.State }},
		{"applied", func(r wire.Registration) string { return when(r.AppliedAt) }},
		{"accept due", func(r wire.Registration) string { return untilDay(&r.AcceptDue) }},
		{"review due", func(r wire.Registration) string { return untilDay(r.ReviewDue) }},
		{"notice ends", func(r wire.Registration) string { return untilDay(r.NoticeEnds) }},
		{"code", func(r wire.Registration) string { return r.QueryCode }},
		{"valid to", func(r wire.Registration) string { return untilDay(r.ValidTo) }},
		{"late", func(r wire.Registration) string { return yesNo(r.Late) }},
	}
}

func registrationApply() *cobra.Command {
	return fromFile(command(text{
		use: "apply -f FILE", short: "Apply for the registration of a dataset (applicant of its holder)",
		long: `Opens the initial registration of a dataset. The file names the dataset, the four declarations, a summary for the
public notice, the digest of the commitment letter, and as evidence the digest of a published version's manifest:

  dataset: health-visits
  declarations:
    no_state_secret: true
    trade_secret_handled: true
    personal_information_handled: true
    risk_assessed: true
  summary: 居民门诊就诊次数与健康状况（按年）
  commitment: sha256:…
  evidence: sha256:…`,
		example: "  sluice registration apply -f registration.yaml",
	}, func(c *call) error {
		application, err := readYAML[wire.Application](c, c.flag("file"))
		if err != nil {
			return err
		}
		made, err := c.Registrations.Apply(c.ctx, application.Dataset, application.RegistrationSpec)
		return one(c, made, err, registrationFields())
	}))
}

func registrationList() *cobra.Command {
	return command(text{
		use: "list", short: "List registrations: your organization's, or all to a registrar",
		example: "  sluice registration list",
	}, func(c *call) error {
		all, err := c.Registrations.List(c.ctx)
		return many(c, all, err, registrationFields())
	})
}

func newAgreement() *cobra.Command {
	return noun(text{
		use: "agreement", short: "Operating agreements: record, sign, file",
		example: "  sluice agreement record -f agreement.yaml\n  sluice agreement sign A-2026-0001",
	}, agreementRecord(), agreementSign(), agreementFile(), agreementShow(), agreementList())
}

func agreementFields() []field[wire.Agreement] {
	return []field[wire.Agreement]{
		{"number", func(a wire.Agreement) string { return a.Number }},
		{"state", func(a wire.Agreement) string { return a.State }},
		{"agency", func(a wire.Agreement) string { return a.Agency }},
		{"operator", func(a wire.Agreement) string { return a.Operator }},
		{"from", func(a wire.Agreement) string { return a.From.String() }},
		{"to", func(a wire.Agreement) string { return a.To.String() }},
		{"datasets", func(a wire.Agreement) string { return joined(a.Datasets) }},
		{"signed by", func(a wire.Agreement) string { return strings.Join(a.Signed, ", ") }},
		{"file due", func(a wire.Agreement) string { return untilDay(a.FileDue) }},
		{"filed", func(a wire.Agreement) string { return whenever(a.FiledAt) }},
		{"late", func(a wire.Agreement) string { return yesNo(a.Late) }},
		{"receipt", func(a wire.Agreement) string { return a.Receipt }},
	}
}

func agreementRecord() *cobra.Command {
	return fromFile(command(text{
		use: "record -f FILE", short: "Enter what agency and operator agreed (approver of the agency)",
		long: `Records an agreement with the agency's collective decision:

  operator: ORG-0005
  from: 2026-01-01
  to: 2027-12-31
  datasets: [health-visits]
  document: sha256:…            # of the text to be signed
  decision: {document: 渝数运〔2025〕3号, date: 2025-12-20}`,
		example: "  sluice agreement record -f agreement.yaml",
	}, func(c *call) error {
		spec, err := readYAML[wire.AgreementSpec](c, c.flag("file"))
		if err != nil {
			return err
		}
		made, err := c.Agreements.Record(c.ctx, spec)
		return one(c, made, err, agreementFields())
	}))
}

func agreementSign() *cobra.Command {
	return command(text{
		use: "sign AGREEMENT", short: "Sign for your organization (approver of either party)",
		example: "  sluice agreement sign A-2026-0001",
	}, func(c *call) error {
		signed, err := c.Agreements.Sign(c.ctx, c.args[0])
		return one(c, signed, err, agreementFields())
	})
}

func agreementFile() *cobra.Command {
	cmd := command(text{
		use: "file AGREEMENT --receipt RECEIPT", short: "Record that the authority received it (data authority)",
		example: "  sluice agreement file A-2026-0001 --receipt 备案〔2026〕1号",
	}, func(c *call) error {
		filed, err := c.Agreements.File(c.ctx, c.args[0], c.flag("receipt"))
		return one(c, filed, err, agreementFields())
	})
	cmd.Flags().String("receipt", "", "number of the filing receipt (needed)")
	return need(cmd, "receipt")
}

func agreementShow() *cobra.Command {
	return command(text{
		use: "show AGREEMENT", short: "Show an agreement to its parties and the authority",
		example: "  sluice agreement show A-2026-0001",
	}, func(c *call) error {
		shown, err := c.Agreements.Show(c.ctx, c.args[0])
		return one(c, shown, err, agreementFields())
	})
}

func agreementList() *cobra.Command {
	return command(text{
		use: "list", short: "List your organization's agreements, or all to the data authority",
		example: "  sluice agreement list -o json",
	}, func(c *call) error {
		all, err := c.Agreements.List(c.ctx)
		return many(c, all, err, agreementFields())
	})
}

func newGrant() *cobra.Command {
	act := func(use, short, example string, do func(c *call) (wire.Grant, error)) *cobra.Command {
		return command(text{use: use, short: short, example: "  sluice grant " + example}, func(c *call) error {
			g, err := do(c)
			return one(c, g, err, grantFields())
		})
	}
	return noun(text{
		use: "grant", short: "What one operator may do with one dataset",
		example: "  sluice grant propose -f grant.yaml\n  sluice grant show G-2026-0001 -o yaml",
	},
		grantPropose(),
		act("approve GRANT", "Approve a proposed grant (approver of the agency, never the proposer)", "approve G-2026-0001",
			func(c *call) (wire.Grant, error) { return c.Grants.Approve(c.ctx, c.args[0]) }),
		act("revoke GRANT", "End a grant for good: its runs die within seconds (approver of the agency)", "revoke G-2026-0001",
			func(c *call) (wire.Grant, error) { return c.Grants.Revoke(c.ctx, c.args[0]) }),
		act("show GRANT", "Show a grant; -o yaml shows its whole scope", "show G-2026-0001 -o yaml",
			func(c *call) (wire.Grant, error) { return c.Grants.Show(c.ctx, c.args[0]) }),
		grantList(),
	)
}

func grantFields() []field[wire.Grant] {
	return []field[wire.Grant]{
		{"number", func(g wire.Grant) string { return g.Number }},
		{"state", func(g wire.Grant) string { return g.State }},
		{"dataset", func(g wire.Grant) string { return g.Dataset }},
		{"operator", func(g wire.Grant) string { return g.Operator }},
		{"agreement", func(g wire.Grant) string { return g.Agreement }},
		{"columns", func(g wire.Grant) string { return strings.Join(g.Scope.Columns, ", ") }},
		{"rows", grantRows},
		{"purposes", func(g wire.Grant) string { return strings.Join(g.Scope.Purposes, ", ") }},
		{"to", func(g wire.Grant) string { return g.Scope.To.String() }},
		{"runs left", func(g wire.Grant) string { return fmt.Sprint(g.RunsLeft) }},
		{"rows left", func(g wire.Grant) string { return fmt.Sprint(g.RowsLeft) }},
		{"failed answers left", func(g wire.Grant) string { return fmt.Sprint(g.FailedLeft) }},
	}
}

// grantRows tells a row scope in few words.
func grantRows(g wire.Grant) string {
	if g.Scope.Rows.All {
		return "all"
	}
	var filters []string
	for _, f := range g.Scope.Rows.Filters {
		filters = append(filters, fmt.Sprintf("%s in %d", f.Column, len(f.In)))
	}
	return strings.Join(filters, ", ")
}

func grantPropose() *cobra.Command {
	return fromFile(command(text{
		use: "propose -f FILE", short: "Ask for a grant under an agreement (operator)",
		long: `Asks for a grant. One wider than the provider's terms is refused with every dimension named. An empty list allows
nothing:

  agreement: A-2026-0001
  scope:
    dataset: health-visits
    version_from: 1
    columns: [plan, health, visits]
    rows: {filters: [{column: district, in: ["500101", "500102"]}]}     # or {all: true}
    operations: [sql]
    purposes: [health-policy-statistics]
    outputs: [table]
    level_cap: 2
    from: 2026-01-01
    to: 2026-01-30
    budget: {runs: 10, rows: 1000000, failed: 20}     # failed answers; without it the rule set's number
    min_units: 10
    lawful_basis: 个人信息保护法第十三条第一款第三项`,
		example: "  sluice grant propose -f grant.yaml",
	}, func(c *call) error {
		spec, err := readYAML[wire.GrantSpec](c, c.flag("file"))
		if err != nil {
			return err
		}
		made, err := c.Grants.Propose(c.ctx, spec)
		return one(c, made, err, grantFields())
	}))
}

func grantList() *cobra.Command {
	return command(text{
		use: "list", short: "List the grants your organization is a party to",
		example: "  sluice grant list",
	}, func(c *call) error {
		all, err := c.Grants.List(c.ctx)
		return many(c, all, err, grantFields())
	})
}
