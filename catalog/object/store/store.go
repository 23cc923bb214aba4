// Package store is the S3 server of one machine: versitygw over a directory, with the two things it lacks.
//
// It makes success mean durable. The gateway never syncs; here each put and delete waits for syncfs before
// its answer, and so does the answer "already there": another put may have made the object visible without
// having made it durable. A large object is synced by itself instead, with the folders down to it: what others
// have written meanwhile need not be on disk for its answer. When a sync fails nothing is known about any earlier write, so no answer is given
// any more and Serve returns: the process must end.
//
// It makes write-once the server's rule. A put without If-None-Match is refused whoever asks; only the
// trace's checkpoint may be replaced, by If-Match. Who may do what in which bucket is the table
// object.Access, compiled into the program and not kept in the directory. There is no administrator: the
// gateway's root secret is drawn at each start and never leaves the process.
//
// Serve runs in a process of its own: the gateway changes the working directory and allows one instance.
package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
	"github.com/versity/versitygw/s3api"
	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/catalog/object"
)

// Config is what a server is started with. Paths may be relative to the working directory Serve finds.
type Config struct {
	Dir string // where objects are kept: 0700, one server at a time, extended attributes needed
	// Socket is where it listens: a path of at most 107 bytes in a folder that only its clients may enter, and in
	// which nobody else makes files. It is removed at start and made anew.
	Socket string
	// Ready is written, as an object.Endpoint, once the server accepts connections. A stale one is removed at
	// start; whoever waits for it removes it before it starts the server, or may find the last server's.
	Ready   string
	Secrets map[object.Account]string // one for each of object.Accounts
}

// ErrSync says that writes could not be made durable. The process must end: its page cache is not to be
// trusted, and a second sync would succeed without having written anything.
var ErrSync = errors.New("store could not be made durable")

// ErrLocked says that another server uses the directory.
var ErrLocked = errors.New("store directory is in use")

// maxSocket is the most bytes of a socket's path (Linux, sun_path without its end).
const maxSocket = 107

// maxParts is the most parts of a multipart upload. The gateway insists on a bound; our own client uses one.
const maxParts = 10000

// Serve runs the server until ctx ends or a sync fails. It changes the process's working directory.
func Serve(ctx context.Context, cfg Config) error {
	return serve(ctx, cfg, syncs{all: unix.Syncfs, one: unix.Fsync})
}

func serve(ctx context.Context, cfg Config, disk syncs) error {
	if err := cfg.settle(); err != nil {
		return err
	}
	users, err := newUsers(cfg.Secrets)
	if err != nil {
		return err
	}
	dir, err := lock(cfg.Dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	root, err := os.OpenRoot(cfg.Dir)
	if err != nil {
		return fmt.Errorf("opening store directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	flush := newFlusher(func() error { return disk.all(int(dir.Fd())) })
	be, err := open(ctx, cfg.Dir, flush, alone{root, disk.one})
	if err != nil {
		return err
	}
	return run(ctx, be, cfg.gateway(users), flush, cfg.ready)
}

// run serves until ctx ends, the gateway fails or a sync does. After a failed sync it does not wait for
// requests under way: their answers no longer matter. Either way the process ends with it.
func run(ctx context.Context, be backend.Backend, gw *embedgw.Config, flush *flusher, ready func() error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	gw.S3Options = append(gw.S3Options, s3api.WithOnListen(func() {
		if err := ready(); err != nil {
			stop(err)
		}
	}))
	over := make(chan error, 1)
	go func() { over <- embedgw.RunVersityGW(ctx, be, gw) }()
	select {
	case err := <-over:
		return wrapped("serving objects", err)
	case <-flush.failed:
		return fmt.Errorf("%w: %w", ErrSync, flush.dead())
	case <-ctx.Done():
	}
	select {
	case <-over: //nolint:errcheck // it was told to end; how it did no longer matters
	case <-time.After(grace):
	}
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		return wrapped("serving objects", cause)
	}
	return nil
}

// grace is how long requests under way have to end. The gateway would wait ten seconds for idle connections;
// nothing is lost without it: what was answered is durable, what was not is put again.
const grace = time.Second

func wrapped(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// settle makes paths absolute before the gateway changes the working directory, and makes directories.
func (c *Config) settle() error {
	for _, p := range []*string{&c.Dir, &c.Socket, &c.Ready} {
		abs, err := filepath.Abs(*p)
		if err != nil {
			return fmt.Errorf("finding store directory: %w", err)
		}
		*p = abs
	}
	if len(c.Socket) > maxSocket {
		return fmt.Errorf("store socket: path of %d bytes, at most %d", len(c.Socket), maxSocket)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return fmt.Errorf("making store directory: %w", err)
	}
	if err := os.Remove(c.Ready); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing stale ready file: %w", err)
	}
	return nil
}

// lock opens the directory and holds it against a second server. The file is also what syncfs is asked for.
func lock(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("opening store directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: %w", ErrLocked, err)
	}
	return f, nil
}

// open builds the backend over dir and makes the buckets.
func open(ctx context.Context, dir string, flush *flusher, large alone) (backend.Backend, error) {
	attributes := meta.XattrMeta{}
	if err := attributes.Test(dir); err != nil {
		return nil, fmt.Errorf("looking for extended attributes on the store's filesystem: %w", err)
	}
	var opts posix.PosixOpts
	opts.SetNewDirPerm(0o700)
	opts.SetNewFilePerm(0o600)
	opts.ValidateBucketNames = true
	// The tag of an object is the checksum it came with. Nobody here asks for the MD5, which costs more than all
	// else the store does with the bytes.
	opts.DataIntegrityEtag = true
	opts.IOBufferSize = bodyBuffer
	disk, err := posix.New(dir, attributes, opts)
	if err != nil {
		return nil, fmt.Errorf("opening store: %w", err)
	}
	if err := makeBuckets(ctx, disk); err != nil {
		return nil, err
	}
	rules, err := policies()
	if err != nil {
		return nil, err
	}
	return &durable{Backend: disk, flusher: flush, large: large, policies: rules}, nil
}

// bodyBuffer is what a body is written by, in bytes: as much as one of its chunks holds.
const bodyBuffer = 64 << 10

// ready puts the ready file in place in one step: who finds it finds all of it. It names no secret, and other
// processes' uids read it.
func (c *Config) ready() error {
	raw, err := json.Marshal(object.Endpoint{Socket: c.Socket})
	if err != nil {
		return fmt.Errorf("encoding ready file: %w", err)
	}
	if err := os.WriteFile(c.Ready+".new", raw, 0o644); err != nil {
		return fmt.Errorf("writing ready file: %w", err)
	}
	if err := os.Rename(c.Ready+".new", c.Ready); err != nil {
		return fmt.Errorf("writing ready file: %w", err)
	}
	return nil
}

// gateway is the gateway's own configuration. Quiet, because its request log would hold object keys. Who may come to
// the socket is its folder's rule.
func (c *Config) gateway(users *users) *embedgw.Config {
	const connections, requests = 1024, 512
	return &embedgw.Config{
		RootUserAccess:    users.root.Access,
		RootUserSecret:    users.root.Secret,
		IAMService:        users,
		Region:            object.Region,
		Ports:             []string{c.Socket},
		SocketPerm:        "0666",
		MaxConnections:    connections,
		MaxRequests:       requests,
		MultipartMaxParts: maxParts,
		KeepAlive:         true,
		DisableACLs:       true,
		Quiet:             true,
	}
}
