package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

func datasetProfile() *cobra.Command {
	var number int
	var wait bool
	var out string
	cmd := command(text{
		use: "profile DATASET --version N", short: "Have a version's profile computed (data steward)",
		long: `Has the profile of a version computed: what synthetic tables are made from. It holds declared domains and rounded
counts, never observed extremes. Read it (--out FILE) before you sign it.`,
		example: "  sluice dataset profile health-visits --version 1 --wait\n" +
			"  sluice dataset profile health-visits --version 1 --out profile.json\n" +
			"  sluice dataset profile sign health-visits --version 1",
	}, func(c *call) error { return profile(c, number, wait || out != "", out) })
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until it is computed")
	cmd.Flags().StringVar(&out, "out", "", "wait, and write the profile to this file")
	cmd.AddCommand(profileSign())
	return waits(ofVersion(cmd, &number))
}

// profile asks for a profile unless there is one, and fetches it where it is wanted.
func profile(c *call, number int, wait bool, out string) error {
	slug := c.args[0]
	v, err := c.Datasets.ShowVersion(c.ctx, slug, number)
	if err != nil {
		return err
	}
	if v.Profile == "" {
		if v, err = c.Datasets.Profile(c.ctx, slug, number); err != nil {
			return err
		}
	}
	if wait {
		v, err = await(c, func(ctx context.Context) (wire.Version, error) {
			return c.Datasets.ShowVersion(ctx, slug, number)
		}, func(v wire.Version) (string, bool) { return "computing the profile", v.Profile != "" })
	}
	if err == nil && out != "" {
		err = keepProfile(c, number, out)
	}
	return one(c, v, err, versionFields())
}

func keepProfile(c *call, number int, out string) error {
	body, err := c.Datasets.ShowProfile(c.ctx, c.args[0], number)
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, body, 0o600); err != nil {
		return fmt.Errorf("writing the profile: %w", err)
	}
	c.note("profile written to %s", out)
	return nil
}

func profileSign() *cobra.Command {
	var number int
	var digest string
	cmd := command(text{
		use: "sign DATASET --version N", short: "Sign a version's profile with your own key (data steward)",
		long: `Signs the profile with the key of your profile file: from then on debug runs may use it. The signature is over the
digests of the profile and of the version's manifest. --digest signs only when the profile still is the one you read.`,
		example: "  sluice dataset profile sign health-visits --version 1\n" +
			"  sluice dataset profile sign health-visits --version 1 --digest sha256:0f3c…",
	}, func(c *call) error { return signProfile(c, number, digest) })
	cmd.Flags().StringVar(&digest, "digest", "", "sign only when the profile has this digest")
	return ofVersion(cmd, &number)
}

func signProfile(c *call, number int, digest string) error {
	v, err := c.Datasets.ShowVersion(c.ctx, c.args[0], number)
	if err != nil {
		return err
	}
	if digest != "" && v.Profile != digest {
		return toldError{text: "not signed: the profile is not the one with the digest you gave", code: exitFailed}
	}
	v, err = c.Datasets.SignProfile(c.ctx, c.args[0], number)
	return one(c, v, err, versionFields())
}

func datasetPreview() *cobra.Command {
	var number int
	cmd := command(text{
		use: "preview DATASET --grant GRANT --version N", short: "Show what a grant shows, cut as for a run (data steward)",
		long:    "Cuts the version to the grant exactly as a run would get it, and shows the first rows. Each view is traced.",
		example: "  sluice dataset preview health-visits --grant G-2026-0001 --version 1",
	}, func(c *call) error { return preview(c, number) })
	cmd.Flags().String("grant", "", "number of the grant (needed)")
	return waits(need(ofVersion(cmd, &number), "grant"))
}

func preview(c *call, number int) error {
	slug := c.args[0]
	id, err := c.Datasets.Preview(c.ctx, slug, number, c.flag("grant"))
	if err != nil {
		return err
	}
	body, err := await(c, func(ctx context.Context) ([]byte, error) {
		body, err := c.Datasets.ShowPreview(ctx, slug, number, id)
		var problem *client.Problem
		if errors.As(err, &problem) && problem.Code == "work.under_way" {
			return nil, nil
		}
		return body, err
	}, func(body []byte) (string, bool) { return "cutting the table", body != nil })
	if err != nil {
		return err
	}
	var table task.PreviewTable
	if err := json.Unmarshal(body, &table); err != nil {
		return fmt.Errorf("reading the preview: %w", err)
	}
	if c.form != formTable {
		return c.encode(table)
	}
	return printRows(c.out, append([][]string{table.Columns}, table.Rows...))
}
