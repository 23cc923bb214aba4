package object

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// What goes in comes out, however it is cut on either side.
func TestRelayPassesEverything(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	want := make([]byte, 3*relayBuffers*relayBuffer+7)
	for i := range want {
		want[i] = byte(random.Uint32())
	}
	r := newRelay()
	go func() {
		for at := 0; at < len(want); {
			n := min(1+random.IntN(2*relayBuffer), len(want)-at)
			if _, err := r.Write(want[at : at+n]); err != nil {
				t.Errorf("writing at %d: %v", at, err)
			}
			at += n
		}
		r.close(nil)
	}()
	var got bytes.Buffer
	if _, err := io.CopyBuffer(struct{ io.Writer }{&got}, r, make([]byte, 999)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got %d other bytes than the %d written", got.Len(), len(want))
	}
}

// A writer that fails is told after what it wrote, and each time it is asked.
func TestRelayTellsWhyItEnded(t *testing.T) {
	r, broken := newRelay(), errors.New("broken")
	if _, err := r.Write([]byte("before")); err != nil {
		t.Fatal(err)
	}
	r.close(broken)
	if got, err := io.ReadAll(r); string(got) != "before" || !errors.Is(err, broken) {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, broken) {
		t.Errorf("asked again: %v", err)
	}
}

// A reader that leaves frees a writer that waits for room; the first reason stays.
func TestRelayLetsTheWriterGo(t *testing.T) {
	r, enough := newRelay(), errors.New("enough")
	wrote := make(chan error)
	go func() {
		_, err := r.Write(make([]byte, (relayBuffers+1)*relayBuffer))
		wrote <- err
	}()
	for len(r.empty) > 0 { // the writer fills what there is, and waits
		if _, err := r.Read(nil); err != nil {
			t.Fatal(err)
		}
	}
	r.leave(enough)
	r.leave(errors.New("later"))
	if err := <-wrote; !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
}
