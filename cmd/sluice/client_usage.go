package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/budget"
	"github.com/sluicedata/sluice/gateway/wire"
)

func newUsage() *cobra.Command {
	return withMonth(command(text{
		use: "usage", short: "Show a month's use and what is left of its budgets",
		long: "An operator sees its own use by grant, and the month's budgets; an agency the grants of its agreements. A run counts in the\n" +
			"month it was submitted; what it did not use is given back. A department asks `sluice dataset usage`.",
		example: "  sluice usage\n  sluice usage --month 2026-11 -o json",
	}, func(c *call) error {
		u, err := c.Usage.Month(c.ctx, c.flag("month"))
		return showUsageOf(c, u, err)
	}))
}

func datasetUsage() *cobra.Command {
	return withMonth(command(text{
		use: "usage DATASET", short: "Show who used a dataset in a month, by operator and grant (data steward)",
		example: "  sluice dataset usage health-visits --month 2026-11",
	}, func(c *call) error {
		u, err := c.Usage.Dataset(c.ctx, c.args[0], c.flag("month"))
		return showUsageOf(c, u, err)
	}))
}

func withMonth(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String("month", "", "a month as 2026-11; default: the month that is now")
	return cmd
}

// showUsageOf prints the use by grant and below it the budgets.
func showUsageOf(c *call, u wire.Usage, err error) error {
	if err != nil || c.form != formTable {
		return one(c, u, err, nil)
	}
	if err := many(c, u.Uses, nil, useFields()); err != nil || len(u.Budgets) == 0 {
		return err
	}
	rows := [][]string{{"BUDGET", "MONTH", "RUNS LEFT", "ROWS LEFT", "FAILED ANSWERS LEFT"}}
	for _, b := range u.Budgets {
		rows = append(rows, slices.Concat([]string{string(b.Scope) + " " + b.Subject, b.Month}, leftOf(b)))
	}
	if err := c.write([]byte("\n")); err != nil {
		return err
	}
	return printRows(c.out, rows)
}

// leftOf tells what is left of each figure, of how much.
func leftOf(b budget.Left) []string {
	of := func(left, limit int64) string { return fmt.Sprintf("%d of %d", left, limit) }
	return []string{of(b.Left.Runs, b.Limit.Runs), of(b.Left.Rows, b.Limit.Rows), of(b.Left.Failed, b.Limit.Failed)}
}

func useFields() []field[budget.Use] {
	return []field[budget.Use]{
		{"operator", func(u budget.Use) string { return u.Operator }},
		{"agreement", func(u budget.Use) string { return u.Agreement }},
		{"grant", func(u budget.Use) string { return u.Grant }},
		{"dataset", func(u budget.Use) string { return u.Dataset }},
		{"runs", func(u budget.Use) string { return fmt.Sprint(u.Runs) }},
		{"rows", func(u budget.Use) string { return fmt.Sprint(u.Rows) }},
		{"failed answers", func(u budget.Use) string { return fmt.Sprint(u.Failed) }},
		{"columns", func(u budget.Use) string { return strings.Join(u.Columns, ", ") }},
		{"releases", func(u budget.Use) string { return fmt.Sprint(u.Releases) }},
	}
}
