package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/budget"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
	"github.com/sluicedata/sluice/policy"
)

func jobCheck() *cobra.Command {
	var wait bool
	cmd := fromFile(command(text{
		use: "check -f FILE", short: "Tell everything a submit would be refused for, and what would pass (developer)",
		long: `Asks every rule at once and spends nothing: scope, gates and budgets are told at once; the code is checked over empty
tables, also when the scope is refused. With --wait the verdict on the code is waited for. The exit code is 0 when
nothing refuses the package and 3 otherwise.
` + packageForm,
		example: "  sluice job check -f job.yaml --wait\n  sluice job check -f job.yaml --wait -o json",
	}, func(c *call) error {
		p, err := readPackage(c)
		if err != nil {
			return err
		}
		j, err := c.Jobs.Check(c.ctx, p)
		if err == nil && wait {
			j, err = awaitJob(c, j.Number, wire.Job.Over)
		}
		return showCheck(c, j, err)
	}))
	cmd.Flags().BoolVar(&wait, "wait", false, "wait for the verdict on the code")
	return waits(cmd)
}

// showCheck prints an answer. A package that would be refused is a failure of the command.
func showCheck(c *call, j wire.Job, err error) error {
	if err != nil || j.Answer == nil {
		return showJob(c, j, err)
	}
	a := *j.Answer
	if err := one(c, j, nil, checkFields(a)); err != nil {
		return err
	}
	if c.form == formTable {
		rows := slices.Concat([][]string{{"PART", "ABOUT", "VERDICT", "WHY", "WHAT HELPS"}},
			scopeRows(a), codeRows(a.Code), outputRows(a), gateRows(a), budgetRows(a))
		if err := c.write([]byte("\n")); err != nil {
			return err
		}
		if err := printRows(c.out, dashed(rows)); err != nil {
			return err
		}
	}
	switch {
	case j.Stopped != "" || a.Code.State == job.CodeFailed:
		return toldError{text: printable(j.Number + " is " + jobState(j) + failureText(j)), code: exitFailed}
	case !a.Passes:
		return toldError{text: j.Number + ": a submit would be refused; the table says why and what helps", code: exitRefused}
	}
	return nil
}

func checkFields(a wire.JobAnswer) []field[wire.Job] {
	return []field[wire.Job]{
		{"job", func(j wire.Job) string { return j.Number }},
		{"name", func(j wire.Job) string { return j.Name }},
		{"state", jobState},
		{"passes", func(j wire.Job) string {
			if a.Passes && !j.Over() {
				return "so far; the code check is under way"
			}
			return yesNo(a.Passes)
		}},
		{"rules", func(wire.Job) string { return a.RuleSet + ", policy bundle " + a.Revision }},
		{"queue", func(wire.Job) string { return fmt.Sprintf("about %d before a run", a.Before) }},
	}
}

// dashed fills empty cells.
func dashed(rows [][]string) [][]string {
	for _, row := range rows {
		for i, cell := range row {
			row[i] = orDash(cell)
		}
	}
	return rows
}

// scopeRows tells every refusal of the scope, then what each input may ask for.
func scopeRows(a wire.JobAnswer) (rows [][]string) {
	for _, r := range a.Scope {
		rows = append(rows, []string{"scope", r.Input, "refused", reasonNames(r), client.Remedy(r.Remedy)})
	}
	for _, in := range a.Allowed {
		rows = append(rows, []string{"scope", in.Input, "allowed", allowed(in), in.Grant})
	}
	return rows
}

func reasonNames(r policy.Reason) string {
	if len(r.What) == 0 {
		return r.Code
	}
	return r.Code + ": " + strings.Join(r.What, ", ")
}

// allowed tells what an input may ask for in one line.
func allowed(in job.Allowance) string {
	versions := fmt.Sprintf("from %d", in.VersionFrom)
	if in.VersionTo > 0 {
		versions = fmt.Sprintf("%d to %d", in.VersionFrom, in.VersionTo)
	}
	return fmt.Sprintf("columns %s; purposes %s; operations %s; outputs %s; versions %s; level up to %d; %s to %s",
		strings.Join(in.Columns, ", "), strings.Join(in.Purposes, ", "), strings.Join(in.Operations, ", "),
		strings.Join(in.Outputs, ", "), versions, in.LevelCap, in.From, in.To)
}

func codeRows(a job.CodeAnswer) [][]string {
	rows := [][]string{{"code", "all of it", string(a.State), strings.Join(a.Unchecked, ", "), ""}}
	if len(a.Unchecked) > 0 {
		rows[0][4] = "Only code over inputs with a grant of yours is checked."
	}
	for _, r := range a.Relations {
		var columns []string
		for _, c := range r.Columns {
			columns = append(columns, c.Name+" ("+c.Kind+")")
		}
		rows = append(rows, []string{"code", "relation " + r.Relation, string(r.Standing), strings.Join(columns, ", "), ""})
	}
	for _, f := range a.Findings {
		rows = append(rows, []string{"code", codePlace(f.Relation, f.Line), "refused", findingNames(f), client.Remedy(f.Remedy)})
	}
	return rows
}

func findingNames(f job.Finding) string {
	return reasonNames(policy.Reason{Code: f.Code, What: f.What})
}

func outputRows(a wire.JobAnswer) (rows [][]string) {
	for _, o := range a.Outputs {
		if len(o.Refused) == 0 {
			rows = append(rows, []string{"output", o.Name, "can pass", o.Kind, ""})
		}
		for _, f := range o.Refused {
			rows = append(rows, []string{"output", o.Name, "cannot pass", findingNames(f), client.Remedy(f.Remedy)})
		}
	}
	return rows
}

func gateRows(a wire.JobAnswer) (rows [][]string) {
	for _, g := range a.Gates {
		verdict, why := "open", g.State
		if !g.Open {
			verdict = "closed"
		}
		if g.Until != nil {
			why += ", to " + untilDay(g.Until)
		}
		rows = append(rows, []string{g.Gate, g.Subject, verdict, why, ""})
	}
	return rows
}

func budgetRows(a wire.JobAnswer) (rows [][]string) {
	for _, b := range a.Budgets {
		rows = append(rows, []string{"budget", budgetName(b), "left after", amountText(b.Left), ""})
	}
	return rows
}

// budgetName says which budget it is.
func budgetName(b budget.Left) string {
	name := string(b.Scope) + " " + b.Subject
	if b.Month != "" {
		name += ", " + b.Month
	}
	return name
}

func amountText(a budget.Amount) string {
	return fmt.Sprintf("%d runs, %d rows, %d failed answers", a.Runs, a.Rows, a.Failed)
}
