package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	votes "github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

func newReview() *cobra.Command {
	return noun(text{
		use: "review", example: "  sluice review open --job J-2026-0001 --output visits_by_plan --context 年度报告\n" +
			"  sluice review vote Q-2026-0001 --seat operator --approve",
	}, reviewOpen(), reviewVote(), reviewComment(), reviewReturn(), reviewWithdraw(), reviewResubmit(), reviewShow(), reviewList())
}

func requestFields(c *call) []field[wire.Request] {
	return []field[wire.Request]{
		{"request", func(r wire.Request) string { return r.Number }},
		{"state", func(r wire.Request) string { return word(c, r.State) }},
		{"job", func(r wire.Request) string { return r.Output.Job }},
		{"output", func(r wire.Request) string { return r.Output.Name }},
		{"voted", func(r wire.Request) string { return words(c, r.Voted) }},
		{"votes shown", func(r wire.Request) string { return requestVotes(c, r) }},
		{"release", func(r wire.Request) string { return r.Release }},
		{"opened", func(r wire.Request) string { return when(r.OpenedAt) }},
		{"ended", func(r wire.Request) string { return whenever(r.EndedAt) }},
	}
}

func requestVotes(c *call, r wire.Request) string {
	var seen []string
	for _, v := range r.Votes {
		seen = append(seen, word(c, v.Seat)+": "+word(c, v.Decision))
	}
	return c.list(seen)
}

// detailFields are what one request tells beyond a line of the list.
func detailFields(c *call) []field[wire.Request] {
	return append(append(requestFields(c), roundFields(c)...),
		field[wire.Request]{"context", func(r wire.Request) string { return r.Context }},
		field[wire.Request]{"table", func(r wire.Request) string { return schemaText(c, r.Output.Schema) }},
		field[wire.Request]{"findings", func(r wire.Request) string { return strings.Join(findingCodes(r.Output), ", ") }},
		field[wire.Request]{"output digest", func(r wire.Request) string { return r.Output.Digest }},
		field[wire.Request]{"evidence digest", func(r wire.Request) string { return r.Output.Evidence }},
		field[wire.Request]{"policy revision", func(r wire.Request) string { return r.Revision }},
	)
}

func reviewOpen() *cobra.Command {
	var spec wire.RequestSpec
	cmd := change(text{
		use: "open --job JOB --output OUTPUT --context TEXT", example: `  sluice review open --job J-2026-0001 --output visits_by_plan --context "Visits by plan, for the yearly report"`,
	}, func(c *call) error {
		r, err := c.Requests.Open(c.ctx, spec)
		return one(c, r, err, detailFields(c))
	})
	f := cmd.Flags()
	f.StringVar(&spec.Job, "job", "", "")
	f.StringVar(&spec.Context, "context", "", "")
	f.StringVar(&spec.Output, "output", "", "")
	return need(cmd, "job", "output", "context")
}

// ballotFlags are the flags of a vote.
type ballotFlags struct {
	seat, digest, text            string
	approve, sendBack, deny, wait bool
}

func reviewVote() *cobra.Command {
	var b ballotFlags
	cmd := change(text{
		use: "vote REQUEST --seat SEAT", example: "  sluice review vote Q-2026-0001 --seat operator --approve\n" +
			`  sluice review vote Q-2026-0001 --seat agency --reject --text "It goes beyond the granted purpose" --digest sha256:0f3c…`,
	}, func(c *call) error { return vote(c, b) })
	f := cmd.Flags()
	f.StringVar(&b.seat, "seat", "", "")
	f.BoolVar(&b.approve, "approve", false, "")
	f.BoolVar(&b.sendBack, "return", false, "")
	f.BoolVar(&b.deny, "reject", false, "")
	f.StringVar(&b.digest, "digest", "", "")
	f.StringVar(&b.text, "text", "", "")
	return need(awaits(cmd, &b.wait), "seat")
}

// choice is what the flags say: exactly one of three.
func (b ballotFlags) choice() (votes.Choice, error) {
	var said []votes.Choice
	for choice, given := range map[votes.Choice]bool{votes.Approve: b.approve, votes.Return: b.sendBack, votes.Reject: b.deny} {
		if given {
			said = append(said, choice)
		}
	}
	if len(said) != 1 {
		return "", usage("vote.choice")
	}
	return said[0], nil
}

func vote(c *call, b ballotFlags) error {
	choice, err := b.choice()
	if err != nil {
		return err
	}
	seat := votes.Seat(b.seat)
	if !client.KnownSeat(b.seat) {
		return usage("vote.seat")
	}
	if votes.Reasoned(choice, b.text) != nil { // before anything is signed
		return usage("vote.text")
	}
	statement, err := c.Requests.Statement(c.ctx, c.args[0], seat, choice)
	if err != nil {
		return err
	}
	if b.digest != "" && b.digest != string(statement.Digest) {
		return failed("vote.other_digest")
	}
	c.speak(statementText(c, statement))
	r, err := c.Requests.Cast(c.ctx, c.args[0], statement, b.text)
	if err == nil && b.wait {
		r, err = awaitRequest(c, c.args[0])
	}
	return one(c, r, err, detailFields(c))
}

// awaitRequest waits until a request was sent back, taken back, refused, or led to its release.
func awaitRequest(c *call, number string) (wire.Request, error) {
	return await(c, func(ctx context.Context) (wire.Request, error) { return c.Requests.Show(ctx, number) },
		func(r wire.Request) (string, bool) {
			return number + " " + word(c, r.State), slices.Contains([]string{"returned", "withdrawn", "rejected", "released"}, r.State)
		})
}

// statementText shows what is signed, member by member.
func statementText(c *call, v votes.Vote) string {
	var rows [][]string
	for _, member := range [][2]string{
		{"request", string(v.Request)}, {"seat", word(c, v.Seat)}, {"decision", word(c, v.Decision)},
		{"output", string(v.Digest)}, {"evidence", string(v.Evidence)}, {"policy", v.Revision},
		{"voter", string(v.Voter)}, {"expires", when(v.Expiry)},
	} {
		rows = append(rows, []string{"  " + c.Head(member[0]), member[1]})
	}
	var b strings.Builder
	_ = printRows(&b, rows) // a builder takes everything
	return c.Say("vote.signing") + "\n" + strings.TrimRight(b.String(), "\n")
}

func reviewShow() *cobra.Command {
	return command(text{
		use: "show REQUEST", example: "  sluice review show Q-2026-0001",
	}, func(c *call) error {
		r, err := c.Requests.Show(c.ctx, c.args[0])
		if err := request(c, r, err); err != nil || c.form != formTable {
			return err
		}
		return c.write([]byte("\n" + printable(strings.TrimRight(r.Code, "\n")) + "\n"))
	})
}

func reviewList() *cobra.Command {
	return byState(command(text{
		use: "list", example: "  sluice review list --state in_review",
	}, func(c *call) error {
		all, err := c.Requests.List(c.ctx, c.narrow()...)
		return many(c, all, err, requestFields(c))
	}))
}
