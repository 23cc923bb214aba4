package job_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/job"
)

// TestYAMLReadsBack: what is written is read as the same package, whatever labels look like.
func TestYAMLReadsBack(t *testing.T) {
	p := job.Package{
		Format: job.PackageFormat, Name: "visits-by-plan", Purpose: "statistics", Engine: job.EngineSQL,
		Inputs: []job.Input{{Name: "visits", Grant: "G-2026-0001", Dataset: "health-visits", Version: 3, Columns: []string{"plan", "no"}}},
		Outputs: []job.Output{
			{Table: &job.Table{
				Name: "counts", From: "r",
				By: []job.Dimension{{Column: "plan", Values: []string{"yes", "no", "1", "~", "a: b", "# c", "门诊", "'", `"`, "{", "2026-01-01"}}},
				Measures: []job.Measure{
					{Name: "people", Stat: job.StatUnits}, {Name: "mean", Stat: job.StatMean, Of: "visits", Per: job.PerUnit},
				},
			}},
			{File: &job.File{Name: "free", From: "r"}},
		},
	}
	text, err := p.YAML("main.sql")
	if err != nil {
		t.Fatal(err)
	}
	got, code, err := job.ParsePackage(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if diff := cmp.Diff(p, got); diff != "" || code != "main.sql" {
		t.Errorf("code in %s (-want +got):\n%s\n%s", code, diff, text)
	}
}

// TestYAMLOfAFolder: so is a package of Python, with its image and what its code makes.
func TestYAMLOfAFolder(t *testing.T) {
	p := job.Package{
		Format: job.PackageFormat, Name: "visits-by-band", Purpose: "statistics", Engine: job.EnginePython, Image: "python-2026",
		Inputs:    []job.Input{{Name: "visits", Grant: "G-2026-0001", Dataset: "health-visits", Version: 3, Columns: []string{"plan"}}},
		Relations: []job.Relation{{Name: "people", Of: "visits", Labels: []string{"band", "no"}}, {Name: "all", Of: "visits"}},
		Outputs:   []job.Output{{Table: &job.Table{Name: "counts", From: "people", Measures: []job.Measure{{Name: "people", Stat: job.StatUnits}}}}},
	}
	text, err := p.YAML("bands")
	if err != nil {
		t.Fatal(err)
	}
	got, code, err := job.ParsePackage(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if diff := cmp.Diff(p, got); diff != "" || code != "bands" {
		t.Errorf("code in %s (-want +got):\n%s\n%s", code, diff, text)
	}
}
