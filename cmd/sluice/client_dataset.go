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

func newDataset() *cobra.Command {
	return noun(text{
		use: "dataset", example: "  sluice dataset publish -f dataset.yaml --data visits.csv --wait\n  sluice dataset show health-visits",
	},
		datasetPublish(), datasetShow(), datasetList(), datasetColumns(), datasetTerms(), datasetProfile(),
		datasetPreview(), datasetFreeze(), datasetThaw(), datasetWithdraw(),
	)
}

func datasetFields(c *call) []field[wire.Dataset] {
	return []field[wire.Dataset]{
		{"dataset", func(d wire.Dataset) string { return d.Slug }},
		{"title", func(d wire.Dataset) string { return d.Title }},
		{"state", func(d wire.Dataset) string { return word(c, d.State) }},
		{"provider", func(d wire.Dataset) string { return d.Provider + " " + d.ProviderName }},
		{"registration", func(d wire.Dataset) string { return d.Registration }},
		{"columns", func(d wire.Dataset) string { return fmt.Sprint(len(d.Columns)) }},
		{"newest version", func(d wire.Dataset) string {
			if len(d.Versions) == 0 {
				return ""
			}
			return versionText(c, d.Versions[len(d.Versions)-1])
		}},
	}
}

func versionText(c *call, v wire.Version) string {
	if v.Digest == "" {
		return c.Say("version.short", "number", v.Number, "state", word(c, v.State))
	}
	return c.Say("version.long", "number", v.Number, "state", word(c, v.State), "rows", number(v.Rows), "digest", v.Digest)
}

func versionFields(c *call) []field[wire.Version] {
	return []field[wire.Version]{
		{"dataset", func(v wire.Version) string { return v.Dataset }},
		{"version", func(v wire.Version) string { return fmt.Sprint(v.Number) }},
		{"state", func(v wire.Version) string { return word(c, v.State) }},
		{"rows", versionRows},
		{"manifest", func(v wire.Version) string { return v.Digest }},
		{"profile", func(v wire.Version) string { return v.Profile }},
		{"profile signed", func(v wire.Version) string { return c.yesNo(v.ProfileSigned) }},
		{"since", func(v wire.Version) string { return when(v.CreatedAt) }},
	}
}

func versionRows(v wire.Version) string {
	if v.Digest == "" {
		return ""
	}
	return number(v.Rows)
}

func datasetPublish() *cobra.Command {
	var data string
	var wait bool
	cmd := change(text{
		use: "publish -f FILE --data CSV", example: "  sluice dataset publish -f dataset.yaml --data visits.csv --wait",
	}, func(c *call) error { return publish(c, data, wait) })
	cmd.Flags().StringVar(&data, "data", "", "")
	cmd.Flags().BoolVar(&wait, "wait", false, "")
	return need(waits(fromFile(cmd)), "data")
}

