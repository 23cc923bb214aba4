package supervise

import (
	"context"
	"net"
	"net/http"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// Accepts is ready when something accepts connections at the address.
func Accepts(network, address string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// Answers is ready when a GET of path over the unix socket is answered with 200.
func Answers(socket, path string) func(context.Context) error {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://part"+path, nil)
		if err != nil {
			return err
		}
		answer, err := client.Do(request)
		if err != nil {
			return err
		}
		if answer.StatusCode != http.StatusOK {
			err = texts.Wrong("part.answered", "status", answer.StatusCode)
		}
		if closing := answer.Body.Close(); err == nil {
			err = closing
		}
		return err
	}
}
