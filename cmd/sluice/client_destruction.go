package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/destruction"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

func newDestruction() *cobra.Command {
	return noun(text{
		use: "destruction", example: "  sluice destruction propose health-visits --version 1 --reason retention\n" +
			"  sluice destruction verify destroyed.json --root root.pub",
	}, destructionPropose(), destructionApprove(), destructionWithdraw(), destructionShow(), destructionGet(), destructionVerify())
}

func destructionFields(c *call) []field[wire.Destruction] {
	return []field[wire.Destruction]{
		{"dataset", func(d wire.Destruction) string { return d.Dataset }},
		{"version", func(d wire.Destruction) string { return fmt.Sprint(d.Version) }},
		{"state", func(d wire.Destruction) string { return word(c, d.State) }},
		{"reason", func(d wire.Destruction) string { return word(c, d.Reason) }},
		{"asked", func(d wire.Destruction) string { return when(d.AskedAt) }},
		{"approved", func(d wire.Destruction) string { return whenever(d.ApprovedAt) }},
		{"erased", func(d wire.Destruction) string { return whenever(d.ErasedAt) }},
		{"certificate", func(d wire.Destruction) string { return d.Certificate }},
	}
}

func destructionPropose() *cobra.Command {
	var number int
	cmd := change(text{
		use: "propose DATASET --version N --reason REASON", example: "  sluice destruction propose health-visits --version 1 --reason retention",
	}, func(c *call) error {
		why := destruction.Reason(c.flag("reason"))
		if !slices.Contains(destruction.Reasons(), why) {
			return usage("recall.reason", "known", joined(destruction.Reasons()))
		}
		proposed, err := c.Destructions.Propose(c.ctx, c.args[0], number, why)
		return one(c, proposed, err, destructionFields(c))
	})
	cmd.Flags().String("reason", "", "")
	return need(ofVersion(cmd, &number), "reason")
}

func destructionApprove() *cobra.Command {
	var number int
	var wait bool
	cmd := change(text{
		use: "approve DATASET --version N", example: "  sluice destruction approve health-visits --version 1 --wait",
	}, func(c *call) error {
		approved, err := c.Destructions.Approve(c.ctx, c.args[0], number)
		if err == nil && wait {
			approved, err = await(c, func(ctx context.Context) (wire.Destruction, error) {
				return c.Destructions.Show(ctx, c.args[0], number)
			}, func(d wire.Destruction) (string, bool) {
				return word(c, d.State), d.State == string(destruction.Certified)
			})
		}
		return one(c, approved, err, destructionFields(c))
	})
	cmd.Flags().BoolVar(&wait, "wait", false, "")
	return waits(ofVersion(cmd, &number))
}

func destructionWithdraw() *cobra.Command {
	var number int
	cmd := change(text{
		use: "withdraw DATASET --version N", example: "  sluice destruction withdraw health-visits --version 1",
	}, func(c *call) error {
		withdrawn, err := c.Destructions.Withdraw(c.ctx, c.args[0], number)
		return one(c, withdrawn, err, destructionFields(c))
	})
	return ofVersion(cmd, &number)
}

func destructionShow() *cobra.Command {
	var number int
	cmd := command(text{
		use: "show DATASET --version N", example: "  sluice destruction show health-visits --version 1",
	}, func(c *call) error {
		shown, err := c.Destructions.Show(c.ctx, c.args[0], number)
		return one(c, shown, err, destructionFields(c))
	})
	return ofVersion(cmd, &number)
}

func destructionGet() *cobra.Command {
	var number int
	cmd := command(text{
		use: "get DATASET --version N --out FILE", example: "  sluice destruction get health-visits --version 1 --out destroyed.json",
	}, func(c *call) error {
		pkg, err := c.Destructions.Get(c.ctx, c.args[0], number)
		if err != nil {
			return err
		}
		body, err := json.Marshal(pkg)
		if err != nil {
			return texts.Wrong("answer.not_encoded").Because(err)
		}
		if err := os.WriteFile(c.flag("out"), append(body, '\n'), 0o600); err != nil {
			return failed("file.not_written", "path", c.flag("out")).because(err)
		}
		return one(c, pkg.Destruction, nil, destructionFields(c))
	})
	cmd.Flags().String("out", "", "")
	return need(ofVersion(cmd, &number), "out")
}

func destructionVerify() *cobra.Command {
	cmd := offline(text{
		use: "verify FILE --root FILE", example: "  sluice destruction verify destroyed.json --root root.pub",
	}, func(c *call) error {
		root, err := client.ReadRoot(c.flag("root"))
		if err != nil {
			return usage("root.unreadable", "path", c.flag("root")).because(err)
		}
		packages, err := readLedger(c.args[0])
		if err != nil || len(packages) == 0 {
			return usage("ledger.unreadable", "path", c.args[0]).because(err)
		}
		var all []destruction.Certificate
		for _, pkg := range packages {
			certificate, err := client.VerifyDestruction(pkg, root)
			if err != nil {
				return failed("verify.not").because(err)
			}
			all = append(all, certificate)
		}
		return many(c, all, nil, []field[destruction.Certificate]{
			{"verified", func(destruction.Certificate) string { return c.Say("verify.destruction") }},
			{"dataset", func(d destruction.Certificate) string { return string(d.Dataset) }},
			{"version", func(d destruction.Certificate) string { return fmt.Sprint(d.Version) }},
			{"manifest", func(d destruction.Certificate) string { return string(d.Manifest) }},
			{"reason", func(d destruction.Certificate) string { return word(c, d.Reason) }},
			{"keys", func(d destruction.Certificate) string { return joined(d.Keys) }},
			{"erased", func(d destruction.Certificate) string { return when(d.Erased) }},
			{"trace", func(d destruction.Certificate) string {
				return c.Say("trace.place", "index", d.Trace.Index, "log", d.Trace.Origin)
			}},
		})
	})
	cmd.Flags().String("root", "", "")
	return need(cmd, "root")
}
