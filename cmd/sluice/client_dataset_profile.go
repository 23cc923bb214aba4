package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

func datasetProfile() *cobra.Command {
	var number int
	var wait bool
	var out string
	cmd := change(text{
		use: "profile DATASET --version N", example: "  sluice dataset profile health-visits --version 1 --wait\n" +
			"  sluice dataset profile health-visits --version 1 --out profile.json\n" +
			"  sluice dataset profile sign health-visits --version 1",
	}, func(c *call) error { return profile(c, number, wait || out != "", out) })
	cmd.Flags().BoolVar(&wait, "wait", false, "")
	cmd.Flags().StringVar(&out, "out", "", "")
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
		}, func(v wire.Version) (string, bool) { return c.Say("profile.computing"), v.Profile != "" })
	}
	if err == nil && out != "" {
		err = keepProfile(c, number, out)
	}
	return one(c, v, err, versionFields(c))
}

func keepProfile(c *call, number int, out string) error {
	body, err := c.Datasets.ShowProfile(c.ctx, c.args[0], number)
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, body, 0o600); err != nil {
		return failed("file.not_written", "path", out).because(err)
	}
	c.note("profile.written", "path", out)
	return nil
}

func profileSign() *cobra.Command {
	var number int
	var digest string
	cmd := change(text{
		use: "sign DATASET --version N", example: "  sluice dataset profile sign health-visits --version 1\n" +
			"  sluice dataset profile sign health-visits --version 1 --digest sha256:0f3c…",
	}, func(c *call) error { return signProfile(c, number, digest) })
	cmd.Flags().StringVar(&digest, "digest", "", "")
	return ofVersion(cmd, &number)
}

func signProfile(c *call, number int, digest string) error {
	v, err := c.Datasets.ShowVersion(c.ctx, c.args[0], number)
	if err != nil {
		return err
	}
	if digest != "" && v.Profile != digest {
		return failed("profile.other_digest")
	}
	v, err = c.Datasets.SignProfile(c.ctx, c.args[0], number)
	return one(c, v, err, versionFields(c))
}

func datasetPreview() *cobra.Command {
	var number int
	cmd := change(text{
		use: "preview DATASET --grant GRANT --version N", example: "  sluice dataset preview health-visits --grant G-2026-0001 --version 1",
	}, func(c *call) error { return preview(c, number) })
	cmd.Flags().String("grant", "", "")
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
	}, func(body []byte) (string, bool) { return c.Say("preview.cutting"), body != nil })
	if err != nil {
		return err
	}
	var table task.PreviewTable
	if err := json.Unmarshal(body, &table); err != nil {
		return texts.Wrong("answer.unreadable").Because(err)
	}
	if c.form != formTable {
		return c.encode(table)
	}
	return printRows(c.out, append([][]string{table.Columns}, table.Rows...))
}
