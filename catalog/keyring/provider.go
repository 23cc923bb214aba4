package keyring

import (
	"context"
	"errors"
	"fmt"
)

// WrapSuite names how secrets are wrapped here: sealed to an X25519 key (see the package's comment).
const WrapSuite = "hpke-x25519-sha256-aes256gcm"

// Errors of a provider of wrapping keys.
var (
	// ErrAway says that a key is not to be had now: its file or its device is missing. What it wrapped may open
	// another time; whoever asked tries again or tells an administrator.
	ErrAway = errors.New("wrapping key is away")
	// ErrGone says that something was erased for good: it never opens again, and nobody needs to try.
	ErrGone = errors.New("key is gone for good")
)

// Wrapped is a secret under a wrapping key.
type Wrapped struct {
	Key   string // id of the wrapping key; "": from before ids were kept, it is one of those there are
	Suite string
	Bytes []byte
}

// Description is what anybody may know of a wrapping key.
type Description struct {
	ID     string
	Suite  string
	Public []byte // what secrets are sealed to by who holds no key; nil where the suite has no public half
}

// WrapTo seals a secret to the public half of a wrapping key, bound to info: all that whoever makes a data key needs.
func WrapTo(to PublicKey, info string, secret []byte) (Wrapped, error) {
	sealed, err := Seal(to, info, secret)
	if err != nil {
		return Wrapped{}, err
	}
	return Wrapped{Key: to.ID(), Suite: WrapSuite, Bytes: sealed}, nil
}

// FileProvider keeps wrapping keys that were read from key files. It is safe for concurrent use, and gives no key
// away: keys are used through its methods.
type FileProvider struct {
	current string // id of the key that new secrets are wrapped to
	keys    map[string]PrivateKey
}

// NewFileProvider takes the wrapping key in force, and those before it.
func NewFileProvider(current Key, retired ...Key) (*FileProvider, error) {
	p := &FileProvider{current: current.ID(), keys: map[string]PrivateKey{}}
	for _, key := range append([]Key{current}, retired...) {
		private, err := key.Wrapping()
		if err != nil {
			return nil, fmt.Errorf("taking wrapping key: %w", err)
		}
		p.keys[key.ID()] = private
	}
	return p, nil
}

// Describe tells of a key; "" asks for the one in force. ErrAway: no file holds it.
func (p *FileProvider) Describe(_ context.Context, id string) (Description, error) {
	if id == "" {
		id = p.current
	}
	key, ok := p.keys[id]
	if !ok {
		return Description{}, fmt.Errorf("describing key %s: %w", id, ErrAway)
	}
	return Description{ID: id, Suite: WrapSuite, Public: key.Public().Bytes()}, nil
}

// Wrap wraps a secret to the key in force, bound to info.
func (p *FileProvider) Wrap(_ context.Context, info string, secret []byte) (Wrapped, error) {
	return WrapTo(p.keys[p.current].Public(), info, secret)
}

// Unwrap opens what Wrap made for this info. ErrAway: no file holds the key it was wrapped to. ErrSealed: it does not
// open with that key and never will. ErrKey: another suite than this provider's.
func (p *FileProvider) Unwrap(_ context.Context, info string, w Wrapped) ([]byte, error) {
	if w.Suite != WrapSuite {
		return nil, fmt.Errorf("unwrapping by suite %q: %w", w.Suite, ErrKey)
	}
	if w.Key == "" {
		return p.tryAll(info, w.Bytes)
	}
	key, ok := p.keys[w.Key]
	if !ok {
		return nil, fmt.Errorf("unwrapping with key %s: %w", w.Key, ErrAway)
	}
	return Open(key, info, w.Bytes)
}

// tryAll tries every key there is.
func (p *FileProvider) tryAll(info string, sealed []byte) ([]byte, error) {
	for _, key := range p.keys {
		if secret, err := Open(key, info, sealed); err == nil {
			return secret, nil
		}
	}
	return nil, ErrSealed
}
