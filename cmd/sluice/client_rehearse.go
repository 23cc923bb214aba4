package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
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

// ended prints what an end left. Rehearsed, it shows what would be sent, and the jobs that would end with it.
func ended[V any](c *call, v V, err error, fields []field[V], stops func() ([]wire.Stop, error)) error {
	would := rehearsed(err)
	if would == nil {
		return one(c, v, err, fields)
	}
	c.note("rehearsed")
	all, err := stops()
	if err != nil {
		return err
	}
	c.note("rehearsed.stops", "n", number(len(all)))
	return tellRehearsed(c, would, "stops", all, []field[wire.Stop]{
		{"job", func(s wire.Stop) string { return s.Number }},
		{"operator", func(s wire.Stop) string { return s.Operator }},
		{"mode", func(s wire.Stop) string { return word(c, s.Mode) }},
		{"state", func(s wire.Stop) string { return word(c, s.State) }},
		{"since", func(s wire.Stop) string { return when(s.CreatedAt) }},
	})
}

// rehearseProposal shows what a proposal would send, and where it goes beyond what bounds it: then it would be refused.
func rehearseProposal(c *call, would *client.Rehearsed, spec wire.GrantSpec) error {
	c.Earnest()
	all, err := c.Grants.Check(c.ctx, spec)
	if err != nil {
		return err
	}
	c.note("rehearsed")
	if err := tellRehearsed(c, would, "comparison", all, comparisonFields(c)); err != nil {
		return err
	}
	beyond := slices.DeleteFunc(all, func(k wire.Comparison) bool { return len(k.Beyond) == 0 })
	if len(beyond) > 0 {
		return toldError{text: c.Say("rehearsed.beyond", "n", number(len(beyond))), code: exitRefused}
	}
	return nil
}

// tellRehearsed shows what would have been sent, and below it what the server says of that.
func tellRehearsed[V any](c *call, would *client.Rehearsed, name string, all []V, fields []field[V]) error {
	if c.form != formTable {
		told := map[string]any{"method": would.Method, "path": would.Path, name: all}
		if len(would.Body) > 0 {
			told["body"] = would.Body
		}
		return c.encode(told)
	}
	if err := c.writeRehearsed(would); err != nil || len(all) == 0 {
		return err
	}
	if err := c.write([]byte("\n")); err != nil {
		return err
	}
	return many(c, all, nil, fields)
}

// writeRehearsed prints what would have been sent for people to read.
func (c *call) writeRehearsed(r *client.Rehearsed) error {
	text := fmt.Sprintf("%s %s\n", r.Method, r.Path)
	if len(r.Body) > 0 {
		var body bytes.Buffer
		if err := json.Indent(&body, r.Body, "", "  "); err != nil {
			return texts.Wrong("answer.not_encoded").Because(err)
		}
		text += body.String() + "\n"
	}
	return c.write([]byte(printable(text)))
}
