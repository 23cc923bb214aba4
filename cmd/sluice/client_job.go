package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

func newJob() *cobra.Command {
	return noun(text{
		use: "job", short: "Jobs: check, debug, submit, approve, watch",
		example: "  sluice job check -f job.yaml --wait\n  sluice job debug -f job.yaml --wait\n  sluice job submit -f job.yaml --wait",
	}, jobCheck(), jobSubmit(), jobDebug(), jobApprove(), jobCancel(), jobWatch(), jobShow(), jobList())
}

func jobFields() []field[wire.Job] {
	return []field[wire.Job]{
		{"job", func(j wire.Job) string { return j.Number }},
		{"name", func(j wire.Job) string { return j.Name }},
		{"mode", func(j wire.Job) string { return string(j.Mode) }},
		{"state", jobState},
		{"purpose", func(j wire.Job) string { return j.Purpose }},
		{"approved by", func(j wire.Job) string { return strings.Join(j.Approvals, ", ") }},
		{"outputs", func(j wire.Job) string { return strings.Join(j.Outputs, ", ") }},
		{"since", func(j wire.Job) string { return when(j.CreatedAt) }},
		{"ended", func(j wire.Job) string { return whenever(j.EndedAt) }},
	}
}

// jobState tells a state with what people ask next: how many wait before it, why it was stopped.
func jobState(j wire.Job) string {
	switch {
	case j.Stopped != "":
		return j.State + " (" + j.Stopped + ")"
	case j.QueuePlace > 0:
		return fmt.Sprintf("%s (%d before it)", j.State, j.QueuePlace)
	}
	return j.State
}

// jobBudgets tells what is left of every budget a job draws on.
func jobBudgets(j wire.Job) string {
	var all []string
	for _, b := range j.Budgets {
		all = append(all, budgetName(b)+": "+amountText(b.Left))
	}
	return strings.Join(all, "; ")
}

// packageForm is shown in the help of the commands that take a package.
const packageForm = `The file is a job package; the code lies in the file it names, beside it:

  name: visits-by-plan
  purpose: health-policy-statistics
  engine: sql
  inputs:
    visits: {grant: G-2026-0001, dataset: health-visits, version: 1, columns: [plan, health, visits]}
  code: visits.sql
  outputs:
    - name: visits_by_plan
      table:
        from: person_years
        by: {plan: [free, shared], health: [excellent, good, fair, poor]}
        measures:
          - {name: people, stat: units}
          - {name: visits_mean, stat: mean, of: visits}`

func jobSubmit() *cobra.Command {
	var wait bool
	cmd := fromFile(command(text{
		use: "submit -f FILE", short: "Ask for a run on real data (developer)",
		long: "Decides inputs, columns, rows and purpose against every dimension of the grants, and checks the code before one row is\nread. " +
			packageForm,
		example: "  sluice job submit -f job.yaml\n  sluice job submit -f job.yaml --wait && sluice job list",
	}, func(c *call) error {
		p, err := readPackage(c)
		if err != nil {
			return err
		}
		j, err := c.Jobs.Submit(c.ctx, p)
		if err == nil && wait {
			j, err = awaitJob(c, j.Number, checked)
		}
		return showJob(c, j, err)
	}))
	cmd.Flags().BoolVar(&wait, "wait", false, "wait for the check's verdict; refused code gives exit code 3")
	return waits(cmd)
}

func jobDebug() *cobra.Command {
	var wait bool
	cmd := fromFile(command(text{
		use: "debug -f FILE", short: "Run a job on synthetic tables, with full messages (developer)",
		long:    "Runs the package on tables made from the signed profiles: nobody's data, no approvals, nothing leaves.\n" + packageForm,
		example: "  sluice job debug -f job.yaml --wait",
	}, func(c *call) error {
		p, err := readPackage(c)
		if err != nil {
			return err
		}
		j, err := c.Jobs.Debug(c.ctx, p)
		if err == nil && wait {
			j, err = awaitJob(c, j.Number, wire.Job.Over)
		}
		return showJob(c, j, err)
	}))
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until it is over, and print its synthetic tables")
	return waits(cmd)
}

// readPackage reads a job package and its code.
func readPackage(c *call) (wire.JobPackage, error) {
	path := c.flag("file")
	body, err := c.readFile(path)
	if err != nil {
		return wire.JobPackage{}, err
	}
	p, code, err := job.ParsePackage(body)
	if err != nil {
		return p, usageError{fmt.Errorf("%s: %w", path, explain(err))}
	}
	if !filepath.IsLocal(code) {
		return p, usageError{fmt.Errorf("%s: code: names a file outside the package's folder", path)}
	}
	folder := filepath.Dir(path)
	if path == "-" {
		folder = "."
	}
	text, err := os.ReadFile(filepath.Join(folder, code))
	if err != nil {
		return p, usageError{fmt.Errorf("reading the code %s names: %w", path, err)}
	}
	p.Code = string(text)
	return p, nil
}

// checked tells whether a job's check has a verdict.
func checked(j wire.Job) bool { return j.State != string(job.Submitted) }

func awaitJob(c *call, number string, over func(wire.Job) bool) (wire.Job, error) {
	return await(c, func(ctx context.Context) (wire.Job, error) { return c.Jobs.Show(ctx, number) },
		func(j wire.Job) (string, bool) { return number + " " + jobState(j), over(j) })
}

