// Package object keeps bytes by their digest in an S3 store, encrypted before they leave the process.
//
// An object's key is made of the server's own words: the id of the data key it is under and the SHA-256 of
// its plaintext. Objects are written once: a second put of the same bytes finds the first and succeeds. What
// the store answers is never believed: every object is authenticated by its encryption and its plaintext is
// hashed again on the way out, so one flipped, missing or swapped byte is an error.
//
// The store sees ciphertext, lengths and digests. It is spoken to over a socket that only its clients reach, or
// over TLS.
//
// Package store is the server one machine needs when no other S3 store is given. Package objecttest starts it
// for tests.
package object

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/name"
)

// Bucket names one class of objects. Who may do what in it is the table Access.
type Bucket string

// The closed list of buckets.
const (
	Intake  Bucket = "intake"  // uploads as they came
	Data    Bucket = "data"    // parts, profiles, staged inputs
	Output  Bucket = "output"  // results in quarantine, their evidence and memberships
	Release Bucket = "release" // released products
	Trace   Bucket = "trace"   // tiles and checkpoint: public hashes, not encrypted
)

// Buckets lists every bucket.
func Buckets() []Bucket { return []Bucket{Intake, Data, Output, Release, Trace} }

// recorded tells whether the record keeps refs into the bucket whole. Elsewhere nobody would keep a digest of the
// ciphertext, and it costs as much as the one of the plaintext.
func (b Bucket) recorded() bool { return b == Output || b == Release }

// Account names the process a credential belongs to. It is the credential's access key.
type Account string

// The closed list of accounts. The store's own root credential never leaves its process.
const (
	Serve  Account = "serve"
	Worker Account = "worker"
	Keeper Account = "keeper"
)

// Accounts lists every account.
func Accounts() []Account { return []Account{Serve, Worker, Keeper} }

// Right is what an account may do in a bucket.
type Right string

// The closed list of rights. Write makes objects that are not there; nothing but the checkpoint of the trace
// is ever replaced, whoever asks.
const (
	Read   Right = "read"
	Write  Right = "write"
	Delete Right = "delete"
	List   Right = "list"
)

// Grant is one row of the access table.
type Grant struct {
	Bucket  Bucket
	Account Account
	Rights  []Right
}

// May tells whether the row gives a right.
func (g Grant) May(r Right) bool { return slices.Contains(g.Rights, r) }

// Access is who may do what in which bucket. What it does not name is refused.
func Access() []Grant {
	return []Grant{
		{Intake, Serve, []Right{Write}},
		{Intake, Worker, []Right{Read}},
		{Intake, Keeper, []Right{Delete, List}},
		{Data, Worker, []Right{Read, Write}},
		{Data, Keeper, []Right{Read, Delete, List}},
		{Output, Worker, []Right{Read, Write}},
		{Output, Keeper, []Right{Read, Delete, List}},
		{Output, Serve, []Right{Read}},
		{Release, Keeper, []Right{Read, Write, List}},
		{Release, Serve, []Right{Read}},
		{Trace, Keeper, []Right{Read, Write, List}},
		{Trace, Serve, []Right{Read}},
	}
}

// Ref names a stored object and what must come out of it. It holds no secret.
type Ref struct {
	Bucket Bucket `json:"bucket"`
	Key    string `json:"key"`    // id of the data key it is under
	Digest string `json:"digest"` // of the plaintext, as name.Digest spells it
	Size   int64  `json:"size"`   // of the plaintext, bytes
	// CipherSHA256 is the digest of the stored bytes, spelled alike: whoever checks stored bytes without the
	// data key needs it. Empty outside the buckets whose refs are recorded whole (Bucket.recorded), and when the
	// object was already there and the account that put it may not read it.
	CipherSHA256 string `json:"cipher_sha256,omitempty"`
}

// path is the object's key in its bucket. Only ids and digests this process parsed reach a key.
func (r Ref) path() (string, error) {
	id, err := parseKeyID(r.Key)
	if err != nil {
		return "", err
	}
	digest, err := name.ParseDigest(r.Digest)
	if err != nil {
		return "", fmt.Errorf("naming object: %w", err)
	}
	return id.String() + "/" + digest.Hex(), nil
}

// Errors of this package, wrapped with what was being done.
var (
	// ErrAbsent says that there is no such object.
	ErrAbsent = errors.New("object is not there")
	// ErrForbidden says that the account may not do this.
	ErrForbidden = errors.New("store refused the account")
	// ErrCorrupt says that the stored bytes are not the ones that were put, or not under this data key.
	// It never tells which: whoever alters stored bytes learns nothing from it.
	ErrCorrupt = errors.New("object fails its check")
	// ErrChanged says that what was to be replaced is no longer what the caller saw.
	ErrChanged = errors.New("object changed in between")
	// ErrSize and ErrDigest say that bytes to be put are not as many, or not the ones, that were said.
	ErrSize   = errors.New("bytes are more or fewer than was said")
	ErrDigest = errors.New("bytes are others than was said")
	// ErrTooLarge says that an object is over the size one put can carry (MaxSize).
	ErrTooLarge = errors.New("object is too large for one put")
)
