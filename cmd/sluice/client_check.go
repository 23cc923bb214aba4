package main

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/budget"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

func jobCheck() *cobra.Command {
	var wait bool
	cmd := fromFile(change(text{
		use:     "check -f FILE",
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
	return awaits(cmd, &wait)
}

// rehearseSubmit shows what a submit would send, and what the rules say of it: a check decides beforehand, and spends
// nothing. To wait means for the code's verdict.
func rehearseSubmit(c *call, p wire.JobPackage, wait bool) error {
	_, err := c.Jobs.Submit(c.ctx, p)
	would := rehearsed(err)
	if would == nil {
		return err
	}
	c.Earnest()
	j, err := c.Jobs.Check(c.ctx, p)
	if err == nil && wait {
		j, err = awaitJob(c, j.Number, wire.Job.Over)
	}
	if err != nil || j.Answer == nil {
		return showJob(c, j, err)
	}
	c.note("rehearsed.checked", "job", j.Number)
	if c.form != formTable {
		told := struct {
			*client.Rehearsed
			Decision wire.Job `json:"decision"`
		}{would, j}
		return errors.Join(c.encode(told), checkFailure(c, j, *j.Answer))
	}
	if err := c.writeRehearsed(would); err != nil {
		return err
	}
	if err := c.write([]byte("\n")); err != nil {
		return err
	}
	return showCheck(c, j, nil)
}

// showCheck prints an answer. A package that would be refused is a failure of the command.
func showCheck(c *call, j wire.Job, err error) error {
	if err != nil || j.Answer == nil {
		return showJob(c, j, err)
	}
	a := *j.Answer
	if err := one(c, j, nil, checkFields(c, a)); err != nil {
		return err
	}
	if c.form == formTable {
		if err := c.write([]byte("\n")); err != nil {
			return err
		}
		rows := slices.Concat(scopeRows(c, a), codeRows(c, a.Code), outputRows(c, a), gateRows(c, a), budgetRows(c, a))
		if err := many(c, rows, nil, verdictFields()); err != nil {
			return err
		}
	}
	return checkFailure(c, j, a)
}

// checkFailure tells why a package would not pass.
func checkFailure(c *call, j wire.Job, a wire.JobAnswer) error {
	switch {
	case j.Stopped != "" || a.Code.State == job.CodeFailed:
		return toldError{text: printable(c.Say("job.is", "job", j.Number, "state", jobState(c, j)) + failureText(c, j)), code: exitFailed}
	case !a.Passes:
		return toldError{text: c.Say("check.refused", "job", j.Number), code: exitRefused}
	}
	return nil
}

func checkFields(c *call, a wire.JobAnswer) []field[wire.Job] {
	return []field[wire.Job]{
		{"job", func(j wire.Job) string { return j.Number }},
		{"name", func(j wire.Job) string { return j.Name }},
		{"state", func(j wire.Job) string { return jobState(c, j) }},
		{"passes", func(j wire.Job) string {
			if a.Passes && !j.Over() {
				return c.Say("check.so_far")
			}
			return c.yesNo(a.Passes)
		}},
		{"rules", func(wire.Job) string { return c.Say("check.rules", "rules", a.RuleSet, "revision", a.Revision) }},
		{"queue", func(wire.Job) string { return c.Say("check.before", "n", a.Before) }},
	}
}

// verdict is one line of an answer: what part of the package, about what, how it stands, why, and what helps.
type verdict struct{ part, about, stands, why, helps string }

func verdictFields() []field[verdict] {
	return []field[verdict]{
		{"part", func(v verdict) string { return v.part }},
		{"about", func(v verdict) string { return v.about }},
		{"verdict", func(v verdict) string { return v.stands }},
		{"why", func(v verdict) string { return v.why }},
		{"what helps", func(v verdict) string { return v.helps }},
	}
}

// scopeRows tells every refusal of the scope, then what each input may ask for.
func scopeRows(c *call, a wire.JobAnswer) (rows []verdict) {
	part := c.Say("check.scope")
	for _, r := range a.Scope {
		rows = append(rows, verdict{part, r.Input, c.Say("check.is_refused"), reasonNames(c, r.Code, r.What), c.Remedy(r.Remedy)})
	}
	for _, in := range a.Allowed {
		rows = append(rows, verdict{part, in.Input, c.Say("check.allowed"), allowed(c, in), in.Grant})
	}
	return rows
}

// reasonNames tells a code with what it concerns.
func reasonNames(c *call, code string, what []string) string {
	if len(what) == 0 {
		return code
	}
	return code + ": " + c.list(what)
}

// allowed tells what an input may ask for in one line.
func allowed(c *call, in job.Allowance) string {
	versions := c.Say("check.versions_from", "from", in.VersionFrom)
	if in.VersionTo > 0 {
		versions = c.Say("check.versions", "from", in.VersionFrom, "to", in.VersionTo)
	}
	return c.Say("check.may_ask", "columns", c.list(in.Columns), "purposes", c.list(in.Purposes), "operations", words(c, in.Operations),
		"outputs", words(c, in.Outputs), "versions", versions, "level", in.LevelCap, "from", in.From, "to", in.To)
}

func codeRows(c *call, a job.CodeAnswer) []verdict {
	part := c.Say("check.code")
	all := verdict{part: part, about: c.Say("check.all_code"), stands: word(c, a.State), why: c.list(a.Unchecked)}
	if len(a.Unchecked) > 0 {
		all.helps = c.Say("check.unchecked")
	}
	rows := []verdict{all}
	for _, r := range a.Relations {
		columns := make([]string, 0, len(r.Columns))
		for _, column := range r.Columns {
			columns = append(columns, column.Name+" ("+column.Kind+")")
		}
		about := c.Say("place.relation", "relation", r.Relation)
		rows = append(rows, verdict{part: part, about: about, stands: word(c, r.Standing), why: c.list(columns)})
	}
	for _, f := range a.Findings {
		rows = append(rows, verdict{part, codePlace(c, f.Relation, f.File, f.Line), c.Say("check.is_refused"), reasonNames(c, f.Code, f.What), c.Remedy(f.Remedy)})
	}
	return rows
}

func outputRows(c *call, a wire.JobAnswer) (rows []verdict) {
	part := c.Say("check.output")
	for _, o := range a.Outputs {
		if len(o.Refused) == 0 {
			rows = append(rows, verdict{part: part, about: o.Name, stands: c.Say("check.can_pass"), why: word(c, o.Kind)})
		}
		for _, f := range o.Refused {
			rows = append(rows, verdict{part, o.Name, c.Say("check.cannot_pass"), reasonNames(c, f.Code, f.What), c.Remedy(f.Remedy)})
		}
	}
	return rows
}

func gateRows(c *call, a wire.JobAnswer) (rows []verdict) {
	for _, g := range a.Gates {
		row := verdict{part: word(c, g.Gate), about: g.Subject, stands: c.Say("check.closed"), why: word(c, g.State)}
		if g.Open {
			row.stands = c.Say("check.open")
		}
		if g.Until != nil {
			row.why = c.Say("check.until", "state", row.why, "day", untilDay(g.Until))
		}
		rows = append(rows, row)
	}
	return rows
}

func budgetRows(c *call, a wire.JobAnswer) (rows []verdict) {
	for _, b := range a.Budgets {
		rows = append(rows, verdict{part: c.Say("check.budget"), about: budgetName(c, b), stands: c.Say("check.left"), why: amountText(c, b.Left)})
	}
	return rows
}

// budgetName says which budget it is.
func budgetName(c *call, b budget.Left) string {
	named := word(c, b.Scope) + " " + b.Subject
	if b.Month != "" {
		named += c.Say("list.comma") + b.Month
	}
	return named
}

func amountText(c *call, a budget.Amount) string {
	return c.Say("budget.amount", "runs", number(a.Runs), "rows", number(a.Rows), "failed", number(a.Failed))
}
