package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
	"github.com/sluicedata/sluice/policy/screen"
)

func newOutput() *cobra.Command {
	return noun(text{
		use: "output", example: "  sluice output list J-2026-0001\n  sluice output show J-2026-0001 visits_by_plan",
	}, outputList(), outputShow(), outputDestroy())
}

func outputFields(c *call) []field[wire.Output] {
	return []field[wire.Output]{
		{"output", func(o wire.Output) string { return o.Name }},
		{"state", func(o wire.Output) string { return word(c, o.State) }},
		{"rows", func(o wire.Output) string { return number(o.Rows) }},
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
		use: "list JOB", example: "  sluice output list J-2026-0001",
	}, func(c *call) error {
		all, err := c.Outputs.List(c.ctx, c.args[0])
		return many(c, all, err, outputFields(c))
	})
}

func outputShow() *cobra.Command {
	var values bool
	var out string
	cmd := command(text{
		use: "show JOB OUTPUT", example: "  sluice output show J-2026-0001 visits_by_plan\n" +
			"  sluice output show J-2026-0001 visits_by_plan --out under-review.csv",
	}, func(c *call) error {
		if values || out != "" {
			return outputValues(c, out)
		}
		return outputFindings(c)
	})
	cmd.Flags().BoolVar(&values, "values", false, "")
	cmd.Flags().StringVar(&out, "out", "", "")
	return cmd
}

func outputValues(c *call, out string) error {
	if c.form != formTable {
		return usage("form.csv", "form", c.form)
	}
	body, err := c.Outputs.Fetch(c.ctx, c.args[0], c.args[1])
	if err != nil {
		return err
	}
	if out == "" {
		return c.write(body)
	}
	if err := os.WriteFile(out, body, 0o600); err != nil {
		return failed("file.not_written", "path", out).because(err)
	}
	c.note("output.values_written", "path", out)
	return nil
}

func outputFindings(c *call) error {
	o, err := findOutput(c, c.args[0], c.args[1])
	if err := one(c, o, err, outputFields(c)); err != nil || c.form != formTable {
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
	return wire.Output{}, unknown("output.unknown", "job", number)
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
		b.WriteString(strings.TrimPrefix(c.helps("\n  ", f.Code, f.Remedy), "\n") + "\n")
	}
	return c.write([]byte(printable(b.String())))
}

// schemaText tells what an output's table declares.
func schemaText(c *call, raw json.RawMessage) string {
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
	return c.Say("table.declared", "measures", joined(measures), "by", joined(by))
}

func outputDestroy() *cobra.Command {
	return change(text{
		use: "destroy JOB OUTPUT", example: "  sluice output destroy J-2026-0001 visits_by_plan",
	}, func(c *call) error {
		o, err := c.Outputs.Destroy(c.ctx, c.args[0], c.args[1])
		return one(c, o, err, outputFields(c))
	})
}

func newRelease() *cobra.Command {
	return noun(text{
		use: "release", example: "  sluice release get D-2026-0001 --out product\n  sluice release verify product --root root.pub",
	}, releaseList(), releaseShow(), releaseGet(), releaseVerify(), releaseRecall(), releaseTrust())
}

func releaseFields(c *call) []field[wire.Release] {
	return []field[wire.Release]{
		{"release", func(r wire.Release) string { return r.Number }},
		{"state", func(r wire.Release) string { return word(c, r.State) }},
		{"job", func(r wire.Release) string { return r.Job }},
		{"output", func(r wire.Release) string { return r.Output }},
		{"request", func(r wire.Release) string { return r.Request }},
		{"released", func(r wire.Release) string { return whenever(r.ReleasedAt) }},
		{"digest", func(r wire.Release) string { return r.Digest }},
	}
}

func releaseList() *cobra.Command {
	return byState(command(text{
		use: "list", example: "  sluice release list --state released",
	}, func(c *call) error {
		all, err := c.Releases.List(c.ctx, c.narrow()...)
		return many(c, all, err, releaseFields(c))
	}))
}

func releaseShow() *cobra.Command {
	return command(text{
		use: "show RELEASE", example: "  sluice release show D-2026-0001",
	}, func(c *call) error {
		shown, err := c.Releases.Show(c.ctx, c.args[0])
		return one(c, shown, err, releaseFields(c))
	})
}

func releaseGet() *cobra.Command {
	cmd := command(text{
		use: "get RELEASE --out DIR", example: "  sluice release get D-2026-0001 --out product\n" +
			"  sluice release get D-2026-0001 --out product --form xlsx",
	}, func(c *call) error {
		form := release.Form(c.flag("form"))
		if !form.Known() {
			return usage("release.form", "known", joined(release.Forms()))
		}
		pkg, err := getPackage(c, form)
		return one(c, pkg.Release, err, releaseFields(c))
	})
	cmd.Flags().String("out", "", "")
	cmd.Flags().String("form", string(release.CSV), "")
	return need(cmd, "out")
}

func releaseVerify() *cobra.Command {
	cmd := offline(text{
		use: "verify DIR --root FILE", example: "  sluice release verify product --root root.pub\n" +
			"  sluice release verify product --root root.pub --online",
	}, func(c *call) error {
		root, err := client.ReadRoot(c.flag("root"))
		if err != nil {
			return usage("root.unreadable", "path", c.flag("root")).because(err)
		}
		pkg, err := readPackageFolder(c.args[0])
		if err != nil {
			return err
		}
		if err := client.VerifyRelease(pkg, root); err != nil {
			return failed("verify.not").because(err)
		}
		if c.flag("online") == "true" {
			if err := notRecalled(c, pkg, root); err != nil {
				return err
			}
		}
		return showCertificate(c, pkg)
	})
	cmd.Flags().Bool("online", false, "")
	cmd.Flags().String("root", "", "")
	return need(cmd, "root")
}
