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
		use: "trace", short: "The log of every decision: read, prove, verify",
		example: "  sluice trace query --decision deny\n  sluice trace export --dir log\n  sluice trace verify --dir log --root root.pub --trust product/trust.json",
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
		return out, fmt.Errorf("reading entry %d: %w", e.Index, err)
	}
	return out, nil
}

func entryFields() []field[entry] {
	return []field[entry]{
		{"index", func(e entry) string { return fmt.Sprint(e.Index) }},
		{"at", func(e entry) string { return when(e.At) }},
		{"act", func(e entry) string { return e.body.Act }},
		{"decision", func(e entry) string { return e.body.Decision }},
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
		use: "query", short: "List entries, newest first: your organization's part, or all to the audit administrator",
		long:    "Lists entries. People appear as keyed hashes. Reading the trace is traced.",
		example: "  sluice trace query --decision deny --limit 20\n  sluice trace query --act job.submit --object J-2026-0001 -o json",
	}, func(c *call) error {
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
		return many(c, entries, nil, entryFields())
	})
	flags := cmd.Flags()
	flags.StringVar(&f.Act, "act", "", "only this act: noun.verb")
	flags.StringVar(&f.Decision, "decision", "", "only allow or deny")
	flags.StringVar(&f.Object, "object", "", "only acts on this number or name")
	flags.Int64Var(&f.Before, "before", 0, "only entries with a smaller index")
	flags.IntVar(&f.Limit, "limit", 0, "at most so many, 1 to 200; default 50")
	return cmd
}

func traceProve() *cobra.Command {
	return command(text{
		use: "prove ENTRY", short: "Show an entry with the proof that it is in the signed log",
		long: `Fetches an entry and its proof, and checks that they fit each other: the leaf commits to the body, and the tree of the
checkpoint holds the leaf. Who signed the checkpoint is checked by ` + "`sluice trace verify`" + `. -o json prints both in full.`,
		example: "  sluice trace prove 0198f0aa-0000-7000-8000-000000000001\n  sluice trace prove 0198f0aa-0000-7000-8000-000000000001 -o json",
	}, func(c *call) error {
		proven, err := c.Trace.Prove(c.ctx, c.args[0])
		if err != nil {
			return err
		}
		if err := fits(proven); err != nil {
			return toldError{text: "DOES NOT VERIFY: " + err.Error(), code: exitFailed, cause: err}
		}
		return one(c, proven, nil, proofFields())
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

func proofFields() []field[wire.ProvenEntry] {
	var fields []field[wire.ProvenEntry]
	for _, f := range entryFields() {
		fields = append(fields, field[wire.ProvenEntry]{f.head, func(p wire.ProvenEntry) string {
			read, err := readEntry(p.Entry)
			if err != nil {
				return "unreadable"
			}
			return f.of(read)
		}})
	}
	return append(fields,
		field[wire.ProvenEntry]{"tree size", func(p wire.ProvenEntry) string { return fmt.Sprint(p.Proof.Size) }},
		field[wire.ProvenEntry]{"proof", func(p wire.ProvenEntry) string { return fmt.Sprintf("%d hashes", len(p.Proof.Hashes)) }},
	)
}

func traceLineage() *cobra.Command {
	return command(text{
		use: "lineage DIGEST", short: "Follow a digest both ways: product, output, code, manifest or part",
		long:    "Shows every job a digest took part in, with all it read and wrote: back to the bytes, forward to what left.",
		example: "  sluice trace lineage sha256:0f3c…",
	}, func(c *call) error {
		chains, err := c.Trace.Lineage(c.ctx, c.args[0])
		if err != nil || c.form != formTable {
			return many(c, chains, err, []field[wire.Chain]{})
		}
		var b strings.Builder
		for _, chain := range chains {
			b.WriteString(chainText(chain))
		}
		if b.Len() == 0 {
			c.note("no job of your part of the trace read or wrote these bytes")
		}
		return c.write([]byte(printable(b.String())))
	})
}

// chainText draws the lineage of one job, from what left down to the bytes.
func chainText(chain wire.Chain) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s), code %s\n", chain.Job, chain.State, chain.Code)
	for _, o := range chain.Outputs {
		fmt.Fprintf(&b, "  → output %s (%s) %s\n", o.Name, o.State, o.Digest)
		for _, v := range o.Votes {
			fmt.Fprintf(&b, "      vote %s: %s %s\n", v.Seat, v.Decision, v.Digest)
		}
		if o.Release != "" {
			fmt.Fprintf(&b, "      release %s, trace entry %s\n", o.Release, o.Leaf)
		}
	}
	for _, in := range chain.Inputs {
		fmt.Fprintf(&b, "  ← input %s: %s version %d, manifest %s\n", in.Name, in.Dataset, in.Version, in.Manifest)
		fmt.Fprintf(&b, "      columns %s\n", strings.Join(in.Columns, ", "))
		fmt.Fprintf(&b, "      grant %s, agreement %s, registration %s\n", in.Grant, in.Agreement, orDash(in.Registration))
		for _, p := range in.Parts {
			fmt.Fprintf(&b, "      part %s\n", p)
		}
	}
	return b.String()
}
