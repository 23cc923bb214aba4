package instance

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/sluicedata/sluice/cmd/sluice/supervise"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

const (
	databaseName  = "sluice"
	databaseOwner = "sluice_owner"
	distribution  = "/usr/lib/postgresql" // Debian keeps each major version's programs in <version>/bin
)

// Server is the instance's own PostgreSQL.
type Server struct {
	layout  Layout
	users   Users
	bin     string // folder of the programs
	owner   string // secret of the owner's role
	logging io.Writer
}

// NewServer finds the programs, makes the cluster the first time and returns the server, ready to start.
// logging takes what the tools say.
func NewServer(ctx context.Context, l Layout, users Users, logging io.Writer) (*Server, error) {
	owner, err := l.Secret(users, "pg", "owner")
	if err != nil {
		return nil, err
	}
	s := &Server{layout: l, users: users, owner: owner, logging: logging}
	major, err := s.clusterMajor()
	if err != nil {
		return nil, err
	}
	if s.bin, err = programs(distribution, major); err != nil {
		return nil, err
	}
	if major != 0 {
		return s, s.check(major)
	}
	return s, s.create(ctx)
}

func (s *Server) data() string { return filepath.Join(s.layout.Home("pg"), "data") }

// clusterMajor returns the major version that made the cluster, 0 when there is none yet.
func (s *Server) clusterMajor() (int, error) {
	content, err := os.ReadFile(filepath.Join(s.data(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, texts.Wrong("file.unreadable", "path", filepath.Join(s.data(), "PG_VERSION")).Because(err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0, texts.Wrong("file.unreadable", "path", filepath.Join(s.data(), "PG_VERSION")).Because(err)
	}
	return major, nil
}

// programs returns the folder of the server's programs: those of the wanted major version, else the newest
// of the distribution, else what PATH has.
func programs(distribution string, wanted int) (string, error) {
	found, _ := filepath.Glob(filepath.Join(distribution, "*", "bin", "postgres"))
	best, bin := -1, ""
	for _, program := range found {
		folder := filepath.Dir(program)
		major, err := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
		if err != nil {
			continue
		}
		if major == wanted {
			return folder, nil
		}
		if major > best {
			best, bin = major, folder
		}
	}
	if bin != "" {
		return bin, nil
	}
	program, err := exec.LookPath("postgres")
	if err != nil {
		return "", texts.Wrong("up.no_postgres")
	}
	return filepath.Dir(program), nil
}

// Programs returns the folder of the database programs that fit the instance's cluster; without one, the newest.
func (l Layout) Programs() (string, error) {
	major, err := (&Server{layout: l}).clusterMajor()
	if err != nil {
		return "", err
	}
	return programs(distribution, major)
}

// OwnerAddress returns the database address of the owner of the instance's own server, which runs already.
func (l Layout) OwnerAddress() (string, error) {
	secret, err := ReadSecret(filepath.Join(l.Secrets("pg"), "owner"))
	if err != nil {
		return "", err
	}
	return (&Server{layout: l, owner: secret}).OwnerAddress()
}

// check refuses programs of another major version than the cluster's.
func (s *Server) check(cluster int) error {
	said, err := exec.Command(filepath.Join(s.bin, "postgres"), "--version").Output()
	if err != nil {
		return texts.Wrong("up.postgres_version", "program", filepath.Join(s.bin, "postgres")).Because(err)
	}
	// "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
	fields := strings.Fields(string(said))
	if len(fields) < 3 {
		return texts.Wrong("up.postgres_version", "program", filepath.Join(s.bin, "postgres"))
	}
	text, _, _ := strings.Cut(fields[2], ".")
	installed, err := strconv.Atoi(text)
	if err != nil {
		return texts.Wrong("up.postgres_version", "program", filepath.Join(s.bin, "postgres")).Because(err)
	}
	if installed == cluster {
		return nil
	}
	return &VersionError{Cluster: cluster, Installed: installed, Data: filepath.Join(s.layout.Data, "pg", "data"), Bin: s.bin}
}

// VersionError says that the cluster was made by a version whose programs are not there. Nothing was touched.
type VersionError struct {
	Cluster, Installed int
	Data, Bin          string
}

// Error implements error in English.
func (e *VersionError) Error() string { return e.Unwrap().Error() }

// Unwrap names the two ways on.
func (e *VersionError) Unwrap() error {
	return texts.Wrong("up.postgres_major", "cluster", e.Cluster, "installed", e.Installed, "data", e.Data, "bin", e.Bin, "owner", databaseOwner)
}

// create makes the cluster beside its place and renames it, so that an interrupted start leaves nothing half
// made.
func (s *Server) create(ctx context.Context) error {
	fresh := filepath.Join(s.layout.Home("pg"), "new")
	if err := os.RemoveAll(fresh); err != nil {
		return texts.Wrong("up.clearing", "path", fresh).Because(err)
	}
	password := filepath.Join(s.layout.Secrets("pg"), "owner")
	err := s.tool(ctx, "", "initdb", "-D", fresh, "-U", databaseOwner, "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums",
		"--auth-local=scram-sha-256", "--auth-host=reject", "--pwfile="+password)
	if err != nil {
		return err
	}
	err = s.tool(ctx, "create database "+databaseName+";\n", "postgres", "--single", "-D", fresh, "postgres")
	if err != nil {
		return err
	}
	if err := os.Rename(fresh, s.data()); err != nil {
		return texts.Wrong("up.making", "path", s.data()).Because(err)
	}
	return nil
}

// tool runs one of PostgreSQL's programs as its user.
func (s *Server) tool(ctx context.Context, input, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...)
	cmd.Stdin = strings.NewReader(input)
	cmd.Stdout, cmd.Stderr = s.logging, s.logging
	cmd.Dir = "/"
	cmd.Env = []string{"LANG=C.UTF-8", "PATH=/usr/bin:/bin"}
	if as := s.users.Postgres(); as != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: as.UID, Gid: as.GID}}
	}
	if err := cmd.Run(); err != nil {
		return texts.Wrong("up.tool", "program", name, "log", filepath.Join(s.layout.LogsAsNamed(), "database-setup.log")).Because(err)
	}
	return nil
}

