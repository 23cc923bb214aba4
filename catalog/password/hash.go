package password

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/sluicedata/sluice/catalog/fault"
)

// What a new hash costs: OWASP's choice for argon2id, 19 MiB and two passes in one lane. One whose cost was another is
// verified at its own, and made anew when its owner comes in.
const (
	memory  = 19 << 10 // KiB
	passes  = 2
	lanes   = 1
	saltLen = 16 // bytes
	keyLen  = 32 // bytes
)

// Bounds of what runs at once: memory is seats times 19 MiB, whoever knocks.
const (
	Seats   = 4
	waiting = 32 // for a seat; the next one is told to come back
)

// Hasher makes and verifies hashes, a few at a time. It is safe for concurrent use.
type Hasher struct {
	rand  io.Reader
	line  chan struct{} // everybody at a seat or waiting for one
	seats chan struct{}
}

// NewHasher returns a hasher that draws its salts from rand.
func NewHasher(rand io.Reader) *Hasher {
	return &Hasher{rand: rand, line: make(chan struct{}, Seats+waiting), seats: make(chan struct{}, Seats)}
}

// Seat is the right to hash, one password at a time.
type Seat struct{ h *Hasher }

// Seat waits for a seat, which its holder leaves. With too many waiting already the error is Limited: an order of
// nobody's takes no memory.
func (h *Hasher) Seat(ctx context.Context) (Seat, error) {
	select {
	case h.line <- struct{}{}:
	default:
		return Seat{}, &fault.Error{Kind: fault.Limited, Code: "signin.busy", After: time.Second}
	}
	select {
	case h.seats <- struct{}{}:
		return Seat{h}, nil
	case <-ctx.Done():
		<-h.line
		return Seat{}, fmt.Errorf("waiting to hash: %w", ctx.Err())
	}
}

// Leave gives the seat to the next one.
func (s Seat) Leave() {
	<-s.h.seats
	<-s.h.line
}

// Hash returns a password as the record keeps it: "$argon2id$v=19$m=…,t=…,p=…$SALT$HASH" (the PHC string format).
func (s Seat) Hash(text string) (string, error) {
	salt := make([]byte, saltLen)
	if _, err := io.ReadFull(s.h.rand, salt); err != nil {
		return "", fmt.Errorf("drawing salt: %w", err)
	}
	made := kept{memory: memory, passes: passes, lanes: lanes, salt: salt}
	made.key = made.derive(text, keyLen)
	return made.String(), nil
}

// Verify reports whether a kept hash is that of a password, and whether it should be made anew. It takes as long for
// Decoy.
func (s Seat) Verify(text, phc string) (good, stale bool, err error) {
	k, err := parse(phc)
	if err != nil {
		return false, false, err
	}
	same := subtle.ConstantTimeCompare(k.derive(text, uint32(len(k.key))), k.key) == 1
	return same, k.memory != memory || k.passes != passes || k.lanes != lanes || len(k.key) != keyLen, nil
}

// Decoy is verified for whoever has no password, so that nobody learns by waiting who has one. It is the hash of none:
// whoever finds a text that hashes to zeros has found a preimage.
func Decoy() string {
	return kept{memory: memory, passes: passes, lanes: lanes, salt: make([]byte, saltLen), key: make([]byte, keyLen)}.String()
}

// kept is a hash and what it cost.
type kept struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
	salt   []byte
	key    []byte
}

func (k kept) derive(text string, length uint32) []byte {
	return argon2.IDKey([]byte(normal(text)), k.salt, k.passes, k.memory, k.lanes, length)
}

// String implements fmt.Stringer.
func (k kept) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, k.memory, k.passes, k.lanes, b64(k.salt), b64(k.key))
}

// errKept says that the record holds no hash of ours. It never tells what it holds.
var errKept = errors.New("the kept hash is not one of ours")

// What a kept hash may cost at most: a record that was tampered with takes no more than this of a gateway.
const (
	maxMemory = 64 << 10 // KiB
	maxPasses = 8
	maxLanes  = 4
)

func parse(phc string) (k kept, err error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return k, errKept
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &k.memory, &k.passes, &k.lanes); n != 3 || err != nil {
		return k, errKept
	}
	if k.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return k, errKept
	}
	if k.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return k, errKept
	}
	within := k.memory >= 8 && k.memory <= maxMemory && k.passes >= 1 && k.passes <= maxPasses && k.lanes >= 1 && k.lanes <= maxLanes
	if !within || len(k.salt) < 8 || len(k.key) < 16 || len(k.key) > 64 || k.String() != phc {
		return k, errKept
	}
	return k, nil
}
