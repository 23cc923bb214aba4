package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/gateway/wire"
)

// grantAllow approves a grant in part: what its flags name is less than was asked.
func grantAllow() *cobra.Command {
	var part wire.Allowance
	var to string
	var rows []string
	var runs, most int64
	cmd := change(text{
		use: "allow GRANT", example: "  sluice grant allow G-2026-0001 --column plan,visits --to 2026-12-31\n" +
			"  sluice grant allow G-2026-0001 --runs 5 --where district=500103,500105",
	}, func(c *call) error {
		if to != "" {
			day, err := calendar.ParseDate(to)
			if err != nil {
				return usage("allow.no_date", "text", to)
			}
			part.To = &day
		}
		for _, r := range rows {
			column, values, found := strings.Cut(r, "=")
			if !found {
				return usage("allow.no_filter", "text", r)
			}
			part.Filters = append(part.Filters, grant.RowFilter{Column: column, In: strings.Split(values, ",")})
		}
		part.Runs, part.Rows = c.number("runs", runs), c.number("rows", most)
		g, err := c.Grants.Allow(c.ctx, c.args[0], part)
		return one(c, g, err, grantFields(c))
	})
	cmd.Flags().StringSliceVar(&part.Columns, "column", nil, "")
	cmd.Flags().StringArrayVar(&rows, "where", nil, "")
	cmd.Flags().StringVar(&to, "to", "", "")
	cmd.Flags().Int64Var(&runs, "runs", 0, "")
	cmd.Flags().Int64Var(&most, "rows", 0, "")
	return cmd
}

// number is what a flag was given, nil when it was not: 0 is a number too.
func (c *call) number(flag string, value int64) *int64 {
	if !c.cmd.Flags().Changed(flag) {
		return nil
	}
	return &value
}
