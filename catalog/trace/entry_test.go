package trace_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/trace"
)

// Erasing body and salt leaves every proof as it was; a changed body is found.
func TestErasure(t *testing.T) {
	dir, _ := openDir(t)
	c := extend(t, trace.NewSequencer(dir, signer(t, 1)), 0, 10)
	entries := make([]trace.Entry, 10)
	for i := range entries {
		entries[i] = entry(t, i)
	}
	all := leaves(t, 0, 10)
	if erased, err := trace.VerifyBodies(0, all, entries); err != nil || erased != 0 {
		t.Fatalf("sound: %d erased, %v", erased, err)
	}
	entries[4].Salt, entries[4].Body = nil, nil
	if erased, err := trace.VerifyBodies(0, all, entries); err != nil || erased != 1 {
		t.Fatalf("erased: %d, %v", erased, err)
	}
	p, err := trace.Prove(t.Context(), dir, c, 4)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := trace.VerifyInclusion(p, keys(t, 1)); err != nil {
		t.Fatalf("proof of the erased entry: %v", err)
	}
	for what, change := range map[string]func(*trace.Entry){
		"body": func(e *trace.Entry) { e.Body = bytes.Replace(e.Body, []byte("allow"), []byte("allov"), 1) },
		"salt": func(e *trace.Entry) { e.Salt = bytes.Repeat([]byte{1}, 32) },
		"half": func(e *trace.Entry) { e.Salt = nil },
		"time": func(e *trace.Entry) { e.Time = e.Time.Add(time.Millisecond) },
		"id":   func(e *trace.Entry) { e.ID = entry(t, 99).ID },
	} {
		bad := slices.Clone(entries)
		bad[6] = entry(t, 6)
		change(&bad[6])
		var f *trace.Fault
		if _, err := trace.VerifyBodies(100, all, bad); !errors.As(err, &f) || f.Index != 106 {
			t.Errorf("%s changed: got %v, want a fault at 106", what, err)
		}
	}
}

func TestLeafBytes(t *testing.T) {
	e := trace.Entry{
		ID: "01890a5d-ac96-774b-bcce-b302099a8057", Time: time.UnixMilli(0x0102030405),
		Salt: make([]byte, 32), Body: []byte(`{}`),
	}
	leaf, err := e.Leaf()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(append(make([]byte, 32), '{', '}'))
	want := "01" + "01890a5dac96774bbcceb302099a8057" + "0000000102030405" + fmt.Sprintf("%x", sum)
	if got := fmt.Sprintf("%x", leaf); got != want {
		t.Fatalf("leaf\n got %s\nwant %s", got, want)
	}
	for what, bad := range map[string]trace.Entry{
		"uuid v4":    {ID: "9b2f6a0e-8a4f-4c86-9d0b-3a3c4f5c6d7e", Salt: e.Salt, Body: e.Body},
		"short salt": {ID: e.ID, Salt: e.Salt[:31], Body: e.Body},
		"no body":    {ID: e.ID, Salt: e.Salt},
		"erased":     {ID: e.ID},
	} {
		if _, err := bad.Leaf(); !errors.Is(err, trace.ErrEntry) {
			t.Errorf("%s: got %v, want ErrEntry", what, err)
		}
	}
}

func TestBodyIsCanonical(t *testing.T) {
	raw, err := trace.EncodeBody(trace.Body{
		Act: "job.submit", Actor: trace.Actor{Org: "o"}, Object: trace.Object{Kind: "job"}, Decision: trace.Deny,
		Reasons: []string{"scope.columns"}, Refs: map[string]string{"b": "2", "a": "<1>"},
	})
	want := `{"act":"job.submit","actor":{"org":"o"},"decision":"deny","object":{"kind":"job"},` +
		`"reasons":["scope.columns"],"refs":{"a":"<1>","b":"2"},"v":1}`
	if err != nil || string(raw) != want {
		t.Fatalf("got %s, %v\nwant %s", raw, err, want)
	}
	b, err := trace.DecodeBody(raw)
	if err != nil || b.Version != 1 || b.Reasons[0] != "scope.columns" {
		t.Fatalf("decoded %+v, %v", b, err)
	}
	if _, err := trace.EncodeBody(trace.Body{Act: "x", Decision: "maybe"}); !errors.Is(err, trace.ErrEntry) {
		t.Errorf("no decision: got %v", err)
	}
}
