package instance

import (
	"net/url"
	"strings"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// AsRole returns a database address for another role: the address of an administrator with user and password
// put in place. It takes both forms of libpq, URI and keyword/value.
func AsRole(address, role, secret string) (string, error) {
	if strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") {
		parsed, err := url.Parse(address)
		if err != nil {
			// The error would repeat the address, password included.
			return "", texts.Wrong("up.database_address")
		}
		parsed.User = url.User(role)
		if secret != "" {
			parsed.User = url.UserPassword(role, secret)
		}
		return parsed.String(), nil
	}
	kept := make([]string, 0, 8)
	for _, pair := range strings.Fields(address) {
		key, _, _ := strings.Cut(pair, "=")
		if key != "user" && key != "password" {
			kept = append(kept, pair)
		}
	}
	kept = append(kept, "user="+role)
	if secret != "" {
		kept = append(kept, "password="+secret)
	}
	return strings.Join(kept, " "), nil
}

// Anonymous returns a database address without user and password: what a command line may show.
func Anonymous(address string) (string, error) {
	named, err := AsRole(address, "anonymous", "")
	if err != nil {
		return "", err
	}
	return strings.Replace(strings.TrimSuffix(named, " user=anonymous"), "anonymous@", "", 1), nil
}
