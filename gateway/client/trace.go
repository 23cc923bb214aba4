package client

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trust"
	"github.com/sluicedata/sluice/gateway/wire"
)

// Trace is the log of every decision.
type Trace struct{ c *Client }

// Query lists entries, newest first. What its reader may not see, no filter finds.
func (t Trace) Query(ctx context.Context, f trace.Filter) ([]wire.TraceEntry, error) {
	q := url.Values{}
	for field, text := range map[string]string{
		"act": f.Act, "decision": f.Decision, "object": f.Object, "who": f.Who, "org": f.Org, "since": f.Since, "until": f.Until,
	} {
		if text != "" {
			q.Set(field, text)
		}
	}
	if f.Before > 0 {
		q.Set("before", strconv.FormatInt(f.Before, 10))
	}
	if f.Limit > 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	l, err := exchange[wire.List[wire.TraceEntry]](ctx, t.c, message{method: http.MethodGet, path: []string{"trace"}, query: q})
	return l.Items, err
}

// Prove returns an entry with the proof that it is in the signed log.
func (t Trace) Prove(ctx context.Context, id string) (wire.ProvenEntry, error) {
	return get[wire.ProvenEntry](ctx, t.c, "trace", "entries", id)
}

// Lineage follows a digest both ways.
func (t Trace) Lineage(ctx context.Context, digest string) ([]wire.Chain, error) {
	return list[wire.Chain](ctx, t.c, "trace", "lineage", digest)
}

// Get implements trace.Reader: a file of the log by its tlog-tiles path.
func (t Trace) Get(ctx context.Context, path string) ([]byte, error) {
	steps := append([]string{"trace", "log"}, strings.Split(path, "/")...)
	body, err := t.c.do(ctx, message{method: http.MethodGet, path: steps})
	if missing(err) {
		return nil, fs.ErrNotExist
	}
	return body, err
}

// Verify reads the whole log and checks it against the checkpoint keys that the root key vouches for: nothing
// the server says is believed. It returns how many entries the log has.
func (t Trace) Verify(ctx context.Context, trustFile []byte, root ed25519.PublicKey) (int64, error) {
	keys, err := CheckpointKeys(trustFile, root)
	if err != nil {
		return 0, err
	}
	head, err := trace.VerifyLog(ctx, t, keys)
	return head.Size, err
}

// CheckpointKeys reads the log's keys from trust.json under the root key.
func CheckpointKeys(trustFile []byte, root ed25519.PublicKey) (trace.Keys, error) {
	doc, err := trust.Verify(trustFile, root)
	if err != nil {
		return trace.Keys{}, err
	}
	return checkpointKeys(doc, func(k trust.Key) bool { return k.RevokedAt == nil }) // a revoked key signs no newest checkpoint
}

// checkpointKeys are the log's keys that count.
func checkpointKeys(doc trust.Document, counts func(trust.Key) bool) (trace.Keys, error) {
	var public []ed25519.PublicKey
	for _, k := range doc.Keys {
		if k.Purpose == trust.Checkpoint && counts(k) {
			public = append(public, k.Public)
		}
	}
	keys, err := trace.NewKeys(doc.Origin, public...)
	if err != nil {
		return trace.Keys{}, fmt.Errorf("reading checkpoint keys: %w", err)
	}
	return keys, nil
}

// Checkpoint returns the newest signed checkpoint of the gateway's log.
func (t Trace) Checkpoint(ctx context.Context) (string, error) {
	body, err := t.Get(ctx, trace.CheckpointPath)
	return string(body), err
}
