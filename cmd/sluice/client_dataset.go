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
		use: "dataset", short: "Datasets: publish, describe, stop",
		example: "  sluice dataset publish -f dataset.yaml --data visits.csv --wait\n  sluice dataset show health-visits",
	},
		datasetPublish(), datasetShow(), datasetList(), datasetColumns(), datasetTerms(), datasetProfile(),
		datasetPreview(), datasetFreeze(), datasetThaw(), datasetWithdraw(), datasetUsage(),
	)
}

func datasetFields() []field[wire.Dataset] {
	return []field[wire.Dataset]{
		{"dataset", func(d wire.Dataset) string { return d.Slug }},
		{"title", func(d wire.Dataset) string { return d.Title }},
		{"state", func(d wire.Dataset) string { return d.State }},
		{"provider", func(d wire.Dataset) string { return d.Provider + " " + d.ProviderName }},
		{"registration", func(d wire.Dataset) string { return d.Registration }},
		{"columns", func(d wire.Dataset) string { return fmt.Sprint(len(d.Columns)) }},
		{"newest version", func(d wire.Dataset) string {
			if len(d.Versions) == 0 {
				return ""
			}
			return versionText(d.Versions[len(d.Versions)-1])
		}},
	}
}

func versionText(v wire.Version) string {
	text := fmt.Sprintf("%d %s", v.Number, v.State)
	if v.Digest != "" {
		text += fmt.Sprintf(", %d rows, %s", v.Rows, v.Digest)
	}
	return text
}

func versionFields() []field[wire.Version] {
	return []field[wire.Version]{
		{"dataset", func(v wire.Version) string { return v.Dataset }},
		{"version", func(v wire.Version) string { return fmt.Sprint(v.Number) }},
		{"state", func(v wire.Version) string { return v.State }},
		{"rows", versionRows},
		{"manifest", func(v wire.Version) string { return v.Digest }},
		{"profile", func(v wire.Version) string { return v.Profile }},
		{"profile signed", func(v wire.Version) string { return yesNo(v.ProfileSigned) }},
		{"since", func(v wire.Version) string { return when(v.CreatedAt) }},
	}
}

func versionRows(v wire.Version) string {
	if v.Digest == "" {
		return ""
	}
	return fmt.Sprint(v.Rows)
}

func datasetPublish() *cobra.Command {
	var data string
	var wait bool
	cmd := command(text{
		use: "publish -f FILE --data CSV", short: "Publish a version of a dataset (data steward)",
		long: `Declares the dataset the first time, and uploads a version: UTF-8 CSV with a header line. The file is parsed in a
container; without --wait the command returns as soon as it is stored. A file with faults publishes nothing: each
fault is told with row, column and reason.

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
    to: 2026-12-31`,
		example: "  sluice dataset publish -f dataset.yaml --data visits.csv --wait",
	}, func(c *call) error { return publish(c, data, wait) })
	cmd.Flags().StringVar(&data, "data", "", "CSV file (needed)")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until the version is available or refused")
	return need(waits(fromFile(cmd)), "data")
}

