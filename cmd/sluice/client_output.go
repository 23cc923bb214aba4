package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
	"github.com/sluicedata/sluice/policy/screen"
)

func newOutput() *cobra.Command {
	return noun(text{
		use: "output", short: "What runs left in quarantine, with the findings about it",
		example: "  sluice output list J-2026-0001\n  sluice output show J-2026-0001 visits_by_plan",
	}, outputList(), outputShow(), outputDestroy())
}

func outputFields() []field[wire.Output] {
	return []field[wire.Output]{
		{"output", func(o wire.Output) string { return o.Name }},
		{"state", func(o wire.Output) string { return o.State }},
		{"rows", func(o wire.Output) string { return fmt.Sprint(o.Rows) }},
		{"findings", func(o wire.Output) string { return strings.Join(findingCodes(o), ", ") }},
		{"request", func(o wire.Output) string { return o.Request }},
		{"digest", func(o wire.Output) string { return o.Digest }},
	}
}

// findingsOf reads an output's findings. What cannot be read is one, so that it is never shown as none.
func findingsOf(o wire.Output) []screen.Finding {
	var found []screen.Finding
	if len(o.Findings) > 0 && json.Unmarshal(o.Findings, &found) != nil {
		return []screen.Finding{{Code: "findings.unreadable"}}
	}
	return found
}

// findingCodes names each kind of finding once.
func findingCodes(o wire.Output) []string {
	var codes []string
	for _, f := range findingsOf(o) {
		if !slices.Contains(codes, f.Code) {
			codes = append(codes, f.Code)
		}
	}
	return codes
}

func outputList() *cobra.Command {
	return command(text{
		use: "list JOB", short: "List a job's outputs with their findings, never with values",
		example: "  sluice output list J-2026-0001",
	}, func(c *call) error {
		all, err := c.Outputs.List(c.ctx, c.args[0])
		return many(c, all, err, outputFields())
	})
}

func outputShow() *cobra.Command {
	var values bool
	var out string
	cmd := command(text{
		use: "show JOB OUTPUT", short: "Show an output: its findings, and to the agency's seat its values",
		long: `Shows an output with every finding about it: which cells, and what helps. --values prints the table itself, --out
writes it to a file: only the agency's output reviewer gets values before the release, and each view is traced.`,
		example: "  sluice output show J-2026-0001 visits_by_plan\n" +
			"  sluice output show J-2026-0001 visits_by_plan --out under-review.csv",
	}, func(c *call) error {
		if values || out != "" {
			return outputValues(c, out)
		}
		return outputFindings(c)
	})
	cmd.Flags().BoolVar(&values, "values", false, "print the values under review")
	cmd.Flags().StringVar(&out, "out", "", "write the values under review to this file")
	return cmd
}

func outputValues(c *call, out string) error {
	body, err := c.Outputs.Fetch(c.ctx, c.args[0], c.args[1])
	if err != nil {
		return err
	}
	if out == "" {
		return c.write(body)
	}
	if err := os.WriteFile(out, body, 0o600); err != nil {
		return fmt.Errorf("writing values: %w", err)
	}
	c.note("values under review written to %s: they may not be passed on", out)
	return nil
}

func outputFindings(c *call) error {
	o, err := findOutput(c, c.args[0], c.args[1])
	if err := one(c, o, err, outputFields()); err != nil || c.form != formTable {
		return err
	}
	return writeFindings(c, o)
}

// findOutput picks one output of a job.
func findOutput(c *call, number, name string) (wire.Output, error) {
	all, err := c.Outputs.List(c.ctx, number)
	if err != nil {
		return wire.Output{}, err
	}
	for _, o := range all {
		if o.Name == name {
			return o, nil
		}
	}
	return wire.Output{}, toldError{text: fmt.Sprintf("not found: %s has no output of that name", number), code: exitUnknown}
}

// writeFindings lists findings with their cells and what helps.
func writeFindings(c *call, o wire.Output) error {
	var b strings.Builder
	for _, f := range findingsOf(o) {
		b.WriteString("\n" + f.Code)
		if f.What != "" {
			b.WriteString(": " + f.What)
		}
		b.WriteString("\n")
		for _, cell := range f.Cells {
			b.WriteString("    " + strings.Join(cell, " × ") + "\n")
		}
		if f.Remedy != "" {
			b.WriteString("  → " + client.Remedy(f.Remedy) + "\n")
		}
	}
	return c.write([]byte(printable(b.String())))
}