// Program returns the server's command line. It listens on its socket alone; what it logs never holds a
// statement, a parameter or the detail of an error, which carry values.
func (s *Server) Program() []string {
	argv := []string{filepath.Join(s.bin, "postgres"), "-D", s.data()}
	for _, setting := range []string{
		"listen_addresses=",
		"unix_socket_directories=" + s.layout.Socket("pg"),
		"password_encryption=scram-sha-256",
		"fsync=on",
		"full_page_writes=on",
		"logging_collector=off",
		"log_destination=stderr",
		"log_statement=none",
		"log_min_error_statement=panic",
		"log_error_verbosity=terse",
		"log_parameter_max_length=0",
		"log_parameter_max_length_on_error=0",
		"timezone=UTC",
		"cluster_name=sluice",
	} {
		argv = append(argv, "-c", setting)
	}
	return argv
}

// As returns the server's user.
func (s *Server) As() *supervise.Credential { return s.users.Postgres() }

// Address returns the database address without a role.
func (s *Server) Address() string {
	return fmt.Sprintf("host=%s port=5432 dbname=%s sslmode=disable", s.layout.Socket("pg"), databaseName)
}

// OwnerAddress returns the database address of the owner, a superuser of this server. Only the supervisor
// holds it.
func (s *Server) OwnerAddress() (string, error) { return AsRole(s.Address(), databaseOwner, s.owner) }

// Ready is nil when the server takes logins: a server that still recovers answers a start-up message with an
// error, a ready one with a question for the password.
func (s *Server) Ready(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", filepath.Join(s.layout.Socket("pg"), ".s.PGSQL.5432"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if until, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(until); err != nil {
			return err
		}
	}
	if _, err := conn.Write(startupMessage(databaseOwner, databaseName)); err != nil {
		return err
	}
	kind := make([]byte, 1)
	if _, err := io.ReadFull(conn, kind); err != nil {
		return err
	}
	if kind[0] != 'R' {
		return texts.Wrong("up.no_logins")
	}
	return nil
}

// startupMessage is the first message of the protocol, version 3.0 (PostgreSQL documentation, 55.7).
func startupMessage(user, database string) []byte {
	body := binary.BigEndian.AppendUint32(nil, 3<<16)
	for _, text := range []string{"user", user, "database", database, ""} {
		body = append(append(body, text...), 0)
	}
	return slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4)), body)
}