func publish(c *call, data string, wait bool) error {
	spec, err := readYAML[wire.DatasetSpec](c, c.flag("file"))
	if err != nil {
		return err
	}
	body, err := os.Open(data)
	if err != nil {
		return usageError{fmt.Errorf("reading the data: %w", err)}
	}
	defer func() { _ = body.Close() }()
	if err := declare(c, spec); err != nil {
		return err
	}
	c.progress("uploading %s", data)
	v, err := c.Datasets.Publish(c.ctx, spec.Slug, body)
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

// declare declares a dataset that is not there yet. What is fixed by the declaration must be the same in the
// file of a later version.
func declare(c *call, spec wire.DatasetSpec) error {
	there, err := c.Datasets.Show(c.ctx, spec.Slug)
	var problem *client.Problem
	if errors.As(err, &problem) && problem.Status == http.StatusNotFound {
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
	if v.Refusal.More {
		b.WriteString("\n  … and more")
	}
	return toldError{text: printable(b.String()), code: exitFailed}
}

func datasetShow() *cobra.Command {
	return command(text{
		use: "show DATASET", short: "Show a dataset; -o yaml shows all of it",
		example: "  sluice dataset show health-visits\n  sluice dataset show health-visits -o yaml",
	}, func(c *call) error {
		shown, err := c.Datasets.Show(c.ctx, c.args[0])
		return one(c, shown, err, datasetFields())
	})
}

func datasetList() *cobra.Command {
	return command(text{
		use: "list", short: "List datasets",
		example: "  sluice dataset list -o json",
	}, func(c *call) error {
		all, err := c.Datasets.List(c.ctx)
		return many(c, all, err, datasetFields())
	})
}

func datasetColumns() *cobra.Command {
	return command(text{
		use: "columns DATASET", short: "List the columns of a dataset with level, role and mask",
		example: "  sluice dataset columns health-visits",
	}, func(c *call) error {
		shown, err := c.Datasets.Show(c.ctx, c.args[0])
		return many(c, shown.Columns, err, []field[dataset.Column]{
			{"column", func(k dataset.Column) string { return k.Name }},
			{"title", func(k dataset.Column) string { return k.Title }},
			{"type", func(k dataset.Column) string { return string(k.Type) }},
			{"level", func(k dataset.Column) string { return fmt.Sprint(k.Level) }},
			{"role", func(k dataset.Column) string { return string(k.Role) }},
			{"mask", func(k dataset.Column) string { return string(k.Mask) }},
			{"domain", columnDomain},
		})
	})
}

// columnDomain tells what a column may hold: few values by name, many by number, a range by its ends.
func columnDomain(k dataset.Column) string {
	const shown = 6
	switch {
	case len(k.Domain) > shown:
		return fmt.Sprintf("%d values", len(k.Domain))
	case len(k.Domain) > 0:
		return strings.Join(k.Domain, ", ")
	case k.Min != nil && k.Max != nil:
		return *k.Min + " … " + *k.Max
	}
	return ""
}

func datasetTerms() *cobra.Command {
	return fromFile(command(text{
		use: "terms DATASET -f FILE", short: "Replace the provider's terms, from the next decision on (data steward)",
		long: `Replaces the ceiling over every grant of the dataset. An empty list allows nothing:

  purposes: [health-policy-statistics]
  columns: [health, visits]
  operations: [sql]
  outputs: [table]
  min_units: 10
  approval: manual
  to: 2026-12-31`,
		example: "  sluice dataset terms health-visits -f terms.yaml",
	}, func(c *call) error {
		terms, err := readYAML[wire.Terms](c, c.flag("file"))
		if err != nil {
			return err
		}
		changed, err := c.Datasets.SetTerms(c.ctx, c.args[0], terms)
		return one(c, changed, err, datasetFields())
	}))
}

func datasetFreeze() *cobra.Command {
	return command(text{
		use: "freeze DATASET", short: "Stop every use of a dataset within seconds (data steward)",
		example: "  sluice dataset freeze health-visits",
	}, func(c *call) error {
		frozen, err := c.Datasets.Freeze(c.ctx, c.args[0])
		return one(c, frozen, err, datasetFields())
	})
}

func datasetThaw() *cobra.Command {
	return command(text{
		use: "thaw DATASET", short: "End a freeze (data steward)",
		example: "  sluice dataset thaw health-visits",
	}, func(c *call) error {
		thawed, err := c.Datasets.Thaw(c.ctx, c.args[0])
		return one(c, thawed, err, datasetFields())
	})
}

func datasetWithdraw() *cobra.Command {
	var number int
	cmd := command(text{
		use: "withdraw DATASET --version N", short: "End a version for good; runs on it die within seconds (data steward)",
		example: "  sluice dataset withdraw health-visits --version 1",
	}, func(c *call) error {
		withdrawn, err := c.Datasets.Withdraw(c.ctx, c.args[0], number)
		return one(c, withdrawn, err, versionFields())
	})
	return ofVersion(cmd, &number)
}

// ofVersion adds the flag that names a version.
func ofVersion(cmd *cobra.Command, number *int) *cobra.Command {
	cmd.Flags().IntVar(number, "version", 0, "number of the version (needed)")
	return need(cmd, "version")
}
