package main

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trust"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/messages"
	"github.com/sluicedata/sluice/gateway/wire"
)

func TestTablesAlignWideCharacters(t *testing.T) {
	var out bytes.Buffer
	if err := printRows(&out, [][]string{{"NAME", "STATE"}, {"运营公司", "a"}, {"x", "b"}}); err != nil {
		t.Fatal(err)
	}
	want := "NAME      STATE\n运营公司  a\nx         b\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// speaking is a call in a language, with a clock that stands still.
func speaking(t *testing.T, l messages.Language) *call {
	t.Helper()
	said, err := texts.In(l)
	if err != nil {
		t.Fatal(err)
	}
	cmd := &cobra.Command{Use: "test"}
	globalFlags(cmd.Flags())
	now := time.Date(2026, 11, 23, 9, 30, 0, 0, calendar.Zone()) // a Monday
	return &call{Texts: said, cmd: cmd, form: formTable, out: io.Discard, tell: io.Discard, now: func() time.Time { return now }}
}

// Texts of other people never steer the terminal of who reads them.
func TestTextsCannotSteerTheTerminal(t *testing.T) {
	var out bytes.Buffer
	if err := printRows(&out, [][]string{{"a\x1b[2Jb\nc", "d\u202ee"}}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.ContainsAny(got, "\x1b\u202e") || strings.Count(got, "\n") != 1 {
		t.Errorf("got %q", got)
	}
	problem := wire.Problem{Status: 403, Code: "a", Reasons: []wire.Reason{{Code: "b", What: []string{"\x1b[31m"}}}}
	if got := speaking(t, messages.English).explain(&client.Problem{Problem: problem}).Error(); strings.Contains(got, "\x1b") {
		t.Errorf("got %q", got)
	}
}

func TestFormsOfAResult(t *testing.T) {
	value := wire.Org{Number: "ORG-0001", Name: "a: <b>", Capacities: []string{"yes", "1"}}
	for form, want := range map[string]string{
		formJSON: "\"name\": \"a: <b>\"",
		formYAML: "number: ORG-0001\nname: 'a: <b>'\ncapacities:\n  - \"yes\"\n  - \"1\"\n",
	} {
		var out bytes.Buffer
		c := speaking(t, messages.English)
		c.out, c.form = &out, form
		if err := one(c, value, nil, orgFields(c)); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: got\n%s", form, out.String())
		}
	}
	var out bytes.Buffer
	c := speaking(t, messages.English)
	c.out, c.form = &out, formJSON
	if err := many(c, nil, nil, orgFields(c)); err != nil || out.String() != "[]\n" {
		t.Errorf("an empty list: got %q, %v", out.String(), err)
	}
}

// A refusal tells every reason with names and remedy, and gives its own exit code.
func TestRefusalsTeach(t *testing.T) {
	problem := &client.Problem{Problem: wire.Problem{
		Status: 403, Code: "columns.outside_grant", RequestID: "r1",
		Reasons: []wire.Reason{
			{Code: "columns.outside_grant", Input: "visits", What: []string{"name", "phone"}, Remedy: "Ask for a grant of these columns."},
			{Code: "term.expired", Remedy: "Ask for a new term."},
		},
	}}
	for language, want := range map[messages.Language]string{
		messages.English: `refused, for 2 reasons
  columns.outside_grant (input visits): name, phone
      the column is not in the grant → Ask for a grant of these columns.
  term.expired
      the term is over → Ask for a new term.
  request r1`,
		messages.Chinese: `被拒绝，理由 2 项
  columns.outside_grant（输入 visits）: name, phone
      字段不在授权范围内 → Ask for a grant of these columns.
  term.expired
      期限已届满 → Ask for a new term.
  请求编号 r1`,
	} {
		err := speaking(t, language).explain(fmt.Errorf("submitting: %w", problem))
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Error(diff)
		}
		if got := exitCode(err); got != exitRefused {
			t.Errorf("exit code %d", got)
		}
	}
}

func TestFailuresHaveTheirExitCodes(t *testing.T) {
	status := func(code int, p wire.Problem) error {
		p.Status = code
		return &client.Problem{Problem: p}
	}
	c := speaking(t, messages.English)
	for want, errs := range map[int][]error{
		exitUsage:   {status(400, wire.Problem{}), status(422, wire.Problem{}), fault.Bad("x"), usageError{errors.New("x")}, usage("vote.seat")},
		exitRefused: {status(403, wire.Problem{})},
		exitUnknown: {status(404, wire.Problem{}), unknown("output.unknown")},
		exitTimeout: {status(504, wire.Problem{}), late("waited")},
		exitFailed:  {status(401, wire.Problem{}), status(409, wire.Problem{From: "a"}), status(500, wire.Problem{}), errors.New("x"), failed("verify.not")},
	} {
		for _, err := range errs {
			if got := exitCode(c.explain(err)); got != want {
				t.Errorf("%v: exit code %d, want %d", err, got, want)
			}
		}
	}
}

// A log under a key that was revoked does not verify.
func TestRevokedKeysSignNoLog(t *testing.T) {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	key := trust.Key{Purpose: trust.Checkpoint, Public: public}
	if got := len(checkpointKeys(trust.Document{Keys: []trust.Key{key}})); got != 1 {
		t.Errorf("a good key: got %d keys", got)
	}
	key.RevokedAt = &now
	if got := len(checkpointKeys(trust.Document{Keys: []trust.Key{key}})); got != 0 {
		t.Errorf("a revoked key: got %d keys", got)
	}
}

// A proof of another entry, or of another tree, is not shown as one.
func TestProofsMustFitTheirEntry(t *testing.T) {
	entry := trace.Entry{ID: "0198f0aa-0000-7000-8000-000000000001", Time: time.UnixMilli(1), Salt: make([]byte, trace.SaltSize), Body: []byte("{}")}
	leaf, err := entry.Leaf()
	if err != nil {
		t.Fatal(err)
	}
	root := tlog.RecordHash(leaf)
	good := wire.ProvenEntry{
		Entry: wire.TraceEntry{ID: entry.ID, At: entry.Time, Salt: entry.Salt, Body: entry.Body},
		Proof: wire.TraceProof{Leaf: leaf, Size: 1, Checkpoint: "log\n1\n" + root.String() + "\n"},
	}
	if err := fits(good); err != nil {
		t.Fatal(err)
	}
	body, tree := good, good
	body.Entry.Body = []byte(`{"v":2}`)
	tree.Proof.Checkpoint = "log\n1\n" + tlog.Hash{}.String() + "\n"
	for situation, bad := range map[string]wire.ProvenEntry{"another body": body, "another tree": tree} {
		if fits(bad) == nil {
			t.Errorf("%s: was taken", situation)
		}
	}
}
