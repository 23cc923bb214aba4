// Package objecttest starts a store of its own for a test, in a child process as in production, and opens it
// under each account.
//
// The child is the test binary again: a package that uses it hands its TestMain over.
//
//	func TestMain(m *testing.M) { objecttest.Main(m) }
package objecttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/object/store"
)

// variable names the environment variable that turns a test binary into the store's child.
const variable = "SLUICE_OBJECTTEST_CHILD"

// patience bounds each wait for the child.
const patience = 30 * time.Second

// order is what the child is told.
type order struct {
	Dir, Socket, Ready string
	Secrets            map[object.Account]string
}

// Main runs the tests of a package, or the store when the binary was started as one.
func Main(m *testing.M) {
	RunIfChild()
	os.Exit(m.Run())
}

// RunIfChild runs the store and ends the process when the binary was started as one; else it returns. It is
// for packages whose TestMain has other things to do, and must come before them.
func RunIfChild() {
	raw := os.Getenv(variable)
	if raw == "" {
		return
	}
	if err := child(raw); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child serves until its standard input ends: that is when the test does, however that ends.
func child(raw string) error {
	var o order
	if err := json.Unmarshal([]byte(raw), &o); err != nil {
		return fmt.Errorf("reading order: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	return store.Serve(ctx, store.Config{Dir: o.Dir, Socket: o.Socket, Ready: o.Ready, Secrets: o.Secrets})
}

// Server is a running store.
type Server struct {
	Dir      string // where it keeps objects: for tests that damage them
	Endpoint object.Endpoint
	Secrets  map[object.Account]string

	order  order
	spool  string
	cmd    *exec.Cmd
	stdin  io.Closer
	stderr *bytes.Buffer
	ended  chan struct{}
}

// Start starts a store over a fresh directory. It ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	base := t.TempDir()
	s := &Server{Dir: filepath.Join(base, "objects"), Secrets: map[object.Account]string{}, spool: t.TempDir()}
	for _, a := range object.Accounts() {
		s.Secrets[a] = store.NewSecret()
	}
	s.order = order{Dir: s.Dir, Socket: Socket(t), Ready: filepath.Join(base, "ready.json"), Secrets: s.Secrets}
	s.start(t)
	t.Cleanup(func() { s.Stop(t) })
	return s
}

// Socket is a place for a store's socket, in a folder short enough for one that goes with the test. A test's own
// folders have its name in their paths.
func Socket(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "store-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return filepath.Join(folder, "s3.sock")
}

// Restart stops the store and starts it again over the same directory and socket.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop(t)
	s.start(t)
}

// Kill ends the store as a crash does, and waits until it is gone.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatalf("killing store: %v", err)
	}
	s.await(t)
}

// Stop ends the store in good order and waits until it is gone. A store that is gone stays so.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.stdin.Close()
	s.await(t)
}

// Open opens the store under an account.
func (s *Server) Open(t testing.TB, a object.Account) *object.Store {
	t.Helper()
	opened, err := object.Open(object.Config{Endpoint: s.Endpoint, Account: a, Secret: s.Secrets[a], Spool: s.spool})
	if err != nil {
		t.Fatalf("opening store as %s: %v", a, err)
	}
	return opened
}

func (s *Server) start(t testing.TB) {
	t.Helper()
	raw, err := json.Marshal(s.order)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.order.Ready); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	s.stderr, s.ended = &bytes.Buffer{}, make(chan struct{})
	s.cmd = exec.Command("/proc/self/exe")
	s.cmd.Env = append(os.Environ(), variable+"="+string(raw))
	s.cmd.Stderr = s.stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("starting store: %v", err)
	}
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait()
		close(ended)
	}(s.cmd, s.ended)
	s.ready(t)
}

// ready waits for the ready file.
func (s *Server) ready(t testing.TB) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		end, err := object.ReadEndpoint(s.order.Ready)
		if err == nil {
			s.Endpoint = end
			return
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		select {
		case <-s.ended:
			t.Fatalf("store ended: %s", s.stderr)
		case <-late:
			t.Fatal("store not ready")
		case <-tick.C:
		}
	}
}

func (s *Server) await(t testing.TB) {
	t.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		t.Fatal("store does not end")
	}
}
