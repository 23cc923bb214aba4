package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/gateway"
)

// Bounds of the listener: a slow or endless header costs one connection for seconds, nothing more. Bodies
// have their own bounds, by route.
const (
	headerPatience = 10 * time.Second
	idlePatience   = 2 * time.Minute
	maxHeader      = 64 << 10
	drainPatience  = 5 * time.Second
)

// listener opens the gateway's listener and says what people call it.
func (in surroundings) listener(d door) (net.Listener, string, error) {
	plain, err := net.Listen("tcp", in.listen)
	if err != nil {
		return nil, "", fmt.Errorf("listening: %w", err)
	}
	address := "http://" + plain.Addr().String()
	if d.certificate != nil {
		address = "https://" + plain.Addr().String()
		plain = tls.NewListener(plain, gateway.TLS(*d.certificate))
	}
	if in.url != "" {
		address = strings.TrimRight(in.url, "/")
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
	listener, address, err := in.listener(door)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: gateway.New(gateway.Config{
			Catalog: opened.catalog, BaseURL: address, Log: in.log, Now: in.now, Limits: gateway.DefaultLimits(), Provider: door.provider,
		}),
		ReadHeaderTimeout: headerPatience, IdleTimeout: idlePatience, MaxHeaderBytes: maxHeader,
	}
	if err := os.WriteFile(filepath.Join(in.runtime, "address"), []byte(address+"\n"), 0o644); err != nil {
		return fmt.Errorf("telling the address: %w", err)
	}
	if err := in.ready(); err != nil {
		return err
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	select {
	case err := <-stopped:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainPatience)
	defer cancel()
	return errors.Join(server.Shutdown(drain), ctx.Err())
}
