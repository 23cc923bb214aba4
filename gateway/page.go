package gateway

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/gateway/wire"
)

// What the description says of the fields every list takes.
const (
	limitHelp   = "1 to 200 elements; 50"
	cursorHelp  = "next_cursor of the part before, under the same filters"
	stateHelp   = "only elements in this state"
	defaultPage = 50
)

// paged registers a list: newest first, part by part.
func paged[V any](verb func(call, catalog.Page) (catalog.Listed[V], error)) register {
	return func(e *edge, op huma.Operation) {
		op.Parameters = append(op.Parameters, query("limit", limitHelp), query("cursor", cursorHelp), query("state", stateHelp))
		handle(e, op, func(c call) (wire.List[V], error) {
			p, err := c.page()
			if err != nil {
				return wire.List[V]{}, err
			}
			listed, err := verb(c, p)
			out := wire.List[V]{Items: listed.Items}
			if listed.Next != "" {
				out.NextCursor = c.cursor(listed.Next)
			}
			return out, err
		})
	}
}

// page reads which part of a list a request asks for.
func (c call) page() (catalog.Page, error) {
	values := c.r.URL.Query()
	p := catalog.Page{State: values.Get("state")}
	if text := values.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > catalog.MaxPage {
			return p, fault.Bad("request.invalid", fault.Place{Location: "query.limit", Code: "limit.out_of_range"})
		}
		p.Limit = n
	}
	var err error
	if text := values.Get("cursor"); text != "" {
		p.After, err = c.readCursor(text)
	}
	return p, err
}

// cursorMark is how many bytes of a cursor bind it to its list.
const cursorMark = 8

// cursor names a place in the list of this request. It is opaque and good for the same path and filters only.
func (c call) cursor(after string) string {
	return base64.RawURLEncoding.EncodeToString(append(c.listMark(), after...))
}

func (c call) readCursor(text string) (after string, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) <= cursorMark || string(raw[:cursorMark]) != string(c.listMark()) {
		return "", badCursor()
	}
	return string(raw[cursorMark:]), nil
}

func badCursor() error {
	return fault.Bad("request.invalid", fault.Place{Location: "query.cursor", Code: "cursor.invalid"})
}

// listMark stands for a list: its path and filters, whatever part is asked for.
func (c call) listMark() []byte {
	filters := url.Values{}
	for name, v := range c.r.URL.Query() {
		if name != "cursor" && name != "limit" {
			filters[name] = v
		}
	}
	sum := sha256.Sum256([]byte(c.r.URL.Path + "?" + filters.Encode()))
	return sum[:cursorMark]
}
