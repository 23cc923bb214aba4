package providertest

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what RFC 6238 asks for, in a test
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"testing"
	"time"
)

// OneTime is what an authenticator with a secret shows at a time, written out apart from what checks it (RFC 6238: six
// digits, thirty seconds, SHA-1).
func OneTime(t testing.TB, secret string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30)))
	sum := mac.Sum(nil)
	last := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[last:])&0x7fffffff%1_000_000)
}
