package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/sluicedata/sluice/gateway/wire"
)

// Follow tells each state of a job from now on, until the job is over, tell says that it is enough, or ctx ends.
// A connection that breaks is opened again where it broke.
func (j Jobs) Follow(ctx context.Context, number string, tell func(wire.Job) (enough bool)) (last wire.Job, err error) {
	seen := ""
	tries := j.c.tries()
	for {
		over, err := j.follow(ctx, number, &seen, func(v wire.Job) bool {
			last, tries = v, j.c.tries()
			return tell(v) || v.Over()
		})
		switch {
		case over:
			return last, nil
		case ctx.Err() != nil:
			return last, fmt.Errorf("waiting: %w", ctx.Err())
		case !tries.more(ctx, err):
			return last, err
		}
	}
}

// errBroken is a stream that ended before the job did.
var errBroken = &lostError{errors.New("the stream broke off")}

// follow reads one connection's events.
func (j Jobs) follow(ctx context.Context, number string, seen *string, tell func(wire.Job) bool) (over bool, err error) {
	r, err := j.c.request(ctx, message{method: http.MethodGet, path: []string{"jobs", number, "events"}})
	if err != nil {
		return false, err
	}
	if *seen != "" {
		r.Header.Set("Last-Event-ID", *seen)
	}
	answer, err := j.c.http.Do(r)
	if err != nil {
		return false, &lostError{err}
	}
	defer func() { _ = answer.Body.Close() }()
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusNoContent:
		return true, nil
	default:
		body, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
		p := problemOf(answer, body)
		if unauthenticated(p) {
			j.c.forget()
			return false, errBroken
		}
		return false, p
	}
	return readEvents(answer.Body, func(id, data string) (bool, error) {
		var v wire.Job
		if err := json.Unmarshal([]byte(data), &v); err != nil {
			return false, fmt.Errorf("reading event: %w", err)
		}
		*seen = id
		return tell(v), nil
	})
}

// readEvents reads server-sent events (HTML Living Standard 9.2.6) until take says that it is enough or the
// stream ends.
func readEvents(body io.Reader, take func(id, data string) (enough bool, err error)) (bool, error) {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 64<<10), maxEvent)
	var id, data string
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case field == "id":
			id = value
		case field == "data":
			data += value
		case field == "" && data != "":
			if enough, err := take(id, data); enough || err != nil {
				return enough, err
			}
			data = ""
		}
	}
	return false, errBroken // or its reader was sent away: the next try shows which
}

// maxEvent bounds one line of a stream, in bytes.
const maxEvent = 4 << 20
