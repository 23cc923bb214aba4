package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/budget"
	"github.com/sluicedata/sluice/gateway/wire"
)

func newUsage() *cobra.Command {
	var recent bool
	cmd := withMonth(command(text{
		use:     "usage",
		example: "  sluice usage\n  sluice usage --month 2026-11 -o json\n  sluice usage --recent",
	}, func(c *call) error {
		switch {
		case recent && c.flag("month") != "":
			return usage("usage.either")
		case recent:
			return showRecent(c)
		}
		u, err := c.Usage.Month(c.ctx, c.flag("month"))
		return showUsageOf(c, u, err)
	}))
	cmd.Flags().BoolVar(&recent, "recent", false, "")
	return cmd
}

// showRecent prints who used the department's datasets of late.
func showRecent(c *call) error {
	all, err := c.Usage.Recent(c.ctx)
	return many(c, all, err, []field[wire.RecentUse]{
		{"dataset", func(u wire.RecentUse) string { return u.Dataset }},
		{"operator", func(u wire.RecentUse) string { return u.Operator }},
		{"name", func(u wire.RecentUse) string { return u.OperatorName }},
		{"runs", func(u wire.RecentUse) string { return number(u.Runs) }},
		{"columns", func(u wire.RecentUse) string { return strings.Join(u.Columns, ", ") }},
		{"releases", func(u wire.RecentUse) string { return number(u.Releases) }},
	})
}

func datasetUsage() *cobra.Command {
	return withMonth(command(text{
		use:     "usage DATASET",
		example: "  sluice dataset usage health-visits --month 2026-11",
	}, func(c *call) error {
		u, err := c.Usage.Dataset(c.ctx, c.args[0], c.flag("month"))
		return showUsageOf(c, u, err)
	}))
}

func withMonth(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String("month", "", "")
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
	if err := c.write([]byte("\n")); err != nil {
		return err
	}
	return many(c, u.Budgets, nil, budgetFields(c))
}

func budgetFields(c *call) []field[budget.Left] {
	of := func(left, limit int64) string {
		return c.Say("budget.of", "left", number(left), "limit", number(limit))
	}
	return []field[budget.Left]{
		{"budget", func(b budget.Left) string { return word(c, b.Scope) + " " + b.Subject }},
		{"month", func(b budget.Left) string { return b.Month }},
		{"runs left", func(b budget.Left) string { return of(b.Left.Runs, b.Limit.Runs) }},
		{"rows left", func(b budget.Left) string { return of(b.Left.Rows, b.Limit.Rows) }},
		{"failed answers left", func(b budget.Left) string { return of(b.Left.Failed, b.Limit.Failed) }},
	}
}

func useFields() []field[budget.Use] {
	return []field[budget.Use]{
		{"operator", func(u budget.Use) string { return u.Operator }},
		{"agreement", func(u budget.Use) string { return u.Agreement }},
		{"grant", func(u budget.Use) string { return u.Grant }},
		{"dataset", func(u budget.Use) string { return u.Dataset }},
		{"runs", func(u budget.Use) string { return number(u.Runs) }},
		{"rows", func(u budget.Use) string { return number(u.Rows) }},
		{"failed answers", func(u budget.Use) string { return number(u.Failed) }},
		{"columns", func(u budget.Use) string { return strings.Join(u.Columns, ", ") }},
		{"releases", func(u budget.Use) string { return number(u.Releases) }},
	}
}
