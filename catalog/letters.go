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

// checkLetter asks for a verdict on a package's code over tables of the granted shape.
func (d *deed) checkLetter(p job.Package, g *ground) work.Letter {
	return work.Letter{Kind: work.Check, Runtimes: d.runtimes(g), Check: &work.CheckLetter{Python: pythonCode(p), CheckLetter: task.CheckLetter{
		Code: p.Code, Tables: tableSpecs(p, g), Output: p.Tables(), Relations: p.Relations,
	}}}
}

// runtimes are what the rules let a job run under, for the highest level of any column of its datasets: the first
// container sees them all.
func (d *deed) runtimes(g *ground) []task.Runtime {
	level := 0
	for _, ds := range g.datasets {
		for _, c := range ds.Columns {
			level = max(level, c.Level)
		}
	}
	if level > 0 && level <= d.c.Rules.Jobs.RuncLevel {
		return task.Runtimes()
	}
	return nil
}

// pythonCode is the folder of a Python job; nil for any other.
func pythonCode(p job.Package) *work.PythonCode {
	if p.Engine != job.EnginePython {
		return nil
	}
	return &work.PythonCode{Image: p.Image, Files: p.Files, Relations: p.Relations}
}

func tableSpecs(p job.Package, g *ground) []task.TableSpec {
	var specs []task.TableSpec
	for _, in := range p.Inputs {
		ds, _ := g.datasetNamed(string(in.Dataset))
		spec := task.TableSpec{Input: in.Name, Units: ds.Units}
		for _, c := range ds.Columns {
			if slices.Contains(in.Columns, c.Name) {
				spec.Columns = append(spec.Columns, c)
			} else {
				spec.Known = append(spec.Known, c.Name)
			}
		}
		specs = append(specs, spec)
	}
	return specs
}

// queueRun queues the run of an approved job. What the worker is told is made again from the record.
func (d *deed) queueRun(row postgres.Job) error {
	letter, err := d.runLetter(row)
	if err != nil {
		return err
	}
	return d.queue(row.ID, nil, letter)
}

func (d *deed) runLetter(row postgres.Job) (work.Letter, error) {
	p, plan, g, err := d.planned(row, share)
	if err != nil {
		return work.Letter{}, err
	}
	inputs, first, err := d.runInputs(p, g)
	if err != nil {
		return work.Letter{}, err
	}
	return work.Letter{Kind: work.Run, Runtimes: d.runtimes(g), Run: &work.RunLetter{
		Job: row.Number, Inputs: inputs, Code: d.code(p, g, plan, first),
	}}, nil
}

// planned reads a job's package, what check made of it, and what it rests on.
func (d *deed) planned(row postgres.Job, how locking) (p job.Package, plan []task.RelationPlan, g *ground, err error) {
	if p, err = packageOf(row); err != nil {
		return p, nil, nil, err
	}
	if row.Plan != nil {
		if err := json.Unmarshal(row.Plan, &plan); err != nil {
			return p, nil, nil, fmt.Errorf("reading plan: %w", err)
		}
	}
	g, err = d.groundOf(p.Inputs, row.Org, how)
	return p, plan, g, err
}

func (d *deed) runInputs(p job.Package, g *ground) (inputs []work.Input, first string, err error) {
	for _, in := range p.Inputs {
		ds, _ := g.datasetNamed(string(in.Dataset))
		parts, err := partsOf(g.versions[versionKey(ds.ID, in.Version)])
		if err != nil {
			return nil, "", err
		}
		inputs = append(inputs, work.Input{Scope: scopeOf(ds, g.grants[string(in.Grant)], in.Name, in.Columns), Dataset: ds.ID, Parts: parts})
		if first == "" {
			first = ds.ID
		}
	}
	return inputs, first, nil
}

func (d *deed) code(p job.Package, g *ground, plan []task.RelationPlan, digestBy string) work.Code {
	limits := d.c.Rules.Jobs
	ds := g.datasets[digestBy]
	return work.Code{
		Relations: plan, Tables: tableSpecs(p, g), Output: p.Tables(), RoundTo: ds.RoundTo, MemoryMB: limits.MemoryMB,
		Threads: limits.Threads, Splits: limits.Splits, Near: limits.DifferenceNear, DigestBy: digestBy,
		WallSeconds: limits.WallSeconds,
		Python:      pythonCode(p),
	}
}

// debugLetter asks to run checked code on synthetic tables.
func (d *deed) debugLetter(row postgres.Job) (work.Letter, error) {
	p, plan, g, err := d.planned(row, share)
	if err != nil {
		return work.Letter{}, err
	}
	letter := work.DebugLetter{Rows: int64(d.c.Rules.Jobs.SyntheticRows), Source: p.Code}
	for _, in := range p.Inputs {
		ds, _ := g.datasetNamed(string(in.Dataset))
		v := g.versions[versionKey(ds.ID, in.Version)]
		twin, profile, err := d.standIn(v)
		if err != nil {
			return work.Letter{}, err
		}
		scope := scopeOf(ds, g.grants[string(in.Grant)], in.Name, in.Columns)
		letter.Inputs = append(letter.Inputs, work.Input{Scope: scope, Dataset: ds.ID, Profile: profile, Twin: twin})
		letter.Code.DigestBy = ds.ID
	}
	letter.Code = d.code(p, g, plan, letter.Code.DigestBy)
	return work.Letter{Kind: work.Debug, Runtimes: d.runtimes(g), Debug: &letter}, nil
}
