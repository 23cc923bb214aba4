package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	votes "github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

func newReview() *cobra.Command {
	return noun(text{
		use: "review", short: "Output review: two seats, signed votes",
		example: "  sluice review open --job J-2026-0001 --output visits_by_plan --context 年度报告\n" +
			"  sluice review vote Q-2026-0001 --seat operator --approve",
	}, reviewOpen(), reviewVote(), reviewShow(), reviewList())
}

func requestFields() []field[wire.Request] {
	return []field[wire.Request]{
		{"request", func(r wire.Request) string { return r.Number }},
		{"state", func(r wire.Request) string { return r.State }},
		{"job", func(r wire.Request) string { return r.Output.Job }},
		{"output", func(r wire.Request) string { return r.Output.Name }},
		{"voted", func(r wire.Request) string { return joined(r.Voted) }},
		{"votes shown", requestVotes},
		{"release", func(r wire.Request) string { return r.Release }},
		{"opened", func(r wire.Request) string { return when(r.OpenedAt) }},
		{"ended", func(r wire.Request) string { return whenever(r.EndedAt) }},
	}
}

func requestVotes(r wire.Request) string {
	var seen []string
	for _, v := range r.Votes {
		seen = append(seen, string(v.Seat)+": "+string(v.Decision))
	}
	return strings.Join(seen, ", ")
}

// detailFields are what one request tells beyond a line of the list.
func detailFields() []field[wire.Request] {
	return append(requestFields(),
		field[wire.Request]{"context", func(r wire.Request) string { return r.Context }},
		field[wire.Request]{"table", func(r wire.Request) string { return schemaText(r.Output.Schema) }},
		field[wire.Request]{"findings", func(r wire.Request) string { return strings.Join(findingCodes(r.Output), ", ") }},
		field[wire.Request]{"output digest", func(r wire.Request) string { return r.Output.Digest }},
		field[wire.Request]{"evidence digest", func(r wire.Request) string { return r.Output.Evidence }},
		field[wire.Request]{"policy revision", func(r wire.Request) string { return r.Revision }},
	)
}

func reviewOpen() *cobra.Command {
	var spec wire.RequestSpec
	cmd := command(text{
		use: "open --job JOB --output OUTPUT --context TEXT", short: "Ask for the review of an output (developer or security officer)",
		example: `  sluice review open --job J-2026-0001 --output visits_by_plan --context "Visits by plan, for the yearly report"`,
	}, func(c *call) error {
		r, err := c.Requests.Open(c.ctx, spec)
		return one(c, r, err, detailFields())
	})
	f := cmd.Flags()
	f.StringVar(&spec.Job, "job", "", "number of the job (needed)")
	f.StringVar(&spec.Context, "context", "", "why it is safe and what it is for (needed)")
	f.StringVar(&spec.Output, "output", "", "name of the output (needed)")
	return need(cmd, "job", "output", "context")
}

// ballotFlags are the flags of a vote.
type ballotFlags struct {
	seat, digest            string
	approve, sendBack, deny bool
}

func reviewVote() *cobra.Command {
	var b ballotFlags
	cmd := command(text{
		use: "vote REQUEST --seat SEAT", short: "Vote for your seat, signed with your own key",
		long: `Fetches the request, shows the statement, and signs it with the key of your profile: it names the digests of the
output and of the evidence beside it, so that one changed byte voids the vote. The votes of the two seats are sealed from
each other until both are in; the worse one wins. --digest signs only when the output still is the one you reviewed.`,
		example: "  sluice review vote Q-2026-0001 --seat operator --approve\n" +
			"  sluice review vote Q-2026-0001 --seat agency --reject --digest sha256:0f3c…",
	}, func(c *call) error { return vote(c, b) })
	f := cmd.Flags()
	f.StringVar(&b.seat, "seat", "", "your seat: operator or agency (needed)")
	f.BoolVar(&b.approve, "approve", false, "let it out")
	f.BoolVar(&b.sendBack, "return", false, "send it back to be handed in anew")
	f.BoolVar(&b.deny, "reject", false, "refuse it")
	f.StringVar(&b.digest, "digest", "", "sign only when the output has this digest")
	return need(cmd, "seat")
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
		return "", usageError{errors.New("give one of --approve, --return and --reject")}
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
		return usageError{errors.New("--seat is operator or agency")}
	}
	statement, err := c.Requests.Statement(c.ctx, c.args[0], seat, choice)
	if err != nil {
		return err
	}
	if b.digest != "" && b.digest != string(statement.Digest) {
		return toldError{text: "not signed: the output is not the one with the digest you gave", code: exitFailed}
	}
	c.note("%s", statementText(statement))
	r, err := c.Requests.Cast(c.ctx, c.args[0], statement)
	return one(c, r, err, detailFields())
}

// statementText shows what is signed, member by member.
func statementText(v votes.Vote) string {
	return fmt.Sprintf(`signing:
  request   %s
  seat      %s
  decision  %s
  output    %s
  evidence  %s
  policy    %s
  voter     %s
  expires   %s`, v.Request, v.Seat, v.Decision, v.Digest, v.Evidence, v.Revision, v.Voter, when(v.Expiry))
}

func reviewShow() *cobra.Command {
	return command(text{
		use: "show REQUEST", short: "Show a request to its seats: code, table, findings, votes that may be seen",
		example: "  sluice review show Q-2026-0001",
	}, func(c *call) error {
		r, err := c.Requests.Show(c.ctx, c.args[0])
		if err := one(c, r, err, detailFields()); err != nil || c.form != formTable {
			return err
		}
		return c.write([]byte("\n" + printable(strings.TrimRight(r.Code, "\n")) + "\n"))
	})
}

func reviewList() *cobra.Command {
	return command(text{
		use: "list", short: "List the requests your organization has a seat in",
		example: "  sluice review list",
	}, func(c *call) error {
		all, err := c.Requests.List(c.ctx)
		return many(c, all, err, requestFields())
	})
}
