// Package pgtest gives each test a PostgreSQL database of its own: one real server a test process, one
// migrated template, one copy a test. Roles and rights are those of production; the server is the system's.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sluicedata/sluice/catalog/postgres"
)

// Database is one test's database, with an address for each role.
type Database struct {
	Owner  string
	Serve  string
	Worker string
	Keeper string
}

// password is every role's: the socket lies in a folder only this process's users reach.
const password = "of this test"

// template is the migrated database that tests copy.
const template = "template_sluice"

// server starts once a process; its life ends with the process.
var server = sync.OnceValues(start)

// count numbers databases.
var count atomic.Int64

// New returns a fresh database that goes with the test.
func New(t testing.TB) Database {
	t.Helper()
	dir, err := server()
	if err != nil {
		t.Fatalf("starting PostgreSQL (run make setup): %v", err)
	}
	name := fmt.Sprintf("test_%d", count.Add(1))
	if err := admin(dir, "create database "+name+" template "+template); err != nil {
		t.Fatalf("making the test's database: %v", err)
	}
	t.Cleanup(func() {
		if err := admin(dir, "drop database "+name+" with (force)"); err != nil {
			t.Errorf("dropping the test's database: %v", err)
		}
	})
	return Database{
		Owner: dsn(dir, "postgres", name), Serve: dsn(dir, "sluice_serve", name),
		Worker: dsn(dir, "sluice_worker", name), Keeper: dsn(dir, "sluice_keeper", name),
	}
}

// Durable has the server of this process sync what it commits, from here on, as in production: for what measures
// a commit. It returns a folder on the same disk.
func Durable(t testing.TB) string {
	t.Helper()
	dir, err := server()
	for _, statement := range []string{"alter system set fsync = on", "select pg_reload_conf()"} {
		if err == nil {
			err = admin(dir, statement)
		}
	}
	if err == nil {
		// A division by zero until the server has read its settings again.
		err = await(dir, "select 1 / (current_setting('fsync') = 'on')::int")
	}
	if err != nil {
		t.Fatalf("making the database durable: %v", err)
	}
	return dir
}

// Open connects under a role's address and closes with the test.
func Open(t testing.TB, address string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// Exec runs one statement under a role's address.
func Exec(t testing.TB, address, statement string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(ctx, statement)
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		t.Fatal(err)
	}
}

// Count asks one number under a role's address.
func Count(t testing.TB, address, question string) int {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	err = conn.QueryRow(ctx, question).Scan(&n)
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		t.Fatal(err)
	}
	return n
}

func dsn(dir, role, database string) string {
	return fmt.Sprintf("host=%s user=%s password='%s' dbname=%s sslmode=disable", dir, role, password, database)
}

// admin runs one statement as the superuser.
func admin(dir, statement string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn(dir, "postgres", "postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// start makes a cluster below the temporary folder and starts its server. Clusters of processes that are gone
// are removed first.
func start() (string, error) {
	sweep()
	bin, err := binaries()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", fmt.Sprintf("sluice-pg-%d-", os.Getpid()))
	if err != nil {
		return "", err
	}
	as, err := credential(dir)
	if err != nil {
		return "", err
	}
	if err := initialize(bin, dir, as); err != nil {
		return "", err
	}
	if err := launch(bin, dir, as); err != nil {
		return "", err
	}
	if err := admin(dir, "create database "+template); err != nil {
		return "", err
	}
	secrets := postgres.Secrets{Serve: password, Worker: password, Keeper: password}
	return dir, postgres.Migrate(context.Background(), dsn(dir, "postgres", template), secrets)
}

// binaries finds the newest server of the distribution.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return "", errors.New("no PostgreSQL server on this machine")
	}
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(found[len(found)-1]), nil
}

func version(path string) int {
	n, err := strconv.Atoi(strings.Split(path, "/")[4])
	if err != nil {
		return 0
	}
	return n
}

// credential is the user a server runs as: it refuses root.
func credential(dir string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
	as := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return as, errors.Join(errUID, errGID, os.Chown(dir, int(uid), int(gid)))
}

func initialize(bin, dir string, as *syscall.Credential) error {
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(password), 0o644); err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "postgres", //nolint:gosec // a test starts the server it found
		"-E", "UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--pwfile="+secret, "--no-sync")
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Credential: as}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return careless(filepath.Join(dir, "data", "postgresql.conf"))
}

// careless lets the server of a test lose what it wrote: it is written to be thrown away. The setting is in the
// file, where Durable can overrule it.
func careless(conf string) error {
	f, err := os.OpenFile(conf, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("fsync = off\n")
	return errors.Join(err, f.Close())
}

// launch starts the server on a thread that lives as long as the process: the kernel stops the server when
// that thread ends.
func launch(bin, dir string, as *syscall.Credential) error {
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", filepath.Join(dir, "data"), "-k", dir, //nolint:gosec // same
		"-c", "listen_addresses=", "-c", "max_connections=200")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as, Pdeathsig: syscall.SIGINT}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // the process ends with ours
		}
		select {}
	}()
	if err := <-started; err != nil {
		return err
	}
	return ready(dir)
}

// ready waits until the server answers.
func ready(dir string) error { return await(dir, "select 1") }

// await waits until a statement succeeds.
func await(dir, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := admin(dir, statement)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the server: %w", err)
		case <-tick.C:
		}
	}
}

// sweep removes the clusters of test processes that have ended.
func sweep() {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "sluice-pg-*-*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		pid, err := strconv.Atoi(strings.Split(filepath.Base(dir), "-")[2])
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(dir) // somebody else may be at it
		}
	}
}
