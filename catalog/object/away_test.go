package object_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/object/objecttest"
)

// half passes on half of what it holds, has something happen, and passes on the rest.
type half struct {
	data []byte
	at   int
	then func()
}

func (h *half) Read(p []byte) (int, error) {
	h.passed(0)
	n := copy(p, h.data[h.at:min(len(h.data), h.at+64<<10)])
	if h.at += n; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (h *half) Write(p []byte) (int, error) {
	h.passed(len(p))
	return len(p), nil
}

func (h *half) passed(n int) {
	if h.at += n; h.at >= len(h.data)/2 && h.then != nil {
		h.then()
		h.then = nil
	}
}

// TestAStoreThatDiesIsAway: whoever puts or gets while the store dies is told that it is away, and not that we erred;
// who does not wait any longer is told neither.
func TestAStoreThatDiesIsAway(t *testing.T) {
	stores := objecttest.Start(t)
	store, key, data := stores.Open(t, object.Worker), newKey(t), random(t, 32<<20)
	ref := put(t, store, object.Data, key, data)
	meter := object.NewMeter()
	meter.Write(data[1:])

	die := func() { stores.Kill(t) }
	_, err := store.PutKnown(t.Context(), object.Data, key, meter.Content(), &half{data: data[1:], then: die})
	isAway(t, "a put", err)
	isAway(t, "a get of none", store.Get(t.Context(), ref, key, io.Discard))
	stores.Restart(t)
	isAway(t, "a get", store.Get(t.Context(), ref, key, &half{data: data, then: die}))
	stores.Restart(t)

	ctx, leave := context.WithCancel(t.Context())
	_, err = store.PutKnown(ctx, object.Data, key, meter.Content(), &half{data: data[1:], then: leave})
	if !errors.Is(err, context.Canceled) || fault.Of(err) == fault.Unavailable {
		t.Errorf("a put that was given up: %v", err)
	}
	if got := new(bytes.Buffer); store.Get(t.Context(), ref, key, got) != nil || !bytes.Equal(got.Bytes(), data) {
		t.Error("what was stored before is not there")
	}
}

func isAway(t *testing.T, what string, err error) {
	t.Helper()
	if fault.Of(err) != fault.Unavailable || fault.Code(err) != "store.unavailable" {
		t.Errorf("%s: %v", what, err)
	}
}
