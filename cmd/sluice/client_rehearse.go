package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/gateway/client"
)

// rehearsable gives a command the flag that shows what it would send and sends nothing.
func rehearsable(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().Bool("dry-run", false, "")
	return cmd
}

// rehearses tells whether nothing may be changed.
func (c *call) rehearses() bool { return c.flag("dry-run") == "true" }

// rehearsed finds in an error what would have been sent.
func rehearsed(err error) *client.Rehearsed {
	var r *client.Rehearsed
	if errors.As(err, &r) {
		return r
	}
	return nil
}

// showRehearsed prints what would have been sent, and says what is not known before it is.
func (c *call) showRehearsed(r *client.Rehearsed) error {
	c.note("rehearsed")
	if r.Unsigned {
		c.note("rehearsed.unsigned")
	}
	if c.form != formTable {
		return c.encode(r)
	}
	return c.writeRehearsed(r)
}

// writeRehearsed prints what would have been sent for people to read.
func (c *call) writeRehearsed(r *client.Rehearsed) error {
	text := fmt.Sprintf("%s %s\n", r.Method, r.Path)
	if len(r.Body) > 0 {
		var body bytes.Buffer
		if err := json.Indent(&body, r.Body, "", "  "); err != nil {
			return fmt.Errorf("encoding request: %w", err)
		}
		text += body.String() + "\n"
	}
	return c.write([]byte(printable(text)))
}
