package password_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/password"
)

// codes lists what an error says at its places.
func codes(err error) (all []string) {
	var f *fault.Error
	if errors.As(err, &f) {
		for _, p := range f.Places {
			all = append(all, p.Code)
		}
	}
	return all
}

func TestCheck(t *testing.T) {
	names := []string{"zhang", "张三丰", "ORG-0002", "Health Bureau", "li"}
	for text, want := range map[string][]string{
		"a river of ink runs":       nil,
		"abcdefghijk7":              nil, // twelve characters, of any kind
		"abcdefghij7":               {"password.short"},
		"今晚月色真美风也温柔极了":              nil,
		strings.Repeat("ab7", 43):   {"password.long", "password.common"},
		"aaaaaaaaaaaaaa":            {"password.common"},
		"abcdabcdabcdabcd":          {"password.common"},
		"PassWord12345":             {"password.common"},
		"qwertyuiop123":             {"password.common"},
		"ｐａｓｓｗｏｒｄ１２３４５":             {"password.common"}, // the same, full width
		"under Zhang's hat":         {"password.named"},
		"我是张三丰不是李四光啊啊":              {"password.named"},
		"my healthbureau key":       {"password.named"},
		"a list of things":          nil, // two letters of an alphabet name nobody
		"bell\x07 in the password":  {"password.unreadable"},
		"no text \xff in there":     {"password.unreadable"},
		strings.Repeat("七x", 300):   {"password.unreadable"},
		"":                          {"password.short"},
		"ﬁﬁﬁ abc de":                nil, // a ligature counts as the letters it is made of
		"org-0002 is where we work": {"password.named"},
	} {
		if diff := cmp.Diff(want, codes(password.Check(text, names...))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// seat takes a seat until the test ends.
func seat(t *testing.T) password.Seat {
	t.Helper()
	s, err := password.NewHasher(rand.Reader).Seat(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Leave)
	return s
}

// TestHash: a hash is verified by its own password alone, however that is composed, says what it cost, and is never the
// same twice.
func TestHash(t *testing.T) {
	s := seat(t)
	kept, err := s.Hash("café über alles")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(kept, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("kept as %s", kept)
	}
	if again, err := s.Hash("café über alles"); err != nil || again == kept {
		t.Errorf("twice the same: %v", err)
	}
	for text, want := range map[string]bool{"café über alles": true, "cafe\u0301 u\u0308ber alles": true, "cafe uber alles": false, "": false} {
		if good, stale, err := s.Verify(text, kept); err != nil || good != want || stale {
			t.Errorf("%q: good %v, stale %v, %v", text, good, stale, err)
		}
	}
	if good, stale, err := s.Verify("anything at all", password.Decoy()); err != nil || good || stale {
		t.Errorf("nobody's: good %v, stale %v, %v", good, stale, err)
	}
}

// TestKeptHashes: one that cost otherwise is verified and said to be stale; what is none of ours is refused, and so is
// one that would cost too much.
func TestKeptHashes(t *testing.T) {
	s := seat(t)
	// argon2id of "password" over "somesalt", from the test vectors of the reference implementation.
	const reference = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	if good, stale, err := s.Verify("password", reference); err != nil || !good || !stale {
		t.Errorf("the reference's: good %v, stale %v, %v", good, stale, err)
	}
	for _, kept := range []string{
		"", "plain", strings.Replace(reference, "argon2id", "argon2i", 1), strings.Replace(reference, "v=19", "v=16", 1),
		strings.Replace(reference, "m=256", "m=4194304", 1), strings.Replace(reference, "t=2", "t=0", 1), strings.Replace(reference, "t=2", "t=2000000", 1),
		strings.Replace(reference, "p=1", "p=300", 1), strings.Replace(reference, "c29tZXNhbHQ", "!", 1), reference + "$x", strings.Replace(reference, "m=256", "m=256 ", 1),
	} {
		if good, _, err := s.Verify("password", kept); err == nil || good {
			t.Errorf("%q is taken: good %v", kept, good)
		}
	}
}

// TestSeats: no more hash at once than there are seats, no more wait than may, and who gives up leaves the line.
func TestSeats(t *testing.T) {
	h := password.NewHasher(rand.Reader)
	for range password.Seats {
		if _, err := h.Seat(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	gone, leave := context.WithCancel(t.Context())
	ended := make(chan error)
	const many = 100
	for range many {
		go func() { _, err := h.Seat(gone); ended <- err }()
	}
	busy := 0
	for fault.Of(<-ended) == fault.Limited {
		if busy++; busy == many-32 { // those that wait do not end by themselves
			break
		}
	}
	leave()
	for i := busy; i < many; i++ {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatalf("who waited got %v", err)
		}
	}
	if busy != many-32 {
		t.Errorf("%d were told to come back", busy)
	}
}
