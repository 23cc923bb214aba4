package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// newToken lets other programs speak for the caller without ever seeing the key.
func newToken() *cobra.Command {
	return command(text{
		use:     "token",
		example: "  sluice token\n  sluice token --profile kaifa.json -o json",
	}, printToken)
}

// printToken prints the bare token as a table of one cell: what a shell puts into a header.
func printToken(c *call) error {
	token, err := c.Token(c.ctx)
	if err != nil {
		return err
	}
	if token.AccessToken == "" {
		return failed("token.none")
	}
	if c.form != formTable {
		return c.encode(token)
	}
	_, err = fmt.Fprintln(c.out, printable(token.AccessToken))
	return err
}
