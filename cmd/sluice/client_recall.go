package main

import (
	"crypto/ed25519"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

func releaseRecall() *cobra.Command {
	cmd := change(text{
		use:     "recall RELEASE --reason REASON",
		example: "  sluice release recall D-2026-0001 --reason disclosure",
	}, func(c *call) error {
		why := release.Reason(c.flag("reason"))
		if !slices.Contains(release.Reasons(), why) {
			return usage("recall.reason", "known", joined(release.Reasons()))
		}
		taken, err := c.Releases.Recall(c.ctx, c.args[0], why)
		return one(c, taken, err, releaseFields(c))
	})
	cmd.Flags().String("reason", "", "")
	return need(cmd, "reason")
}

func releaseTrust() *cobra.Command {
	return command(text{
		use:     "trust",
		example: "  sluice release trust > trust.json",
	}, func(c *call) error {
		if c.form == formYAML {
			return usage("form.signed") // it would be other bytes than the root key signed
		}
		document, err := c.Releases.Trust(c.ctx)
		if err != nil {
			return err
		}
		return c.write(document)
	})
}

// notRecalled asks the server for the statements of recalls and looks for the product's among them.
func notRecalled(c *call, pkg wire.ReleasePackage, root ed25519.PublicKey) error {
	if err := c.connect(); err != nil {
		return err
	}
	statements, err := c.Releases.Recalls(c.ctx)
	if err != nil {
		return err
	}
	document, err := c.Releases.Trust(c.ctx)
	if err != nil {
		return err
	}
	// Today's trust.json may have ended a key that the package's own still lets sign.
	pkg.Trust = document
	if err := client.VerifyRelease(pkg, root); err != nil {
		return failed("verify.not_today").because(err)
	}
	recalled, ok, err := client.VerifyRecall(statements, pkg.Product, document, root)
	if err != nil {
		return failed("verify.recalls_not").because(err)
	}
	if ok {
		return failed("verify.recalled", "at", when(recalled.Recalled), "reason", word(c, recalled.Reason))
	}
	return nil
}
