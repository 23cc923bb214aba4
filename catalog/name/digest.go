package name

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

// ErrDigest refuses a text that is no digest.
var ErrDigest = errors.New("not a digest")

const digestPrefix = "sha256:"

// Digest names bytes by what they are: "sha256:" and 64 lower-case hexadecimal digits.
type Digest string

// DigestOf returns the digest of b.
func DigestOf(b []byte) Digest { return DigestSum(sha256.Sum256(b)) }

// DigestSum returns the digest for a sum computed elsewhere.
func DigestSum(sum [sha256.Size]byte) Digest {
	return Digest(digestPrefix + hex.EncodeToString(sum[:]))
}

// ParseDigest reads a digest.
func ParseDigest(s string) (Digest, error) {
	h, ok := strings.CutPrefix(s, digestPrefix)
	if !ok || len(h) != 2*sha256.Size || strings.ToLower(h) != h {
		return "", ErrDigest
	}
	if _, err := hex.DecodeString(h); err != nil {
		return "", ErrDigest
	}
	return Digest(s), nil
}

// ParseHexDigest reads the bare 64 digits, as report files carry them.
func ParseHexDigest(s string) (Digest, error) { return ParseDigest(digestPrefix + s) }

// Valid reports whether d is a well-formed digest.
func (d Digest) Valid() bool {
	_, err := ParseDigest(string(d))
	return err == nil
}

// Hex returns the digits without the prefix.
func (d Digest) Hex() string { return strings.TrimPrefix(string(d), digestPrefix) }

// String returns the digest with its prefix.
func (d Digest) String() string { return string(d) }
