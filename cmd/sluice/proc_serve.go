package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
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

// runServe serves the API until ctx ends, then lets calls under way finish.
func runServe(ctx context.Context, in surroundings) error {
	opened, err := in.openCatalog(ctx, "serve", object.Serve)
	if err != nil {
		return err
	}
	defer opened.db.Close()
	listener, err := net.Listen("tcp", in.listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	address := "http://" + listener.Addr().String()
	server := &http.Server{
		Handler:           gateway.New(gateway.Config{Catalog: opened.catalog, BaseURL: address, Log: in.log, Now: in.now, Limits: gateway.DefaultLimits()}),
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