// showJob prints a job, and below its fields what is known of its end. A job that did not end well is a
// failure of the command.
func showJob(c *call, j wire.Job, err error) error {
	fields := jobFields()
	if len(j.Budgets) > 0 {
		fields = append(fields, field[wire.Job]{"left", jobBudgets})
	}
	if err := one(c, j, err, fields); err != nil {
		return err
	}
	if c.form == formTable {
		if err := showUsage(c, j); err != nil {
			return err
		}
	}
	return jobFailure(j)
}

// showUsage prints rows per relation, and the tables of a debug run.
func showUsage(c *call, j wire.Job) error {
	if len(j.Usage) == 0 {
		return nil
	}
	var used job.Usage
	if err := json.Unmarshal(j.Usage, &used); err != nil {
		return fmt.Errorf("reading usage: %w", err)
	}
	var b strings.Builder
	for _, r := range used.Relations { // of a failed run those before the one that failed
		fmt.Fprintf(&b, "\nrelation %s: %s rows", r.Relation, r.Rows)
	}
	var names []string
	for name := range used.Tables {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "\n\n%s (synthetic)\n%s", name, strings.TrimRight(used.Tables[name], "\n"))
	}
	if b.Len() == 0 {
		return nil
	}
	return c.write([]byte(printable(strings.TrimPrefix(b.String(), "\n")) + "\n"))
}

// jobFailure tells why a job did not end well.
func jobFailure(j wire.Job) error {
	bad := []string{string(job.Refused), string(job.Failed), string(job.TimedOut), string(job.Killed)}
	if !slices.Contains(bad, j.State) {
		return nil
	}
	text, err := findingsText(j)
	if err != nil {
		return err
	}
	code := exitFailed
	if j.State == string(job.Refused) {
		code = exitRefused
	}
	return toldError{text: printable(fmt.Sprintf("%s is %s%s%s", j.Number, jobState(j), failureText(j), text)), code: code}
}

// findingsText lists what check found, each with its place and what helps.
func findingsText(j wire.Job) (string, error) {
	if len(j.Findings) == 0 {
		return "", nil
	}
	var findings []task.CheckFinding
	if err := json.Unmarshal(j.Findings, &findings); err != nil {
		return "", fmt.Errorf("reading findings: %w", err)
	}
	var b strings.Builder
	for _, f := range findings {
		b.WriteString("\n  " + f.Code)
		if place := codePlace(f.Relation, f.Line); place != "" {
			b.WriteString(" (" + place + ")")
		}
		if f.What != "" {
			b.WriteString(": " + f.What)
		}
		if f.Remedy != "" {
			b.WriteString("\n      → " + client.Remedy(f.Remedy))
		}
	}
	return b.String(), nil
}

// failureText tells class and place of a failed run; on real data there is never more.
func failureText(j wire.Job) string {
	var f task.Failure
	if len(j.Failure) == 0 || json.Unmarshal(j.Failure, &f) != nil || f.Class == "" {
		return ""
	}
	text := "\n  error class: " + string(f.Class)
	if place := codePlace(f.Relation, f.Line); place != "" {
		text += " (" + place + ")"
	}
	if j.Mode == job.Production && j.State != string(job.Refused) {
		text += "\n  counted as a failed answer: on real data no more is told; debug the code on synthetic tables"
	}
	if f.Message != "" {
		text += "\n  " + strings.ReplaceAll(f.Message, "\n", "\n  ")
	}
	return text
}

// codePlace names a place in the author's code.
func codePlace(relation string, line int) string {
	var parts []string
	if relation != "" {
		parts = append(parts, "relation "+relation)
	}
	if line > 0 {
		parts = append(parts, fmt.Sprintf("line %d", line))
	}
	return strings.Join(parts, ", ")
}

func jobApprove() *cobra.Command {
	return command(text{
		use: "approve JOB", short: "Consent to a run for your seat: operator's security officer, then agency",
		example: "  sluice job approve J-2026-0001",
	}, func(c *call) error {
		j, err := c.Jobs.Approve(c.ctx, c.args[0])
		return one(c, j, err, jobFields())
	})
}

func jobCancel() *cobra.Command {
	return command(text{
		use: "cancel JOB", short: "Stop a job that has not ended",
		example: "  sluice job cancel J-2026-0001",
	}, func(c *call) error {
		j, err := c.Jobs.Cancel(c.ctx, c.args[0])
		return one(c, j, err, jobFields())
	})
}

func jobWatch() *cobra.Command {
	return waits(command(text{
		use: "watch JOB", short: "Wait until a job is over or its outputs wait for people",
		long:    "Waits and tells each state on a terminal. A job that was refused gives exit code 3, one that failed 1.",
		example: "  sluice job watch J-2026-0001 --timeout 30m",
	}, func(c *call) error {
		j, err := awaitJob(c, c.args[0], wire.Job.Over)
		return showJob(c, j, err)
	}))
}

func jobShow() *cobra.Command {
	return command(text{
		use: "show JOB", short: "Show a job, with findings and error class",
		example: "  sluice job show J-2026-0001\n  sluice job show J-2026-0001 -o json",
	}, func(c *call) error {
		j, err := c.Jobs.Show(c.ctx, c.args[0])
		err = showCheck(c, j, err)
		var told toldError
		if errors.As(err, &told) && told.cause == nil { // what the job came to is not this command's failure
			c.note("%s", told.text)
			return nil
		}
		return err
	})
}

func jobList() *cobra.Command {
	return command(text{
		use: "list", short: "List your organization's jobs, newest first",
		example: "  sluice job list",
	}, func(c *call) error {
		all, err := c.Jobs.List(c.ctx)
		return many(c, all, err, jobFields())
	})
}
