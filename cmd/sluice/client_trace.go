package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/gateway/wire"
)

func newTrace() *cobra.Command {
	return noun(text{
		use: "trace", example: "  sluice trace query --decision deny\n  sluice trace export --dir log\n  sluice trace verify --dir log --root root.pub --trust product/trust.json",
	}, traceQuery(), traceProve(), traceVerify(), traceExport(), traceLineage())
}

// entry is a trace entry with its body read.
type entry struct {
	wire.TraceEntry
	body trace.Body
}

// readEntry reads an entry's body; an erased one has none.
func readEntry(e wire.TraceEntry) (entry, error) {
	out := entry{TraceEntry: e}
	if len(e.Body) == 0 {
		return out, nil
	}
	if err := json.Unmarshal(e.Body, &out.body); err != nil {
		return out, failed("entry.unreadable", "index", e.Index).because(err)
	}
	return out, nil
}

func entryFields(c *call) []field[entry] {
	return []field[entry]{
		{"index", func(e entry) string { return fmt.Sprint(e.Index) }},
		{"at", func(e entry) string { return when(e.At) }},
		{"act", func(e entry) string { return e.body.Act }},
		{"decision", func(e entry) string { return word(c, e.body.Decision) }},
		{"object", entryObject},
		{"by", entryActor},
		{"reasons", func(e entry) string { return strings.Join(e.body.Reasons, ", ") }},
		{"id", func(e entry) string { return e.ID }},
	}
}

func entryObject(e entry) string {
	return strings.TrimSpace(e.body.Object.Kind + " " + e.body.Object.Name)
}

// entryActor names a process, or a person by the first digits of their hash.
func entryActor(e entry) string {
	const digits = 8
	if e.body.Actor.Process != "" {
		return e.body.Actor.Process
	}
	return e.body.Actor.Member[:min(digits, len(e.body.Actor.Member))]
}

func traceQuery() *cobra.Command {
	var f trace.Filter
	cmd := command(text{
		use: "query", example: "  sluice trace query --decision deny --limit 20\n  sluice trace query --act job.submit --object J-2026-0001 -o json\n  sluice trace query --who zhang.wei --since 2026-11-01 --until 2026-11-30",
	}, func(c *call) error {
		if f.Decision != "" && f.Decision != trace.Allow && f.Decision != trace.Deny {
			return usage("query.decision")
		}
		all, err := c.Trace.Query(c.ctx, f)
		if err != nil || c.form != formTable {
			return many(c, all, err, []field[wire.TraceEntry]{})
		}
		entries := make([]entry, 0, len(all))
		for _, e := range all {
			read, err := readEntry(e)
			if err != nil {
				return err
			}
			entries = append(entries, read)
		}
		return many(c, entries, nil, entryFields(c))
	})
	flags := cmd.Flags()
	flags.StringVar(&f.Act, "act", "", "")
	flags.StringVar(&f.Decision, "decision", "", "")
	flags.StringVar(&f.Object, "object", "", "")
	flags.StringVar(&f.Who, "who", "", "")
	flags.StringVar(&f.Org, "org", "", "")
	flags.StringVar(&f.Since, "since", "", "")
	flags.StringVar(&f.Until, "until", "", "")
	flags.Int64Var(&f.Before, "before", 0, "")
	flags.IntVar(&f.Limit, "limit", 0, "")
	return cmd
}

func traceProve() *cobra.Command {
	return command(text{
		use: "prove ENTRY", example: "  sluice trace prove 0198f0aa-0000-7000-8000-000000000001\n  sluice trace prove 0198f0aa-0000-7000-8000-000000000001 -o json",
	}, func(c *call) error {
		proven, err := c.Trace.Prove(c.ctx, c.args[0])
		if err != nil {
			return err
		}
		if err := fits(proven); err != nil {
			return failed("verify.not").because(err)
		}
		return one(c, proven, nil, proofFields(c))
	})
}

// fits checks that a proof is of its entry and holds under its own checkpoint. Who signed that checkpoint is
// for `trace verify` to say, which has the log's keys.
func fits(p wire.ProvenEntry) error {
	e := trace.Entry{ID: p.Entry.ID, Time: p.Entry.At, Salt: p.Entry.Salt, Body: p.Entry.Body}
	if _, err := trace.VerifyBodies(p.Proof.Index, [][]byte{p.Proof.Leaf}, []trace.Entry{e}); err != nil {
		return err
	}
	head, err := trace.ReadCheckpoint(p.Proof.Checkpoint)
	if err != nil {
		return err
	}
	if tlog.CheckRecord(p.Proof.Hashes, head.Size, head.Root, p.Proof.Index, tlog.RecordHash(p.Proof.Leaf)) != nil {
		return trace.ErrProof
	}
	return nil
}

func proofFields(c *call) []field[wire.ProvenEntry] {
	var fields []field[wire.ProvenEntry]
	for _, f := range entryFields(c) {
		fields = append(fields, field[wire.ProvenEntry]{f.head, func(p wire.ProvenEntry) string {
			read, err := readEntry(p.Entry)
			if err != nil {
				return c.Say("unreadable")
			}
			return f.of(read)
		}})
	}
	return append(fields,
		field[wire.ProvenEntry]{"tree size", func(p wire.ProvenEntry) string { return number(p.Proof.Size) }},
		field[wire.ProvenEntry]{"proof", func(p wire.ProvenEntry) string { return c.Say("proof.hashes", "n", len(p.Proof.Hashes)) }},
	)
}

func traceLineage() *cobra.Command {
	return command(text{
		use: "lineage DIGEST", example: "  sluice trace lineage sha256:0f3c…",
	}, func(c *call) error {
		chains, err := c.Trace.Lineage(c.ctx, c.args[0])
		if err != nil || c.form != formTable {
			return many(c, chains, err, []field[wire.Chain]{})
		}
		var b strings.Builder
		for _, chain := range chains {
			b.WriteString(chainText(c, chain))
		}
		if b.Len() == 0 {
			c.note("lineage.none")
		}
		return c.write([]byte(printable(b.String())))
	})
}

// chainText draws the lineage of one job, from what left down to the bytes.
func chainText(c *call, chain wire.Chain) string {
	var b strings.Builder
	line := func(key string, pairs ...any) { b.WriteString(c.Say(key, pairs...) + "\n") }
	line("lineage.job", "job", chain.Job, "state", word(c, chain.State), "code", chain.Code)
	for _, o := range chain.Outputs {
		line("lineage.output", "output", o.Name, "state", word(c, o.State), "digest", o.Digest)
		for _, v := range o.Votes {
			line("lineage.vote", "seat", word(c, v.Seat), "decision", word(c, v.Decision), "digest", v.Digest)
		}
		if o.Release != "" {
			line("lineage.release", "release", o.Release, "entry", o.Leaf)
		}
	}
	for _, in := range chain.Inputs {
		line("lineage.input", "input", in.Name, "dataset", in.Dataset, "version", in.Version, "manifest", in.Manifest)
		line("lineage.columns", "columns", joined(in.Columns))
		line("lineage.rights", "grant", in.Grant, "agreement", in.Agreement, "registration", orDash(in.Registration))
		for _, p := range in.Parts {
			line("lineage.part", "part", p)
		}
	}
	return b.String()
}
