package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
)

// machine is what an operations script plays on: `sluice up` as it is installed, but for the containers, and the
// story of story.txt up to a release.
type machine struct {
	t    *testing.T
	data string
	addr string // host:port of the API, the same at every start
	up   *started
	*scene
}

// freeAddress finds a port that an instance keeps over its restarts.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func newMachine(t *testing.T) *machine {
	m := &machine{t: t, data: dataFolder(t), addr: freeAddress(t)}
	m.start(m.data)
	m.scene = m.open()
	return m
}

// start starts `sluice up` on a folder.
func (m *machine) start(data string, more ...string) {
	m.up = beginAs(m.t, "sluice-hand", 0, append([]string{"--data", data, "--engine", noEngine, "--listen", m.addr}, more...)...)
	m.up.data = data
	m.up.waitUp(m.t)
	m.data = data
}

// open gives the test what it does itself: the worker's part, and time that passes.
func (m *machine) open() *scene {
	t := m.t
	layout := layoutOf(t, m.data)
	owner, err := layout.OwnerAddress()
	if err != nil {
		t.Fatal(err)
	}
	profile, err := client.LoadProfile(filepath.Join(m.data, "root", "admin.json"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := profile.PrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	public, err := os.ReadFile(filepath.Join(m.data, "root", "root.pub"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := hex.DecodeString(strings.TrimSpace(string(public)))
	if err != nil {
		t.Fatal(err)
	}
	i := &gatewaytest.Instance{
		URL: "http://" + m.addr, Owner: pgtest.Open(t, owner), Root: root, Admin: client.New("http://"+m.addr, key), Log: &gatewaytest.Lines{},
	}
	return &scene{Instance: i, worker: m.hand(layout, owner, i.Owner)}
}

func (m *machine) hand(layout instance.Layout, owner string, db *postgres.DB) *handWorker {
	t := m.t
	secret := func(name string) string {
		value, err := instance.ReadSecret(filepath.Join(layout.Secrets("worker"), name))
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	address, err := instance.AsRole(owner, "sluice_worker", secret("database"))
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := object.ReadEndpoint(layout.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	objects, err := object.Open(object.Config{Endpoint: endpoint, Account: object.Worker, Secret: secret("store"), Spool: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return &handWorker{queue: postgres.NewQueue(pgtest.Open(t, address)), store: objects, owner: db}
}

// script puts the story up to its release before a script's own commands.
func script(t *testing.T, own []byte) string {
	t.Helper()
	story, err := txtar.ParseFile("testdata/story.txt")
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(story.Comment), "flip product/product.csv")
	if !ok {
		t.Fatal("the story has no release")
	}
	mine := txtar.Parse(own)
	joined := &txtar.Archive{Comment: append([]byte(before), mine.Comment...), Files: append(story.Files, mine.Files...)}
	path := filepath.Join(t.TempDir(), "script.txt")
	if err := os.WriteFile(path, txtar.Format(joined), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// play runs a script on a machine of its own.
func play(t *testing.T, own []byte) {
	t.Helper()
	m := newMachine(t)
	commands := m.commands()
	commands["systemctl"] = m.systemctl
	commands["flipfile"] = flipFile
	commands["get"] = m.get
	commands["certified"] = m.certified
	commands["now"] = func(ts *testscript.TestScript, _ bool, args []string) {
		ts.Setenv(args[0], time.Now().UTC().Format(time.RFC3339))
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the instance said: %s", m.up.said)
		}
	})
	t.Cleanup(m.checkLogs) // after the script, which runs in parallel
	testscript.Run(t, testscript.Params{
		Files: []string{script(t, own)}, RequireExplicitExec: true, Cmds: commands,
		Setup: func(env *testscript.Env) error {
			env.Setenv("DATA", m.data)
			env.Setenv("OTHER", filepath.Join(filepath.Dir(m.data), "other"))
			env.Setenv("THIRD", filepath.Join(filepath.Dir(m.data), "third"))
			// What `sluice restore` is configured with here: no containers.
			env.Setenv("SLUICE_ENGINE", noEngine)
			env.Setenv("SLUICE_RUNNER", "/bin/true")
			for _, name := range []string{"BACKUP", "SAFE"} {
				env.Setenv(name, filepath.Join(env.WorkDir, strings.ToLower(name)))
			}
			return m.setup(env)
		},
	})
}

// checkLogs looks for what must not be in any log: values, secrets, keys, what people wrote.
func (m *machine) checkLogs() {
	canaries := map[string]string{"110101199003070011": "a resident", "门诊就诊": "a title", "yearly report": "a context", "a passphrase of this": "a passphrase"}
	for path, secret := range secrets(m.t, m.data) {
		canaries[strings.TrimSpace(secret)] = path
	}
	keys, err := filepath.Glob(filepath.Join(m.data, "*", "keys", "*.key"))
	if err != nil || len(keys) == 0 {
		m.t.Fatalf("no keys: %v", err)
	}
	for _, path := range append(keys, filepath.Join(m.data, "root", "root.key")) {
		var key struct{ Secret string }
		raw, err := os.ReadFile(path)
		if err != nil || json.Unmarshal(raw, &key) != nil || key.Secret == "" {
			m.t.Fatalf("reading %s: %v", path, err)
		}
		canaries[key.Secret] = path
	}
	said := m.up.said.String() + m.up.logs()
	if !strings.Contains(said, `"msg":"request"`) {
		m.t.Error("the logs hold no request")
	}
	for canary, what := range canaries {
		if strings.Contains(said, canary) {
			m.t.Errorf("the logs hold %s", what)
		}
	}
}

// systemctl plays the service manager: systemctl start|stop sluice. With a folder it starts on that.
func (m *machine) systemctl(ts *testscript.TestScript, _ bool, args []string) {
	switch args[0] {
	case "start":
		data := m.data
		if len(args) > 2 {
			data = args[2]
		}
		m.start(data)
	case "stop":
		ts.Check(m.up.cmd.Process.Signal(syscall.SIGTERM))
		<-m.up.done
	case "kill":
		ts.Check(m.up.cmd.Process.Kill())
		<-m.up.done
	default:
		ts.Fatalf("usage: systemctl start|stop|kill sluice [DIR]")
	}
}

// certified waits until the keeper has carried out a destruction: certified DATASET VERSION.
func (m *machine) certified(ts *testscript.TestScript, _ bool, args []string) {
	eventually(m.t, "the destruction is certified", func() bool {
		return psql(m.t, m.data, "select count(*) from destruction x join dataset d on d.id = x.dataset where d.slug = '"+
			args[0]+"' and x.version = "+args[1]+" and x.state = 'certified'") == "1"
	})
}

// get asks a process's administrator's socket: get PART PATH STATUS.
func (m *machine) get(ts *testscript.TestScript, _ bool, args []string) {
	status, body, err := askAdmin(layoutOf(m.t, m.data), args[0], args[1])
	ts.Check(err)
	_, _ = io.WriteString(ts.Stdout(), body)
	if fmt.Sprint(status) != args[2] {
		ts.Fatalf("%s of %s answered %d, want %s: %s", args[1], args[0], status, args[2], body)
	}
}

// askAdmin asks a path on a process's administrator's socket.
func askAdmin(layout instance.Layout, part, path string) (int, string, error) {
	socket := filepath.Join(layout.Socket(part), adminSocket)
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	answer, err := web.Get("http://admin" + path)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), err
}

// flipFile changes one bit of the only file a pattern matches first: flipfile PATTERN.
func flipFile(ts *testscript.TestScript, _ bool, args []string) {
	paths, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(paths) == 0 {
		ts.Fatalf("no file %s", args[0])
	}
	body, err := os.ReadFile(paths[0])
	ts.Check(err)
	body[len(body)/2] ^= 1
	ts.Check(os.WriteFile(paths[0], body, 0o600))
}

// TestOperations plays each script of testdata/ops on an installed instance.
func TestOperations(t *testing.T) {
	files, err := filepath.Glob("testdata/ops/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			own, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			play(t, own)
		})
	}
}
