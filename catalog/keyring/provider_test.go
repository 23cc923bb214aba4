package keyring

import (
	"bytes"
	"context"
	"errors"
	"testing"
)

func newKey(t *testing.T, p Purpose) Key {
	t.Helper()
	k, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newProvider(t *testing.T, current Key, retired ...Key) *FileProvider {
	t.Helper()
	p, err := NewFileProvider(current, retired...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What was wrapped before a rotation opens after it, by the id of its key; without that key it is away, not gone.
func TestProviderFindsKeysByID(t *testing.T) {
	ctx, old, next := context.Background(), newKey(t, Wrap), newKey(t, Wrap)
	secret := bytes.Repeat([]byte{7}, 32)
	wrapped, err := newProvider(t, old).Wrap(ctx, "sluice/data-key/1", secret)
	if err != nil || wrapped.Key != old.ID() || wrapped.Suite != WrapSuite {
		t.Fatalf("wrapped %+v, %v", wrapped, err)
	}
	unnamed := wrapped
	unnamed.Key = ""
	for what, w := range map[string]Wrapped{"by id": wrapped, "from before ids": unnamed} {
		got, err := newProvider(t, next, old).Unwrap(ctx, "sluice/data-key/1", w)
		if err != nil || !bytes.Equal(got, secret) {
			t.Errorf("%s: got %d bytes, %v", what, len(got), err)
		}
	}
	other, foreign := wrapped, wrapped
	other.Key, foreign.Suite = next.ID(), "sm4-gcm"
	for what, try := range map[string]struct {
		p    *FileProvider
		info string
		w    Wrapped
		want error
	}{
		"its key's file is missing":             {newProvider(t, next), "sluice/data-key/1", wrapped, ErrAway},
		"it says another key":                   {newProvider(t, next, old), "sluice/data-key/1", other, ErrSealed},
		"another info":                          {newProvider(t, old), "sluice/data-key/2", wrapped, ErrSealed},
		"another suite":                         {newProvider(t, old), "sluice/data-key/1", foreign, ErrKey},
		"from before ids, its key is not there": {newProvider(t, next), "sluice/data-key/1", unnamed, ErrSealed},
	} {
		if _, err := try.p.Unwrap(ctx, try.info, try.w); !errors.Is(err, try.want) {
			t.Errorf("%s: got %v, want %v", what, err, try.want)
		}
	}
}

func TestProviderDescribesPublicHalves(t *testing.T) {
	ctx, old, next := context.Background(), newKey(t, Wrap), newKey(t, Wrap)
	p := newProvider(t, next, old)
	for id, want := range map[string]Key{"": next, next.ID(): next, old.ID(): old} {
		got, err := p.Describe(ctx, id)
		if err != nil || got.ID != want.ID() || !bytes.Equal(got.Public, want.Public()) {
			t.Errorf("%q is described as %+v, %v", id, got, err)
		}
	}
	if _, err := p.Describe(ctx, newKey(t, Wrap).ID()); !errors.Is(err, ErrAway) {
		t.Errorf("a key nobody has: %v", err)
	}
	if _, err := NewFileProvider(newKey(t, Root)); !errors.Is(err, ErrKey) {
		t.Errorf("a root key as wrapping key: %v", err)
	}
}
