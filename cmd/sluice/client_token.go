package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// newToken lets other programs speak for the caller without ever seeing the key.
func newToken() *cobra.Command {
	return command(text{
		use:   "token",
		short: "Print a fresh access token for another program",
		long: `Prints a token that another program may send as "Authorization: Bearer TOKEN". It is got anew by each call, with
the profile's key, which stays here. Whoever holds the token acts as you until it ends; -o json says in how many
seconds that is.`,
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
		return errors.New("the server gave no token")
	}
	if c.form != formTable {
		return c.encode(token)
	}
	_, err = fmt.Fprintln(c.out, printable(token.AccessToken))
	return err
}
