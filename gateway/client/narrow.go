package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/sluicedata/sluice/gateway/wire"
)

// Narrow leaves only some elements in a list. Several leave what all of them do. A list that knows one not refuses it.
type Narrow struct{ field, value string }

// InState leaves what is in a state, as the list's elements tell theirs; "" leaves all.
func InState(state string) Narrow { return Narrow{"state", state} }

// Matching leaves datasets whose title or slug holds a text, whatever its case; "" leaves all.
func Matching(text string) Narrow { return Narrow{"match", text} }

// OfProvider leaves the datasets of an organization, by its number; "" leaves all.
func OfProvider(number string) Narrow { return Narrow{"provider", number} }

// AtLevel leaves datasets whose highest level of a column is this.
func AtLevel(level int) Narrow { return Narrow{"level", strconv.Itoa(level)} }

// narrowed reads all elements of a list that are left, part by part. A cursor is good under the same filters only.
func narrowed[V any](ctx context.Context, c *Client, by []Narrow, path ...string) ([]V, error) {
	all := []V{}
	query := url.Values{}
	for _, n := range by {
		if n.value != "" {
			query.Set(n.field, n.value)
		}
	}
	for {
		l, err := exchange[wire.List[V]](ctx, c, message{method: http.MethodGet, path: path, query: query})
		all = append(all, l.Items...)
		if err != nil || l.NextCursor == "" {
			return all, err
		}
		query.Set("cursor", l.NextCursor)
	}
}
