package main

import (
	"context"
	"encoding/json"
	"errors"
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
	cmd := change(text{
		use: "publish -f FILE --data FILE",
		example: "  sluice dataset publish -f dataset.yaml --data visits.csv --wait\n" +
			"  sluice dataset publish -f dataset.yaml --data 2026-11.csv.gz --append --label 2026-11\n" +
			"  sluice dataset publish -f dataset.yaml --data 2026-10.xlsx --sheet 十月 --correct 2026-10",
	}, func(c *call) error { return publish(c, data, p, wait) })
	f := cmd.Flags()
	f.StringVar(&data, "data", "", "")
	f.BoolVar(&wait, "wait", false, "")
	f.Bool("append", false, "")
	f.StringVar(&p.Corrects, "correct", "", "")
	f.StringVar(&p.Label, "label", "", "")
	f.IntVar(&p.Base, "base", 0, "")
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
		return usage("file.unreadable", "path", data).because(err)
	}
	defer func() { _ = file.Close() }()
	err = declare(c, spec)
	if rehearsed(err) != nil {
		c.note("publish.would_upload", "path", data)
	}
	if err != nil {
		return err
	}
	sent, err := sendFile(c, spec.Slug, file)
	if err != nil {
		return err
	}
	p.Upload = sent.ID
	v, err := c.Datasets.Publish(c.ctx, spec.Slug, p)
	if err != nil || !wait {
		return one(c, v, err, versionFields(c))
	}
	v, err = await(c, func(ctx context.Context) (wire.Version, error) {
		return c.Datasets.ShowVersion(ctx, spec.Slug, v.Number)
	}, func(v wire.Version) (string, bool) { return word(c, v.State), v.State != string(dataset.Ingesting) })
	if err := one(c, v, err, versionFields(c)); err != nil {
		return err
	}
	return refusedUpload(c, v)
}

// modeOf reads from the flags what the file is to the data that is there.
func modeOf(c *call, p *wire.Publication) error {
	switch appends := c.flag("append") == "true"; {
	case appends && p.Corrects != "":
		return usage("publish.mode")
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
		c.progress("publish.declaring", "dataset", spec.Slug)
		_, err = c.Datasets.Declare(c.ctx, spec)
		return err
	}
	if err != nil {
		return err
	}
	if !same(there.Columns, spec.Columns) || !same(there.Units, spec.Units) || there.RoundTo != spec.RoundTo {
		return usage("publish.declared_otherwise", "dataset", spec.Slug)
	}
	if there.Terms != nil && !same(*there.Terms, spec.Terms) {
		c.note("publish.other_terms")
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
func refusedUpload(c *call, v wire.Version) error {
	if v.Refusal == nil {
		return nil
	}
	var b strings.Builder
	b.WriteString(c.Say("upload.refused", "number", v.Number))
	tellRefusal(c, &b, *v.Refusal)
	return toldError{text: printable(b.String()), code: exitFailed}
}

// tellRefusal adds every reason of a refusal with its place.
func tellRefusal(c *call, b *strings.Builder, r dataset.Refusal) {
	if len(r.Errors) == 0 {
		b.WriteString(c.Say("upload.outcome", "outcome", r.Outcome))
	}
	for _, e := range r.Errors {
		b.WriteString("\n  " + badCellText(c, e))
	}
	for _, d := range r.Difference {
		b.WriteString("\n  " + differenceText(c, d))
	}
	if r.More {
		b.WriteString("\n  " + c.Say("upload.more"))
	}
}

// differenceText tells in what a file's columns are not those that are declared.
func differenceText(c *call, d dataset.Drift) string {
	found := c.Say("difference." + d.Found)
	if d.Expected == "" {
		return c.Say("upload.differs", "column", d.Column, "found", found)
	}
	return c.Say("upload.differs_from", "column", d.Column, "found", found, "expected", word(c, d.Expected))
}

// badCellText names the place of one fault of an upload, and what is wrong there.
func badCellText(c *call, e dataset.BadCell) string {
	place := c.Say("place.file")
	if e.Row > 0 {
		place = c.Say("place.row", "n", e.Row)
	}
	if e.Line > 0 {
		place += c.Say("place.file_line", "n", e.Line)
	}
	if e.Column != "" {
		place += c.Say("place.column", "column", e.Column)
	}
	return place + ": " + c.coded(e.Reason)
}
