package launcher

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/sluicedata/sluice/sandbox"
)

// Deadlines of the client's calls. The launcher has shorter ones inside: these are for a launcher that hangs.
const (
	prepareWithin = 2 * time.Minute
	runWithin     = 30 * time.Minute
	collectWithin = 10 * time.Minute
	proofWithin   = 5 * time.Minute
)

// Client is a launcher over its socket. It implements sandbox.Engine; its errors wrap a Refusal when the
// launcher gave one. It is safe for concurrent use.
type Client struct{ http *http.Client }

var (
	_ sandbox.Engine = (*Client)(nil)
	_ sandbox.Prover = (*Client)(nil)
)

// Dial returns a client of the launcher at a socket. It connects at the first call.
func Dial(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	pool := &http.Transport{DialContext: dial, MaxIdleConns: 4, IdleConnTimeout: time.Minute}
	return &Client{http: &http.Client{Transport: pool}}
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Prepare implements sandbox.Engine.
func (c *Client) Prepare(ctx context.Context, r sandbox.Run) (in string, err error) {
	a, err := c.call(ctx, prepareWithin, pathPrepare, r)
	return a.In, err
}

// Run implements sandbox.Engine. Ending ctx cuts the connection, upon which the launcher kills the container.
func (c *Client) Run(ctx context.Context, r sandbox.Run) (sandbox.Outcome, error) {
	a, err := c.call(ctx, runWithin, pathRun, r)
	if err != nil {
		return sandbox.Interrupted, err
	}
	return a.Outcome, nil
}

// Remove implements sandbox.Engine.
func (c *Client) Remove(ctx context.Context, r sandbox.Run) error {
	_, err := c.call(ctx, prepareWithin, pathRemove, r)
	return err
}

// Proofs implements sandbox.Prover.
func (c *Client) Proofs(ctx context.Context, anew bool) ([]sandbox.Proof, error) {
	a, err := c.call(ctx, proofWithin, pathProof, question{Anew: anew})
	if err == nil && len(a.Proofs) == 0 {
		err = errors.New("asking the launcher for its proofs: it told none")
	}
	return a.Proofs, err
}

// Collect implements sandbox.Engine.
func (c *Client) Collect(ctx context.Context, r sandbox.Run, fn func(string, int64, io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, collectWithin)
	defer cancel()
	response, err := c.post(ctx, pathCollect, r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	stream := bufio.NewReaderSize(response.Body, 64<<10)
	for {
		f, err := readFrame(stream)
		switch {
		case err != nil:
			return fmt.Errorf("collecting: %w", err)
		case f.Error != "":
			return fmt.Errorf("collecting: %w", known(f.Error))
		case f.End:
			return nil
		}
		if err := deliver(stream, f, fn); err != nil {
			return err
		}
	}
}

// deliver hands one framed file on, and reads what fn left.
func deliver(stream io.Reader, f frame, fn func(string, int64, io.Reader) error) error {
	body := &io.LimitedReader{R: stream, N: f.Size}
	if err := fn(f.Name, f.Size, whole{body}); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, whole{body}); err != nil {
		return fmt.Errorf("collecting: %w", err)
	}
	return nil
}

// whole makes a file that breaks off an error instead of a short file.
type whole struct{ *io.LimitedReader }

// Read implements io.Reader.
func (w whole) Read(p []byte) (int, error) {
	n, err := w.LimitedReader.Read(p)
	if errors.Is(err, io.EOF) && w.N > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// call posts a run or a question and reads one answer.
func (c *Client) call(ctx context.Context, within time.Duration, path string, r any) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	response, err := c.post(ctx, path, r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	var a answer
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&a); err != nil {
		return answer{}, fmt.Errorf("reading the launcher's answer: %w", noEOF(err))
	}
	if a.Error != "" {
		return a, fmt.Errorf("asking the launcher to %s: %w", path[1:], known(a.Error))
	}
	return a, nil
}

// maxAnswer bounds an answer; the longest part is a path.
const maxAnswer = 16 << 10

func (c *Client) post(ctx context.Context, path string, r any) (*http.Response, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("writing a request: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://launcher"+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("asking the launcher: %w", err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking the launcher: %w", err)
	}
	return response, nil
}

// known turns a code of the wire into the error it stands for; one that is not in the list means that the
// launcher is of another version.
func known(code Refusal) error {
	if slices.Contains(refusals(), code) {
		return code
	}
	return errors.Join(Unavailable, errors.New("asking the launcher: unknown code"))
}
