package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

func datasetPublish() *cobra.Command {
	var data string
	var wait bool
	var p wire.Publication
	cmd := command(text{
		use: "publish -f FILE --data FILE", short: "Publish a version of a dataset (data steward)",
		long: `Declares the dataset the first time, uploads a file, and publishes it: as all of a new version, as one more part
beside those of the newest version (--append), or in place of one of its parts (--correct PART). An upload that was
cut off goes on where it stopped: give the same command again.

The file's form shows by its name: .csv, .xlsx or .parquet, each perhaps with .gz. It is parsed in a container;
without --wait the command returns as soon as it is stored. A file with faults publishes nothing: each fault is told
with row, column and reason.

  slug: health-visits
  title: 居民门诊就诊次数与健康状况
  basis: 医疗卫生服务统计职责
  class: general
  columns:
    - {name: resident_id, type: text, level: 4, role: identifier, mask: drop}
    - {name: health, type: text, level: 2, role: sensitive, domain: [excellent, good, fair, poor]}
    - {name: visits, type: integer, level: 2, role: sensitive, min: 0, max: 100}
  units: [{kind: resident, column: resident_id}]
  round_to: 5
  terms:
    purposes: [health-policy-statistics]
    columns: [health, visits]
    operations: [sql]
    outputs: [table]
    min_units: 10
    approval: manual
    to: 2026-12-31
    retention: {versions: 12}`,
		example: "  sluice dataset publish -f dataset.yaml --data visits.csv --wait\n" +
			"  sluice dataset publish -f dataset.yaml --data 2026-11.csv.gz --append --label 2026-11\n" +
			"  sluice dataset publish -f dataset.yaml --data 2026-10.xlsx --sheet 十月 --correct 2026-10",
	}, func(c *call) error { return publish(c, data, p, wait) })
	f := cmd.Flags()
	f.StringVar(&data, "data", "", "file to publish (needed)")
	f.BoolVar(&wait, "wait", false, "wait until the version is available or refused")
	f.Bool("append", false, "one more part beside those of the base version")
	f.StringVar(&p.Corrects, "correct", "", "label of the part of the base version this file replaces")
	f.StringVar(&p.Label, "label", "", "name of the new part, such as 2026-11; default: v and the version's number")
	f.IntVar(&p.Base, "base", 0, "version to append to or correct; default: the newest available one")
	return need(waits(fromFile(sourceFlags(cmd))), "data")
}

func publish(c *call, data string, p wire.Publication, wait bool) error {
	if err := modeOf(c, &p); err != nil {
		return err
	}
	spec, err := readYAML[wire.DatasetSpec](c, c.flag("file"))
	if err != nil {
		return err
	}
	file, err := os.Open(data)
	if err != nil {
		return usageError{fmt.Errorf("reading the data: %w", err)}
	}
	defer func() { _ = file.Close() }()
	if err := declare(c, spec); err != nil {
		return err
	}
	sent, err := sendFile(c, spec.Slug, file)
	if err != nil {
		return err
	}
	p.Upload = sent.ID
	v, err := c.Datasets.Publish(c.ctx, spec.Slug, p)
	if err != nil || !wait {
		return one(c, v, err, versionFields())
	}
	v, err = await(c, func(ctx context.Context) (wire.Version, error) {
		return c.Datasets.ShowVersion(ctx, spec.Slug, v.Number)
	}, func(v wire.Version) (string, bool) { return v.State, v.State != string(dataset.Ingesting) })
	if err := one(c, v, err, versionFields()); err != nil {
		return err
	}
	return refusedUpload(v)
}

// modeOf reads from the flags what the file is to the data that is there.
func modeOf(c *call, p *wire.Publication) error {
	switch appends := c.flag("append") == "true"; {
	case appends && p.Corrects != "":
		return usageError{errors.New("give one of --append and --correct")}
	case appends:
		p.Mode = dataset.Append
	case p.Corrects != "":
		p.Mode = dataset.Correct
	default:
		p.Mode = dataset.Replace
	}
	return p.ValidateMode()
}

// declare declares a dataset that is not there yet. What is fixed by the declaration must be the same in the
// file of a later version.
func declare(c *call, spec wire.DatasetSpec) error {
	there, err := c.Datasets.Show(c.ctx, spec.Slug)
	var problem *client.Problem
	if errors.As(err, &problem) && problem.Status == http.StatusNotFound {
		if err := warn(c, spec); err != nil {
			return err
		}
		c.progress("declaring %s", spec.Slug)
		_, err = c.Datasets.Declare(c.ctx, spec)
		return err
	}
	if err != nil {
		return err
	}
	if !same(there.Columns, spec.Columns) || !same(there.Units, spec.Units) || there.RoundTo != spec.RoundTo {
		return usageError{fmt.Errorf("%s is declared with other columns, units or rounding than the file says: these never change", spec.Slug)}
	}
	if there.Terms != nil && !same(*there.Terms, spec.Terms) {
		c.note("the file's terms are not those in force, which stay: `sluice dataset terms` changes them")
	}
	return nil
}

// same compares two values by what the API would say of them; absent and empty lists are one.
func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	empty := func(s []byte) string { return strings.ReplaceAll(string(s), "null", "[]") }
	return errX == nil && errY == nil && empty(x) == empty(y)
}

// refusedUpload tells why an upload published nothing.
func refusedUpload(v wire.Version) error {
	if v.Refusal == nil {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "version %d publishes nothing", v.Number)
	if len(v.Refusal.Errors) == 0 {
		b.WriteString(": reading it ended as " + v.Refusal.Outcome)
	}
	for _, e := range v.Refusal.Errors {
		place := fmt.Sprintf("row %d", e.Row)
		if e.Row == 0 {
			place = "the file"
		}
		if e.Line > 0 {
			place += fmt.Sprintf(" (line %d)", e.Line)
		}
		if e.Column != "" {
			place += ", column " + e.Column
		}
		fmt.Fprintf(&b, "\n  %s: %s", place, e.Reason)
	}
	for _, d := range v.Refusal.Difference {
		fmt.Fprintf(&b, "\n  the file differs: column %s is %s", d.Column, strings.ReplaceAll(d.Found, "_", " "))
		if d.Expected != "" {
			b.WriteString(", declared as " + d.Expected)
		}
	}
	if v.Refusal.More {
		b.WriteString("\n  … and more")
	}
	return toldError{text: printable(b.String()), code: exitFailed}
}
