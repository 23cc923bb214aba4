package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/gateway/wire"
)

func newDataset() *cobra.Command {
	return noun(text{
		use: "dataset", example: "  sluice dataset publish -f dataset.yaml --data visits.csv --wait\n  sluice dataset show health-visits",
	},
		datasetInspect(), datasetPublish(), datasetShow(), datasetList(), datasetColumns(), datasetTerms(), datasetVersion(), datasetProfile(), datasetTwin(),
		datasetPreview(), datasetFreeze(), datasetThaw(), datasetWithdraw(), datasetRetire(), datasetUsage(),
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
		{"parts", versionParts},
		{"manifest", func(v wire.Version) string { return v.Digest }},
		{"profile", func(v wire.Version) string { return v.Profile }},
		{"profile signed", func(v wire.Version) string { return c.yesNo(v.ProfileSigned) }},
		{"twin", func(v wire.Version) string { return twinText(c, v) }},
		{"since", func(v wire.Version) string { return when(v.CreatedAt) }},
	}
}

// versionParts names the parts, the newest last; of many, the first are counted.
func versionParts(v wire.Version) string {
	const shown = 6
	var names []string
	for _, p := range v.Parts {
		names = append(names, p.Label)
	}
	if more := len(names) - shown; more > 0 {
		return fmt.Sprintf("%d before, ", more) + strings.Join(names[more:], ", ")
	}
	return strings.Join(names, ", ")
}

func versionRows(v wire.Version) string {
	if v.Digest == "" {
		return ""
	}
	return number(v.Rows)
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
	return byFacet(command(text{
		use: "list", example: "  sluice dataset list --match 就诊 --level 2\n  sluice dataset list --provider ORG-0002 --state authorizable -o json",
	}, func(c *call) error {
		all, err := c.Datasets.List(c.ctx, c.narrow()...)
		return many(c, all, err, datasetFields(c))
	}))
}

func datasetColumns() *cobra.Command {
	return command(text{
		use: "columns DATASET", example: "  sluice dataset columns health-visits",
	}, func(c *call) error {
		all, err := c.Datasets.Columns(c.ctx, c.args[0])
		return many(c, all, err, []field[dataset.Column]{
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

func datasetVersion() *cobra.Command {
	var number int
	cmd := command(text{
		use:     "version DATASET --version N",
		example: "  sluice dataset version health-visits --version 3\n  sluice dataset version health-visits --version 3 -o yaml",
	}, func(c *call) error {
		v, err := c.Datasets.ShowVersion(c.ctx, c.args[0], number)
		if err := one(c, v, err, versionFields(c)); err != nil {
			return err
		}
		return refusedUpload(c, v)
	})
	return ofVersion(cmd, &number)
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
		return ended(c, frozen, err, datasetFields(c), stopsOf(c))
	})
}

// stopsOf lists what would end with the dataset a command names.
func stopsOf(c *call) func() ([]wire.Stop, error) {
	return func() ([]wire.Stop, error) { return c.Datasets.Stops(c.ctx, c.args[0]) }
}

func datasetThaw() *cobra.Command {
	return change(text{
		use: "thaw DATASET", example: "  sluice dataset thaw health-visits",
	}, func(c *call) error {
		thawed, err := c.Datasets.Thaw(c.ctx, c.args[0])
		return one(c, thawed, err, datasetFields(c))
	})
}

func datasetRetire() *cobra.Command {
	return change(text{
		use: "retire DATASET", example: "  sluice dataset retire health-visits --dry-run\n  sluice dataset retire health-visits",
	}, func(c *call) error {
		retired, err := c.Datasets.Retire(c.ctx, c.args[0])
		return ended(c, retired, err, datasetFields(c), stopsOf(c))
	})
}

func datasetWithdraw() *cobra.Command {
	var number int
	cmd := change(text{
		use: "withdraw DATASET --version N", example: "  sluice dataset withdraw health-visits --version 1",
	}, func(c *call) error {
		withdrawn, err := c.Datasets.Withdraw(c.ctx, c.args[0], number)
		return ended(c, withdrawn, err, versionFields(c), func() ([]wire.Stop, error) { return c.Datasets.VersionStops(c.ctx, c.args[0], number) })
	})
	return ofVersion(cmd, &number)
}

// ofVersion adds the flag that names a version.
func ofVersion(cmd *cobra.Command, number *int) *cobra.Command {
	cmd.Flags().IntVar(number, "version", 0, "")
	return need(cmd, "version")
}
