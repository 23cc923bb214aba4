package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/object/store"
)

// shareStore gives every process its own credential of the object store, and the store all of them.
func shareStore(in *opened) error {
	for _, account := range object.Accounts() {
		secret, err := in.Secret(in.users, string(account), "store")
		if err != nil {
			return err
		}
		if err := in.KeepSecret(in.users, "store", string(account), []byte(secret+"\n")); err != nil {
			return err
		}
	}
	return nil
}

// runStore serves objects on a socket whose place never changes.
func runStore(ctx context.Context, in surroundings) error {
	secrets, err := store.ReadSecrets(in.secrets)
	if err != nil {
		return err
	}
	config := store.Config{
		Dir: in.home, Secrets: secrets,
		Socket: filepath.Join(in.runtime, "s3.sock"), Ready: filepath.Join(in.runtime, "endpoint.json"),
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// The old word of where it serves goes before the new one is waited for.
	if err := os.Remove(config.Ready); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	go func() {
		if err := sayWhenThere(ctx, config.Ready, in.ready); err != nil {
			cancel(err)
		}
	}()
	return store.Serve(ctx, config)
}

// sayWhenThere says ready once the file exists.
func sayWhenThere(ctx context.Context, path string, ready func() error) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(path); err == nil {
			return ready()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
