package catalog

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
)

// told is what the author learns of a run: class and line of a failure, rows, time and memory in buckets. On real data
// that is all, whatever a worker sealed: words, tables and names that are not the author's own are left out.
func (d *deed) told(row postgres.Job, r work.Result, invented ...work.Input) (failure, usage json.RawMessage, err error) {
	own := relationsOf(row)
	used := job.Usage{Relations: []job.RelationSize{}}
	if row.Kind != string(job.Production) {
		used.Tables = r.Tables
	}
	if r.Seconds > 0 {
		used.Limits = d.limitsUsed(r)
	}
	for _, in := range invented {
		used.Inputs = append(used.Inputs, sourceOf(in))
	}
	for _, rel := range r.Relations {
		if row.Kind != string(job.Production) || slices.Contains(own, rel.Relation) {
			used.Relations = append(used.Relations, job.RelationSize{Relation: rel.Relation, Rows: job.Bucket(rel.Rows)})
		}
	}
	if usage, err = json.Marshal(used); err != nil {
		return nil, nil, fmt.Errorf("encoding usage: %w", err)
	}
	if r.Failure == nil {
		return nil, usage, nil
	}
	said := *r.Failure
	if row.Kind == string(job.Production) {
		said = coarse(said, own, filesOf(row))
	}
	if failure, err = json.Marshal(said); err != nil {
		return nil, nil, fmt.Errorf("encoding failure: %w", err)
	}
	return failure, usage, nil
}

// limitsUsed holds what a run took against the rules' limits.
func (d *deed) limitsUsed(r work.Result) *job.LimitsUsed {
	used := &job.LimitsUsed{Seconds: job.Bucket(r.Seconds), MostTime: d.c.Rules.Jobs.WallSeconds, MostMemory: d.c.Rules.Jobs.MemoryMB}
	if r.PeakMB > 0 {
		used.Memory = job.Bucket(r.PeakMB)
	}
	return used
}

// coarse keeps of a failure what may be told on real data: a class of the list, a relation or a file of the author's,
// and a line of it.
func coarse(f task.Failure, own, files []string) task.Failure {
	f.Message = ""
	if !f.Class.Known() {
		f.Class = task.FailOther
	}
	if !slices.Contains(own, f.Relation) {
		f.Relation = ""
	}
	if !slices.Contains(files, f.File) {
		f.File = ""
	}
	if f.Relation == "" && f.File == "" {
		f.Line = 0
	}
	return f
}

// filesOf lists the files of a Python job.
func filesOf(row postgres.Job) (names []string) {
	p, err := packageOf(row)
	if err != nil {
		return nil
	}
	for _, f := range p.Files {
		names = append(names, f.Name)
	}
	return names
}

// relationsOf lists the relations a job's check verified.
func relationsOf(row postgres.Job) (names []string) {
	var plan []task.RelationPlan
	if json.Unmarshal(row.Plan, &plan) != nil {
		return nil // no plan, no names
	}
	for _, r := range plan {
		names = append(names, r.Relation)
	}
	return names
}
