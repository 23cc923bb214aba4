package main

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/gateway/wire"
)

func datasetTwin() *cobra.Command {
	var number int
	var wait bool
	cmd := change(text{
		use: "twin DATASET DATA --version N", example: "  sluice dataset twin health-visits invented.csv --version 1 --wait\n" +
			"  sluice dataset twin health-visits 示例.xlsx --sheet 虚构 --version 3",
	}, func(c *call) error { return sendTwin(c, number, wait) })
	cmd.Flags().BoolVar(&wait, "wait", false, "")
	return waits(ofVersion(sourceFlags(cmd), &number))
}

// sendTwin uploads a file of invented rows and declares it a version's twin, under the caller's own key.
func sendTwin(c *call, number int, wait bool) error {
	slug, path := c.args[0], c.args[1]
	file, err := os.Open(path)
	if err != nil {
		return usage("file.unreadable", "path", path).because(err)
	}
	defer func() { _ = file.Close() }()
	sent, err := sendFile(c, slug, file)
	if err != nil {
		return err
	}
	v, err := c.Datasets.Twin(c.ctx, slug, number, sent)
	if err == nil && wait {
		v, err = await(c, func(ctx context.Context) (wire.Version, error) {
			return c.Datasets.ShowVersion(ctx, slug, number)
		}, func(v wire.Version) (string, bool) {
			return c.Say("twin.checking"), v.Twin != nil && v.Twin.State != string(dataset.TwinChecking)
		})
	}
	if err := one(c, v, err, versionFields(c)); err != nil || !wait {
		return err
	}
	return refusedTwin(c, v)
}

// refusedTwin tells why a twin may not stand for its version.
func refusedTwin(c *call, v wire.Version) error {
	if v.Twin == nil || v.Twin.Refusal == nil {
		return nil
	}
	var b strings.Builder
	b.WriteString(c.Say("twin.refused", "number", v.Number))
	tellRefusal(c, &b, *v.Twin.Refusal)
	return toldError{text: printable(b.String()), code: exitFailed}
}

// twinText tells where the twin that was sent last stands, and whether another one is in use.
func twinText(c *call, v wire.Version) string {
	switch t := v.Twin; {
	case t == nil:
		return ""
	case t.InUse == t.File:
		return c.Say("twin.in_use", "rows", number(t.Rows), "file", t.File)
	case t.InUse != "":
		return c.Say("twin.other_in_use", "state", word(c, t.State), "file", t.InUse)
	default:
		return word(c, t.State)
	}
}
