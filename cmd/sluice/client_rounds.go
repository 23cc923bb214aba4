package main

import (
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	votes "github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/gateway/wire"
)

func reviewComment() *cobra.Command {
	var said wire.CommentSpec
	cmd := change(text{
		use: "comment REQUEST --text TEXT", example: `  sluice review comment Q-2026-0001 --text "Merge this cell with the one above" --row 2 --column 3`,
	}, func(c *call) error {
		r, err := c.Requests.Comment(c.ctx, c.args[0], said)
		return request(c, r, err)
	})
	f := cmd.Flags()
	f.StringVar(&said.Text, "text", "", "")
	f.Int64Var(&said.Row, "row", 0, "")
	f.IntVar(&said.Column, "column", 0, "")
	return need(cmd, "text")
}

func reviewReturn() *cobra.Command {
	var spec wire.ReturnSpec
	var why []string
	cmd := change(text{
		use: "return REQUEST --reason REASON", example: "  sluice review return Q-2026-0001 --reason context_unclear,table_unclear",
	}, func(c *call) error {
		for _, code := range why {
			if !slices.Contains(votes.Reasons(), votes.Reason(code)) {
				return usage("recall.reason", "known", joined(votes.Reasons()))
			}
			spec.Reasons = append(spec.Reasons, votes.Reason(code))
		}
		r, err := c.Requests.Return(c.ctx, c.args[0], spec)
		return request(c, r, err)
	})
	f := cmd.Flags()
	f.StringSliceVar(&why, "reason", nil, "")
	f.StringVar(&spec.Text, "text", "", "")
	return need(cmd, "reason")
}

func reviewWithdraw() *cobra.Command {
	return change(text{
		use: "withdraw REQUEST", example: "  sluice review withdraw Q-2026-0001",
	}, func(c *call) error {
		r, err := c.Requests.Withdraw(c.ctx, c.args[0])
		return request(c, r, err)
	})
}

func reviewResubmit() *cobra.Command {
	var spec wire.ResubmitSpec
	cmd := change(text{
		use: "resubmit REQUEST --context TEXT", example: `  sluice review resubmit Q-2026-0001 --job J-2026-0002 --context "The two smallest groups are merged now"`,
	}, func(c *call) error {
		r, err := c.Requests.Resubmit(c.ctx, c.args[0], spec)
		return request(c, r, err)
	})
	f := cmd.Flags()
	f.StringVar(&spec.Job, "job", "", "")
	f.StringVar(&spec.Output, "output", "", "")
	f.StringVar(&spec.Context, "context", "", "")
	return need(cmd, "context")
}

// request prints one request, and below it as a table what was said.
func request(c *call, r wire.Request, err error) error {
	if err := one(c, r, err, detailFields(c)); err != nil || c.form != formTable || len(r.Comments) == 0 {
		return err
	}
	if err := c.write([]byte("\n")); err != nil {
		return err
	}
	return many(c, r.Comments, nil, []field[votes.CommentView]{
		{"row", func(said votes.CommentView) string { return atPlace(said.Row) }},
		{"column", func(said votes.CommentView) string { return atPlace(int64(said.Column)) }},
		{"voice", func(said votes.CommentView) string { return word(c, said.Voice) }},
		{"when", func(said votes.CommentView) string { return when(said.WrittenAt) }},
		{"comment", func(said votes.CommentView) string { return said.Text }},
	})
}

// atPlace is a row or a column by its number, "" for none.
func atPlace(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// roundFields are where a request stands among those about one piece of work, and why it was sent back.
func roundFields(c *call) []field[wire.Request] {
	return []field[wire.Request]{
		{"follows", func(r wire.Request) string { return r.Follows }},
		{"followed by", func(r wire.Request) string { return r.FollowedBy }},
		{"returned by", func(r wire.Request) string {
			return returned(r, func(v *votes.ReturnView) string { return word(c, v.Seat) })
		}},
		{"reasons", func(r wire.Request) string {
			return returned(r, func(v *votes.ReturnView) string { return words(c, v.Reasons) })
		}},
		{"comment", func(r wire.Request) string { return returned(r, func(v *votes.ReturnView) string { return v.Text }) }},
	}
}

func returned(r wire.Request, what func(*votes.ReturnView) string) string {
	if r.Returned == nil {
		return ""
	}
	return what(r.Returned)
}

// returnReasons are the reasons to send a request back, for completion.
func returnReasons(c *call) []choice {
	return choices(votes.Reasons(), nil, func(r votes.Reason) choice { return choice{string(r), c.meaning(string(r))} })
}
