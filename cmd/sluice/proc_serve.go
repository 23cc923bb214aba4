package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/gateway"
	"github.com/sluicedata/sluice/gateway/admin"
)

// listener opens the gateway's listener and says what people call it.
func (in surroundings) listener(ctx context.Context, d door) (net.Listener, string, error) {
	plain, err := new(net.ListenConfig).Listen(ctx, "tcp", in.listen)
	if err != nil {
		return nil, "", failed("up.address", "address", in.listen, "flag", "--listen").because(err)
	}
	address := "http://" + plain.Addr().String()
	if d.certificate != nil {
		address = "https://" + plain.Addr().String()
		plain = tls.NewListener(plain, gateway.TLS(*d.certificate))
	}
	if in.baseURL != "" {
		address = in.baseURL
	}
	return plain, address, nil
}

// runServe serves the API until ctx ends, then lets calls under way finish.
func runServe(ctx context.Context, in surroundings) error {
	door, err := in.door()
	if err != nil {
		return err
	}
	in.factors = door.factorKey
	opened, err := in.openCatalog(ctx, "serve", object.Serve)
	if err != nil {
		return err
	}
	defer opened.db.Close()
	listener, address, err := in.listener(ctx, door)
	if err != nil {
		return err
	}
	watched := &admin.Admin{Metrics: opened.metrics, Checks: opened.checks(opened.metrics)}
	closing, err := in.openAdmin(ctx, watched)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := gateway.NewServer(gateway.New(gateway.Config{
		Catalog: opened.catalog, BaseURL: address, Log: in.log, Now: in.now, Limits: gateway.DefaultLimits(), Provider: door.provider,
		BodyBytes: int64(in.bodyBytes), Observe: func(s gateway.Seen) { opened.metrics.Request(s.Route, s.Status, s.Took) },
	}))
	if err := os.WriteFile(filepath.Join(in.runtime, "address"), []byte(address+"\n"), 0o644); err != nil {
		return failed("up.writing", "path", filepath.Join(in.runtime, "address")).because(err)
	}
	if err := in.ready(); err != nil {
		return err
	}
	return errors.Join(serveUntil(ctx, server, listener, watched.Drain, time.Duration(in.drain)*time.Second), closing())
}

// serveUntil serves until ctx ends. Then draining is told, the listener closes, and requests under way have the
// given time to end; those that do not are cut off.
func serveUntil(ctx context.Context, server *http.Server, listener net.Listener, draining func(), patience time.Duration) error {
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	select {
	case err := <-stopped:
		return failed("up.serving").because(err)
	case <-ctx.Done():
	}
	draining()
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		return errors.Join(err, server.Close(), ctx.Err())
	}
	return ctx.Err()
}