// schemaText tells what an output's table declares.
func schemaText(raw json.RawMessage) string {
	var t job.Table
	if json.Unmarshal(raw, &t) != nil {
		return ""
	}
	var by, measures []string
	for _, d := range t.By {
		by = append(by, d.Column)
	}
	for _, m := range t.Measures {
		measures = append(measures, m.Name)
	}
	return strings.Join(measures, ", ") + " by " + strings.Join(by, ", ")
}

func outputDestroy() *cobra.Command {
	return command(text{
		use: "destroy JOB OUTPUT", short: "End a blocked or unwanted output",
		example: "  sluice output destroy J-2026-0001 visits_by_plan",
	}, func(c *call) error {
		o, err := c.Outputs.Destroy(c.ctx, c.args[0], c.args[1])
		return one(c, o, err, outputFields())
	})
}

func newRelease() *cobra.Command {
	return noun(text{
		use: "release", short: "Products that left, and the proof that they may",
		example: "  sluice release get D-2026-0001 --out product\n  sluice release verify product --root root.pub",
	}, releaseList(), releaseShow(), releaseGet(), releaseVerify(), releaseRecall(), releaseTrust())
}

func releaseFields() []field[wire.Release] {
	return []field[wire.Release]{
		{"release", func(r wire.Release) string { return r.Number }},
		{"state", func(r wire.Release) string { return r.State }},
		{"job", func(r wire.Release) string { return r.Job }},
		{"output", func(r wire.Release) string { return r.Output }},
		{"request", func(r wire.Release) string { return r.Request }},
		{"released", func(r wire.Release) string { return whenever(r.ReleasedAt) }},
		{"digest", func(r wire.Release) string { return r.Digest }},
	}
}

func releaseList() *cobra.Command {
	return command(text{
		use: "list", short: "List the releases your organization is a party to",
		example: "  sluice release list",
	}, func(c *call) error {
		all, err := c.Releases.List(c.ctx)
		return many(c, all, err, releaseFields())
	})
}

func releaseShow() *cobra.Command {
	return command(text{
		use: "show RELEASE", short: "Show a release",
		example: "  sluice release show D-2026-0001",
	}, func(c *call) error {
		shown, err := c.Releases.Show(c.ctx, c.args[0])
		return one(c, shown, err, releaseFields())
	})
}

func releaseGet() *cobra.Command {
	cmd := command(text{
		use: "get RELEASE --out DIR", short: "Fetch a product with all that is needed to check it offline",
		long: `Writes product.csv, certificate.json, proof.json and trust.json into a folder. ` + "`sluice release verify`" + ` checks
them without the server; all it needs besides is the root's public key. Each fetch is traced.`,
		example: "  sluice release get D-2026-0001 --out product",
	}, func(c *call) error {
		pkg, err := c.Releases.Get(c.ctx, c.args[0])
		if err == nil {
			err = keepPackage(c.flag("out"), pkg)
		}
		return one(c, pkg.Release, err, releaseFields())
	})
	cmd.Flags().String("out", "", "folder to write into; made when absent (needed)")
	return need(cmd, "out")
}

func releaseVerify() *cobra.Command {
	cmd := offline(text{
		use: "verify DIR --root FILE", short: "Check a product offline: bytes, certificate, votes, trace, keys",
		long: `Checks what ` + "`sluice release get`" + ` wrote, without any server: trust.json under the root's public key, the certificate
under a key that trust.json lets sign certificates, the product's bytes under the certificate, and the trace entry that
recorded the intent under the signed checkpoint. Get the root's public key on another way than the product. Whether a
product was taken back later, no file of it can tell: --online asks the server for the keeper's signed recalls.`,
		example: "  sluice release verify product --root root.pub",
	}, func(c *call) error {
		root, err := client.ReadRoot(c.flag("root"))
		if err != nil {
			return usageError{err}
		}
		pkg, err := readPackageFolder(c.args[0])
		if err != nil {
			return err
		}
		if err := client.VerifyRelease(pkg, root); err != nil {
			return toldError{text: printable("DOES NOT VERIFY: " + err.Error()), code: exitFailed}
		}
		if online, _ := c.cmd.Flags().GetBool("online"); online {
			if err := notRecalled(c, pkg, root); err != nil {
				return err
			}
		}
		return showCertificate(c, pkg)
	})
	cmd.Flags().Bool("online", false, "ask the server too whether the product was taken back")
	cmd.Flags().String("root", "", "file of the root's public key, hexadecimal (needed)")
	return need(cmd, "root")
}
