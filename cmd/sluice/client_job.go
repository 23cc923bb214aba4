package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway/wire"
)

func newJob() *cobra.Command {
	return noun(text{
		use: "job", example: "  sluice job check -f job.yaml --wait\n  sluice job debug -f job.yaml --wait\n  sluice job submit -f job.yaml --wait",
	}, jobCheck(), jobSubmit(), jobDebug(), jobApprove(), jobRefuse(), jobCancel(), jobWatch(), jobShow(), jobList())
}

func jobFields(c *call) []field[wire.Job] {
	return []field[wire.Job]{
		{"job", func(j wire.Job) string { return j.Number }},
		{"name", func(j wire.Job) string { return j.Name }},
		{"mode", func(j wire.Job) string { return word(c, j.Mode) }},
		{"state", func(j wire.Job) string { return jobState(c, j) }},
		{"purpose", func(j wire.Job) string { return j.Purpose }},
		{"approved by", func(j wire.Job) string { return words(c, j.Approvals) }},
		{"outputs", func(j wire.Job) string { return strings.Join(j.Outputs, ", ") }},
		{"released", func(j wire.Job) string { return strings.Join(j.Released, ", ") }},
		{"since", func(j wire.Job) string { return when(j.CreatedAt) }},
		{"ended", func(j wire.Job) string { return whenever(j.EndedAt) }},
	}
}

// jobState tells a state with what people ask next: how many wait before it, why it was stopped.
func jobState(c *call, j wire.Job) string {
	state := word(c, j.State)
	switch {
	case j.Stopped != "":
		return c.Say("job.stopped", "state", state, "why", c.coded(j.Stopped))
	case j.QueuePlace > 0:
		return c.Say("job.queued", "state", state, "n", j.QueuePlace)
	}
	return state
}

// jobBudgets tells what is left of every budget a job draws on.
func jobBudgets(c *call, j wire.Job) string {
	var all []string
	for _, b := range j.Budgets {
		all = append(all, budgetName(c, b)+c.Say("colon")+amountText(c, b.Left))
	}
	return strings.Join(all, "; ")
}

func jobSubmit() *cobra.Command {
	var wait bool
	cmd := fromFile(change(text{
		use: "submit -f FILE", example: "  sluice job submit -f job.yaml --dry-run\n  sluice job submit -f job.yaml --wait && sluice job list",
	}, func(c *call) error {
		p, err := readPackage(c)
		if err != nil {
			return err
		}
		if c.rehearses() {
			return rehearseSubmit(c, p, wait)
		}
		j, err := c.Jobs.Submit(c.ctx, p)
		if err == nil && wait {
			j, err = awaitJob(c, j.Number, checked)
		}
		return showJob(c, j, err)
	}))
	return awaits(cmd, &wait)
}

