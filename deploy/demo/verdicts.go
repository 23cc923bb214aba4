package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/policy/screen"
)

func (d *demo) tellAttempt(a attempt, j job.View, findings []screen.Finding) error {
	if len(a.statements) > 0 {
		return d.tellStatements(a, j, findings)
	}
	d.must(find(findings, a.code) != nil, "developer", a.title, "blocked", codesOf(findings))
	return nil
}

// tellStatements tells a job by its statements: a refused one has its own reason at each, else nothing is found.
func (d *demo) tellStatements(a attempt, j job.View, findings []screen.Finding) error {
	named, err := checked(j)
	if err != nil {
		return err
	}
	d.show(fmt.Sprintf("%s: %d in one job, %s", a.title, len(a.statements), j.Number))
	for _, s := range a.statements {
		if a.want == "refused" {
			ok, detail := named.of(s.table.From).name(s.code)
			d.must(j.State == string(job.Refused) && ok, "developer", s.title, "refused", detail)
			continue
		}
		d.must(j.State == string(job.OutputQuarantined) && len(findings) == 0, "developer", s.title, "passes", codesOf(findings))
	}
	return nil
}

// reasons are what a check found.
type reasons []task.CheckFinding

func checked(j job.View) (reasons, error) {
	var all reasons
	if len(j.Findings) > 0 {
		if err := json.Unmarshal(j.Findings, &all); err != nil {
			return nil, fmt.Errorf("reading findings: %w", err)
		}
	}
	return all, nil
}

// of keeps the reasons that are about one relation.
func (all reasons) of(relation string) reasons {
	return slices.DeleteFunc(slices.Clone(all), func(f task.CheckFinding) bool { return f.Relation != relation })
}

// name tells whether a code is among the reasons, and the first of them as text.
func (all reasons) name(code string) (named bool, text string) {
	var told []string
	for _, f := range all {
		named = named || f.Code == code
		told = append(told, strings.TrimSpace(fmt.Sprintf("%s %s", f.Code, f.What)))
	}
	return named, strings.Join(told[:min(2, len(told))], ", ")
}
