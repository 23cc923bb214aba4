package object_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/object/objecttest"
)

// An object says under which claim it was put, and a later claim that comes to the same bytes finds
// them and changes nothing: neither the bytes nor whose they are.
func TestObjectsNameTheirClaim(t *testing.T) {
	s := objecttest.Start(t).Open(t, object.Worker)
	key := newKey(t)
	first := object.Maker{Work: name.NewID().String(), Fence: 3}
	late := object.Maker{Work: first.Work, Fence: 4}
	body := random(t, 100)
	ref := put(t, s.By(first), object.Output, key, body)
	put(t, s.By(late), object.Output, key, body)
	plain := put(t, s, object.Output, key, random(t, 100)) // s itself is as it was
	for _, c := range []struct {
		ref   object.Ref
		want  object.Maker
		known bool
	}{{ref, first, true}, {plain, object.Maker{}, false}} {
		got, known, err := s.MadeBy(t.Context(), c.ref)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" || known != c.known {
			t.Errorf("known %t (-want +got):\n%s", known, diff)
		}
	}
	if got, err := get(s, t, ref, key); err != nil || !bytes.Equal(got, body) {
		t.Errorf("the object afterwards: %d bytes, %v", len(got), err)
	}
}