func publish(c *call, data string, wait bool) error {
	spec, err := readYAML[wire.DatasetSpec](c, c.flag("file"))
	if err != nil {
		return err
	}
	body, err := os.Open(data)
	if err != nil {
		return usage("file.unreadable", "path", data).because(err)
	}
	defer func() { _ = body.Close() }()
	err = declare(c, spec)
	if r := rehearsed(err); r != nil {
		c.note("publish.would_upload", "path", data)
		return r
	}
	if err != nil {
		return err
	}
	c.progress("publish.uploading", "path", data)
	v, err := c.Datasets.Publish(c.ctx, spec.Slug, body)
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

// declare declares a dataset that is not there yet. What is fixed by the declaration must be the same in the
// file of a later version.
func declare(c *call, spec wire.DatasetSpec) error {
	there, err := c.Datasets.Show(c.ctx, spec.Slug)
	var problem *client.Problem
	if errors.As(err, &problem) && problem.Status == http.StatusNotFound {
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
	if len(v.Refusal.Errors) == 0 {
		b.WriteString(c.Say("upload.outcome", "outcome", v.Refusal.Outcome))
	}
	for _, e := range v.Refusal.Errors {
		b.WriteString("\n  " + badCellText(c, e))
	}
	if v.Refusal.More {
		b.WriteString("\n  " + c.Say("upload.more"))
	}
	return toldError{text: printable(b.String()), code: exitFailed}
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

func datasetShow() *cobra.Command {
	return command(text{
		use: "show DATASET", example: "  sluice dataset show health-visits\n  sluice dataset show health-visits -o yaml",
	}, func(c *call) error {
		shown, err := c.Datasets.Show(c.ctx, c.args[0])
		return one(c, shown, err, datasetFields(c))
	})
}

func datasetList() *cobra.Command {
	return command(text{
		use: "list", example: "  sluice dataset list -o json",
	}, func(c *call) error {
		all, err := c.Datasets.List(c.ctx)
		return many(c, all, err, datasetFields(c))
	})
}

func datasetColumns() *cobra.Command {
	return command(text{
		use: "columns DATASET", example: "  sluice dataset columns health-visits",
	}, func(c *call) error {
		shown, err := c.Datasets.Show(c.ctx, c.args[0])
		return many(c, shown.Columns, err, []field[dataset.Column]{
			{"column", func(k dataset.Column) string { return k.Name }},
			{"title", func(k dataset.Column) string { return k.Title }},
			{"type", func(k dataset.Column) string { return word(c, k.Type) }},
			{"level", func(k dataset.Column) string { return c.Say("level", "n", k.Level) }},
			{"role", func(k dataset.Column) string { return word(c, k.Role) }},
			{"mask", func(k dataset.Column) string { return word(c, k.Mask) }},
			{"domain", func(k dataset.Column) string { return columnDomain(c, k) }},
		})
	})
}

// columnDomain tells what a column may hold: few values by name, many by number, a range by its ends.
func columnDomain(c *call, k dataset.Column) string {
	const shown = 6
	switch {
	case len(k.Domain) > shown:
		return c.Say("domain.many", "n", len(k.Domain))
	case len(k.Domain) > 0:
		return strings.Join(k.Domain, ", ")
	case k.Min != nil && k.Max != nil:
		return *k.Min + " … " + *k.Max
	}
	return ""
}

func datasetTerms() *cobra.Command {
	return fromFile(change(text{
		use: "terms DATASET -f FILE", example: "  sluice dataset terms health-visits -f terms.yaml",
	}, func(c *call) error {
		terms, err := readYAML[wire.Terms](c, c.flag("file"))
		if err != nil {
			return err
		}
		changed, err := c.Datasets.SetTerms(c.ctx, c.args[0], terms)
		return one(c, changed, err, datasetFields(c))
	}))
}

func datasetFreeze() *cobra.Command {
	return change(text{
		use: "freeze DATASET", example: "  sluice dataset freeze health-visits",
	}, func(c *call) error {
		frozen, err := c.Datasets.Freeze(c.ctx, c.args[0])
		return one(c, frozen, err, datasetFields(c))
	})
}

func datasetThaw() *cobra.Command {
	return change(text{
		use: "thaw DATASET", example: "  sluice dataset thaw health-visits",
	}, func(c *call) error {
		thawed, err := c.Datasets.Thaw(c.ctx, c.args[0])
		return one(c, thawed, err, datasetFields(c))
	})
}

func datasetWithdraw() *cobra.Command {
	var number int
	cmd := change(text{
		use: "withdraw DATASET --version N", example: "  sluice dataset withdraw health-visits --version 1",
	}, func(c *call) error {
		withdrawn, err := c.Datasets.Withdraw(c.ctx, c.args[0], number)
		return one(c, withdrawn, err, versionFields(c))
	})
	return ofVersion(cmd, &number)
}

// ofVersion adds the flag that names a version.
func ofVersion(cmd *cobra.Command, number *int) *cobra.Command {
	cmd.Flags().IntVar(number, "version", 0, "")
	return need(cmd, "version")
}
