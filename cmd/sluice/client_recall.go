package main

import (
	"crypto/ed25519"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

func releaseRecall() *cobra.Command {
	cmd := command(text{
		use: "recall RELEASE --reason REASON", short: "Take a product back that has left",
		long: `From now on nobody gets the product here, and the keeper signs a statement by which "sluice release verify --online"
tells everybody who has it. Copies elsewhere stay where they are: tell their holders. A recall cannot be undone.`,
		example: "  sluice release recall D-2026-0001 --reason disclosure",
	}, func(c *call) error {
		why := release.Reason(c.flag("reason"))
		if !slices.Contains(release.Reasons(), why) {
			return usageError{fmt.Errorf("--reason is one of %s", joined(release.Reasons()))}
		}
		taken, err := c.Releases.Recall(c.ctx, c.args[0], why)
		return one(c, taken, err, releaseFields())
	})
	cmd.Flags().String("reason", "", "error, rights, disclosure or law (needed)")
	return need(cmd, "reason")
}

func releaseTrust() *cobra.Command {
	return command(text{
		use: "trust", short: "Print trust.json: which keys speak for the instance, signed by its root key",
		example: "  sluice release trust > trust.json",
	}, func(c *call) error {
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
		return toldError{text: printable("DOES NOT VERIFY under today's trust.json: " + err.Error()), code: exitFailed}
	}
	recalled, ok, err := client.VerifyRecall(statements, pkg.Product, document, root)
	if err != nil {
		return toldError{text: printable("the server's recalls DO NOT VERIFY: " + err.Error()), code: exitFailed}
	}
	if ok {
		return toldError{text: fmt.Sprintf("RECALLED on %s, reason: %s. Do not use it.", when(recalled.Recalled), recalled.Reason), code: exitFailed}
	}
	return nil
}