func jobDebug() *cobra.Command {
	var wait bool
	cmd := fromFile(change(text{
		use: "debug -f FILE", example: "  sluice job debug -f job.yaml --wait",
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
	return awaits(cmd, &wait)
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
		return p, usage("file.bad", "path", path).because(c.explain(err))
	}
	if !filepath.IsLocal(code) {
		return p, usage("package.code_outside", "path", path)
	}
	folder := filepath.Dir(path)
	if path == "-" {
		folder = "."
	}
	if p.Engine == job.EnginePython {
		p.Files, err = readFolder(filepath.Join(folder, code))
		return p, err
	}
	text, err := os.ReadFile(filepath.Join(folder, code))
	if err != nil {
		return p, usage("package.no_code", "path", path).because(err)
	}
	p.Code = string(text)
	return p, nil
}

// checked tells whether a job's check has a verdict.
func checked(j wire.Job) bool { return j.State != string(job.Submitted) }

// awaitJob follows a job until it is over in the sense of the caller, and shows its state on a terminal meanwhile.
func awaitJob(c *call, number string, over func(wire.Job) bool) (wire.Job, error) {
	ctx, cancel := c.bounded()
	defer cancel()
	defer c.wipe()
	last := ""
	j, err := c.Jobs.Follow(ctx, number, func(j wire.Job) bool {
		if now := number + " " + jobState(c, j); now != last {
			last = now
			c.status(now)
		}
		return over(j)
	})
	if err != nil {
		err = waited(ctx, last, err)
	}
	return j, err
}

// showJob prints a job, and below its fields what is known of its end. A job that did not end well is a
// failure of the command.
func showJob(c *call, j wire.Job, err error) error {
	fields := jobFields(c)
	if j.Refused != nil {
		fields = append(fields, field[wire.Job]{"refused", func(j wire.Job) string { return saidNo(c, j.Refused) }})
	}
	if len(j.Budgets) > 0 {
		fields = append(fields, field[wire.Job]{"left", func(j wire.Job) string { return jobBudgets(c, j) }})
	}
	if err := one(c, j, err, fields); err != nil {
		return err
	}
	if c.form == formTable {
		if err := showUsage(c, j); err != nil {
			return err
		}
	}
	return jobFailure(c, j)
}

// showUsage prints rows per relation, the limits used, and the tables of a debug run.
func showUsage(c *call, j wire.Job) error {
	if len(j.Usage) == 0 {
		return nil
	}
	var used job.Usage
	if err := json.Unmarshal(j.Usage, &used); err != nil {
		return texts.Wrong("answer.unreadable").Because(err)
	}
	var b strings.Builder
	for _, in := range used.Inputs {
		b.WriteString("\n" + c.Say("job.made_from."+string(in.MadeFrom), "input", in.Input, "digest", in.Digest))
	}
	for _, r := range used.Relations { // of a failed run those before the one that failed
		b.WriteString("\n" + c.Say("job.relation", "relation", r.Relation, "rows", r.Rows))
	}
	if l := used.Limits; l != nil {
		b.WriteString("\n" + c.Say("job.limits", "seconds", l.Seconds, "most_seconds", l.MostTime, "memory", cmp.Or(l.Memory, "—"), "most_memory", l.MostMemory))
	}
	var names []string
	for name := range used.Tables {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString("\n\n" + c.Say("job.synthetic", "table", name) + "\n" + strings.TrimRight(used.Tables[name], "\n"))
	}
	if b.Len() == 0 {
		return nil
	}
	return c.write([]byte(printable(strings.TrimPrefix(b.String(), "\n")) + "\n"))
}

// jobFailure tells why a job did not end well.
func jobFailure(c *call, j wire.Job) error {
	bad := []string{string(job.Refused), string(job.Failed), string(job.TimedOut), string(job.Killed)}
	if !slices.Contains(bad, j.State) {
		return nil
	}
	text, err := findingsText(c, j)
	if err != nil {
		return err
	}
	code := exitFailed
	if j.State == string(job.Refused) {
		code = exitRefused
	}
	return toldError{text: printable(c.Say("job.is", "job", j.Number, "state", jobState(c, j)) + failureText(c, j) + text), code: code}
}

// findingsText lists what check found, each with its place and what helps.
func findingsText(c *call, j wire.Job) (string, error) {
	if len(j.Findings) == 0 {
		return "", nil
	}
	var findings []task.CheckFinding
	if err := json.Unmarshal(j.Findings, &findings); err != nil {
		return "", texts.Wrong("answer.unreadable").Because(err)
	}
	var b strings.Builder
	for _, f := range findings {
		b.WriteString("\n  " + f.Code)
		if place := codePlace(c, f.Relation, f.File, f.Line); place != "" {
			b.WriteString(c.Say("place.within", "place", place))
		}
		if f.What != "" {
			b.WriteString(": " + f.What)
		}
		b.WriteString(c.helps("\n      ", f.Code, f.Remedy))
	}
	return b.String(), nil
}

// failureText tells class and place of a failed run; on real data there is never more.
func failureText(c *call, j wire.Job) string {
	var f task.Failure
	if len(j.Failure) == 0 || json.Unmarshal(j.Failure, &f) != nil || f.Class == "" {
		return ""
	}
	text := "\n  " + c.Say("job.error_class", "class", f.Class)
	if place := codePlace(c, f.Relation, f.File, f.Line); place != "" {
		text += c.Say("place.within", "place", place)
	}
	if j.Mode == job.Production && j.State != string(job.Refused) {
		text += "\n  " + c.Say("job.failed_answer")
	}
	if f.Message != "" {
		text += "\n  " + strings.ReplaceAll(f.Message, "\n", "\n  ")
	}
	return text
}

// codePlace names a place in the author's code.
func codePlace(c *call, relation, file string, line int) string {
	var parts []string
	if relation != "" {
		parts = append(parts, c.Say("place.relation", "relation", relation))
	}
	if file != "" {
		parts = append(parts, file)
	}
	if line > 0 {
		parts = append(parts, c.Say("place.line", "n", line))
	}
	return c.list(parts)
}

func jobApprove() *cobra.Command {
	var wait bool
	return awaits(change(text{
		use: "approve JOB", example: "  sluice job approve J-2026-0001\n  sluice job approve J-2026-0001 --wait --timeout 30m",
	}, func(c *call) error {
		j, err := c.Jobs.Approve(c.ctx, c.args[0])
		if err != nil || !wait {
			return one(c, j, err, jobFields(c))
		}
		j, err = awaitJob(c, j.Number, wire.Job.Over)
		return showJob(c, j, err)
	}), &wait)
}

func jobRefuse() *cobra.Command {
	var said wire.Opinion
	cmd := change(text{
		use: "refuse JOB --reason TEXT", example: "  sluice job refuse J-2026-0001 --reason 成果表过细",
	}, func(c *call) error {
		j, err := c.Jobs.Refuse(c.ctx, c.args[0], said)
		return one(c, j, err, append(jobFields(c), field[wire.Job]{"refused", func(j wire.Job) string { return saidNo(c, j.Refused) }}))
	})
	cmd.Flags().StringVar(&said.Reason, "reason", "", "")
	return need(cmd, "reason")
}

func jobCancel() *cobra.Command {
	return change(text{
		use: "cancel JOB", example: "  sluice job cancel J-2026-0001",
	}, func(c *call) error {
		j, err := c.Jobs.Cancel(c.ctx, c.args[0])
		return one(c, j, err, jobFields(c))
	})
}

func jobWatch() *cobra.Command {
	return waits(command(text{
		use: "watch JOB", example: "  sluice job watch J-2026-0001 --timeout 30m",
	}, func(c *call) error {
		j, err := awaitJob(c, c.args[0], wire.Job.Over)
		return showJob(c, j, err)
	}))
}

func jobShow() *cobra.Command {
	return command(text{
		use: "show JOB", example: "  sluice job show J-2026-0001\n  sluice job show J-2026-0001 -o json",
	}, func(c *call) error {
		j, err := c.Jobs.Show(c.ctx, c.args[0])
		err = showCheck(c, j, err)
		var told toldError
		if errors.As(err, &told) && told.cause == nil { // what the job came to is not this command's failure
			c.speak(told.text)
			return nil
		}
		return err
	})
}

func jobList() *cobra.Command {
	return byState(command(text{
		use: "list", example: "  sluice job list --state checked",
	}, func(c *call) error {
		all, err := c.Jobs.List(c.ctx, c.narrow()...)
		return many(c, all, err, jobFields(c))
	}))
}
