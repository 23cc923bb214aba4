package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
)

// variable turns the test binary into a server over a directory. Its syncs of everything fail once a file
// "broken-all" is there, those of one object once "broken-one" is, and it is told to stop once "stop" is.
const variable = "SLUICE_STORE_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(variable); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func config(base string) Config {
	secrets := map[object.Account]string{}
	for _, a := range object.Accounts() {
		secrets[a] = strings.Repeat(string(a), 10)
	}
	return Config{
		Dir: filepath.Join(base, "objects"), Socket: filepath.Join(base, "s3.sock"), Ready: filepath.Join(base, "ready"),
		Secrets: secrets,
	}
}

func child(base string) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		for range time.Tick(10 * time.Millisecond) {
			if _, err := os.Stat(filepath.Join(base, "stop")); err == nil {
				stop()
			}
		}
	}()
	unless := func(broken string, sync func(fd int) error) func(fd int) error {
		return func(fd int) error {
			if _, err := os.Stat(filepath.Join(base, broken)); err == nil {
				return unix.EIO
			}
			return sync(fd)
		}
	}
	return serve(ctx, config(base), syncs{all: unless("broken-all", unix.Syncfs), one: unless("broken-one", unix.Fsync)})
}

// sizes are bodies by the sync they need: a small object waits for everything, a large one is synced alone.
func sizes() map[string]string {
	return map[string]string{"broken-all": "small", "broken-one": strings.Repeat("large", largeObject)}
}

// start runs the child and returns a store of the worker and the child's end.
func start(t *testing.T, base string) (*object.Store, <-chan error, *bytes.Buffer) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), variable+"="+base)
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	cfg := config(base)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		end, err := object.ReadEndpoint(cfg.Ready)
		if err == nil {
			s, err := object.Open(object.Config{Endpoint: end, Account: object.Worker, Secret: cfg.Secrets[object.Worker], Spool: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			return s, ended, &stderr
		}
		select {
		case err := <-ended:
			t.Fatalf("server ended: %v: %s", err, &stderr)
		case <-tick.C:
		}
	}
}

// A put whose sync fails is not told as success, not even to a later put of the same bytes, and the server dies.
func TestDiesWhenSyncFails(t *testing.T) {
	for broken, body := range sizes() {
		t.Run(broken, func(t *testing.T) { diesWhenSyncFails(t, broken, body) })
	}
}

func diesWhenSyncFails(t *testing.T, broken, body string) {
	base := t.TempDir()
	s, ended, stderr := start(t, base)
	key, err := object.NewDataKey(name.NewID().String(), make([]byte, object.SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), object.Data, key, strings.NewReader("sound "+body)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(base, broken), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	if _, err := s.Put(ctx, object.Data, key, strings.NewReader("lost "+body)); err == nil {
		t.Fatal("a put that was never durable was told as success")
	}
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(stderr.String(), ErrSync.Error()) {
			t.Fatalf("server ended with %v: %s", err, stderr)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("server lives on after a failed sync")
	}
}

// "Already there" is synced like a write: the object may be another put's that is not durable yet.
func TestAlreadyThereIsSynced(t *testing.T) {
	for broken, body := range sizes() {
		t.Run(broken, func(t *testing.T) { alreadyThereIsSynced(t, broken, body) })
	}
}

func alreadyThereIsSynced(t *testing.T, broken, body string) {
	base := t.TempDir()
	s, ended, _ := start(t, base)
	key, err := object.NewDataKey(name.NewID().String(), make([]byte, object.SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), object.Data, key, strings.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(base, broken), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	if _, err := s.Put(ctx, object.Data, key, strings.NewReader(body)); err == nil {
		t.Fatal("already there was told without a sync")
	}
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("server lives on after a failed sync")
	}
}

// A large body is made durable while it arrives, one flush at a time; a small one waits for its end.
func TestLargeBodiesAreFlushedAhead(t *testing.T) {
	var flushes, beside atomic.Int32
	began, goOn := make(chan struct{}, 8), make(chan struct{})
	d := &durable{flusher: newFlusher(func() error {
		flushes.Add(1)
		if beside.Add(1) > 1 {
			t.Error("two flushes at once")
		}
		began <- struct{}{}
		<-goOn
		beside.Add(-1)
		return nil
	})}
	body := d.ahead(checked{bytes.NewReader(make([]byte, 3*flushStep))})
	read := func(n int64) {
		t.Helper()
		if _, err := io.CopyN(io.Discard, body, n); err != nil {
			t.Fatal(err)
		}
	}
	read(flushStep - 1)
	if got := flushes.Load(); got != 0 {
		t.Fatalf("%d flushes before there was much to flush", got)
	}
	read(1)
	<-began
	read(flushStep) // while the first goes on
	if got := flushes.Load(); got != 1 {
		t.Errorf("%d flushes beside the first", got)
	}
	close(goOn)
	for flushes.Load() < 2 { // the first has ended and what is read next begins another
		if _, err := io.CopyN(io.Discard, body, 1); err != nil {
			t.Fatalf("no second flush: %v", err)
		}
	}
	if plain := bytes.NewReader(nil); d.ahead(plain) != io.Reader(plain) {
		t.Error("a body without a checksum behind it is not left alone")
	}
}

// checked is a body with its checksum behind it.
type checked struct{ io.Reader }

func (checked) Algorithm() string { return "crc32c" }
func (checked) Checksum() string  { return "" }

func TestSecondServerIsRefused(t *testing.T) {
	base := t.TempDir()
	start(t, base)
	dir, err := lock(filepath.Join(base, "objects"))
	if !errors.Is(err, ErrLocked) {
		t.Fatalf("got %v, %v, want ErrLocked", dir, err)
	}
}

func TestFlusherSharesRounds(t *testing.T) {
	var syncs atomic.Int32
	began, release := make(chan struct{}), make(chan struct{})
	f := newFlusher(func() error {
		if syncs.Add(1) == 1 {
			close(began)
		}
		<-release
		return nil
	})
	var all sync.WaitGroup
	all.Go(func() { _ = f.wait() })
	<-began // the first is under way: the rest must not share it
	const callers = 50
	var joined sync.WaitGroup
	joined.Add(callers)
	for range callers {
		all.Go(func() {
			joined.Done()
			if err := f.wait(); err != nil {
				t.Error(err)
			}
		})
	}
	joined.Wait()
	close(release)
	all.Wait()
	if got := syncs.Load(); got < 2 || got > callers {
		t.Fatalf("%d syncs for %d callers after the first", got, callers)
	}
}

func TestFlusherStaysDead(t *testing.T) {
	failing := true
	f := newFlusher(func() error {
		if failing {
			return unix.EIO
		}
		return nil
	})
	if err := f.wait(); !errors.Is(err, unix.EIO) {
		t.Fatalf("got %v", err)
	}
	failing = false
	if err := f.wait(); !errors.Is(err, unix.EIO) {
		t.Fatalf("a failed sync was retried as success: %v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for what, change := range map[string]func(*Config){
		"short secret":   func(c *Config) { c.Secrets[object.Worker] = "short" },
		"missing secret": func(c *Config) { delete(c.Secrets, object.Keeper) },
		"long socket":    func(c *Config) { c.Socket = "/" + strings.Repeat("s", maxSocket) },
	} {
		cfg := config(t.TempDir())
		change(&cfg)
		if err := Serve(t.Context(), cfg); err == nil {
			t.Errorf("%s: served", what)
		}
	}
}

// A store that is told to stop does so at once, with a client connected that asks for nothing.
func TestStopsAtOnce(t *testing.T) {
	base := t.TempDir()
	_, ended, _ := start(t, base)
	end, err := object.ReadEndpoint(config(base).Ready)
	if err != nil {
		t.Fatal(err)
	}
	idle, err := net.Dial("unix", end.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if err := os.WriteFile(filepath.Join(base, "stop"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Fatalf("ended with %v", err)
		}
	case <-time.After(8 * time.Second): // the gateway alone takes ten
		t.Fatal("store does not stop")
	}
}
