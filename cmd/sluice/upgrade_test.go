package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/cmd/sluice/backup"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

// frozenBytes is the most a frozen deployment may weigh.
const frozenBytes = 2 << 20

// The people of a frozen city who act here: deploy/frozen/README.md.
const (
	frozenDeveloper = "kaifa"
	frozenSteward   = "weisheng"
	frozenReviewer  = "chuyu"
	frozenAuditor   = "shenji"
)

// frozen is a deployment as an earlier version left it, opened by today's programs.
type frozen struct {
	dir      string
	manifest backup.Manifest
	root     ed25519.PublicKey
	keys     trace.Keys
	product  release.Package // as it was received then
	at       *machine
	db       *postgres.DB // as its owner
}

// TestUpgrade opens every frozen deployment: nothing an earlier version wrote may be lost on today's.
func TestUpgrade(t *testing.T) {
	paths, err := filepath.Glob("../../deploy/frozen/*/" + backup.ManifestFile)
	if err != nil || len(paths) == 0 {
		t.Fatalf("nothing is frozen: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			f := readFrozen(t, filepath.Dir(path))
			t.Run("offline", f.verifiesOffline)
			f.thaw(t)
			for _, held := range []struct {
				what string
				is   func(*testing.T)
			}{
				{"schema", f.schemaIsToday}, {"decisions", f.decisionsReplay}, {"formats", f.formatsAreRead},
				{"invariants", f.invariantsHold},
				{"people", f.peopleLogIn}, {"product", f.productIsTheSame}, {"trace", f.traceGoesOn}, {"narrowing", f.entriesAreFound},
			} {
				t.Run(held.what, held.is)
			}
		})
	}
}

// readFrozen reads what a frozen deployment says of itself.
func readFrozen(t *testing.T, dir string) *frozen {
	t.Helper()
	f := &frozen{dir: dir}
	var err error
	if f.manifest, err = backup.Verify(dir); err != nil {
		t.Fatal(err)
	}
	if f.root, err = client.ReadRoot(filepath.Join(dir, "root.pub")); err != nil {
		t.Fatal(err)
	}
	f.product = release.Package{
		Product: f.read(t, "release/product.csv"), Certificate: f.read(t, "release/certificate.json"),
		Proof: f.read(t, "release/proof.json"), Trust: f.read(t, "release/trust.json"),
	}
	if f.keys, err = client.CheckpointKeys(f.product.Trust, f.root); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *frozen) read(t *testing.T, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(f.dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// verifiesOffline checks weight, product and log with nothing but the root's public key.
func (f *frozen) verifiesOffline(t *testing.T) {
	var size int64
	err := filepath.WalkDir(f.dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil || size > frozenBytes {
		t.Errorf("%d bytes (%v): at most %d", size, err, frozenBytes)
	}
	if err := client.VerifyRelease(f.product, f.root); err != nil {
		t.Errorf("the product's certificate: %v", err)
	}
	entries, err := backup.VerifyLog(context.Background(), f.dir, f.keys)
	if err != nil || entries != f.manifest.Entries || entries == 0 {
		t.Errorf("%d of %d entries of the log: %v", entries, f.manifest.Entries, err)
	}
}

// thaw restores a frozen deployment into a fresh folder, as an administrator would, and starts it with more flags.
func (f *frozen) thaw(t *testing.T, more ...string) {
	t.Helper()
	data := dataFolder(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{
		"sluice", "restore", "--from", f.dir, "--data", data, "--engine", noEngine, "--runner", "/bin/true",
		"--keys", filepath.Join(f.dir, "keys.age"), "--passphrase-file", filepath.Join(f.dir, "passphrase"),
	}
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("restoring: %v\n%s", err, said)
	}
	objects := 0
	for _, file := range f.manifest.Files {
		if strings.HasPrefix(file.Path, "objects/") {
			objects++
		}
	}
	if want := fmt.Sprintf("verified  %d entries of the trace, %d objects\n", f.manifest.Entries, objects); !strings.Contains(string(said), want) {
		t.Fatalf("restoring said %s, not %s", said, want)
	}
	f.at = &machine{t: t, data: data, addr: freeAddress(t)}
	f.at.start(data, more...)
	owner, err := layoutOf(t, data).OwnerAddress()
	if err != nil {
		t.Fatal(err)
	}
	f.db = pgtest.Open(t, owner)
}

// tx reads the record.
func (f *frozen) tx(t *testing.T, do func(context.Context, *postgres.Tx) error) {
	t.Helper()
	ctx := context.Background()
	if err := f.db.InTx(ctx, func(tx *postgres.Tx) error { return do(ctx, tx) }); err != nil {
		t.Fatal(err)
	}
}

// schemaIsToday finds every migration applied once, in order, on top of what was there.
func (f *frozen) schemaIsToday(t *testing.T) {
	var applied, known int64
	f.tx(t, func(ctx context.Context, tx *postgres.Tx) (err error) {
		applied, known, err = tx.Schema(ctx)
		return err
	})
	if applied != known || f.manifest.Schema > known {
		t.Errorf("migrated from %d to %d; today's is %d", f.manifest.Schema, applied, known)
	}
	want := []string{"0 t"}
	files, err := os.ReadDir("../../catalog/postgres/migrations")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		number, _, _ := strings.Cut(file.Name(), "_")
		want = append(want, strings.TrimLeft(number, "0")+" t")
	}
	got := psql(t, f.at.data, "select version_id || ' ' || left(is_applied::text, 1) from goose_db_version order by id")
	if diff := cmp.Diff(want, strings.Split(got, "\n")); diff != "" {
		t.Errorf("migrations (-want +got):\n%s", diff)
	}
	if status, body, err := askAdmin(layoutOf(t, f.at.data), "serve", "/readyz"); err != nil || status != 200 {
		t.Errorf("ready: %d %s (%v)", status, body, err)
	}
}

// person opens a client for somebody of the frozen city, with the key of then.
func (f *frozen) person(t *testing.T, login string) *client.Client {
	t.Helper()
	profile := f.profile(t, login)
	c, err := profile.Client("http://" + f.at.addr)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// peopleLogIn lets everybody of then in, and shows them their own key.
func (f *frozen) peopleLogIn(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(f.dir, "people", "*.json"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d people: %v", len(files), err)
	}
	for _, file := range files {
		login := strings.TrimSuffix(filepath.Base(file), ".json")
		mine, err := f.person(t, login).Keys.Mine(context.Background())
		if err != nil || len(mine) != 1 {
			t.Errorf("%s has %d keys: %v", login, len(mine), err)
		}
	}
}

// productIsTheSame has the developer fetch the release again: product, certificate and proof are those of then,
// and the way back to the data is still known.
func (f *frozen) productIsTheSame(t *testing.T) {
	ctx := context.Background()
	developer := f.person(t, frozenDeveloper)
	all, err := developer.Releases.List(ctx)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d releases: %v", len(all), err)
	}
	got, err := developer.Releases.Get(ctx, all[0].Number)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Product, f.product.Product) || !sameJSON(t, got.Certificate, f.product.Certificate) || !sameJSON(t, got.Proof, f.product.Proof) {
		t.Errorf("the release became another:\n%s\n%s", got.Product, got.Certificate)
	}
	if err := client.VerifyRelease(got, f.root); err != nil {
		t.Error(err)
	}
	seen, err := f.person(t, frozenReviewer).Outputs.Fetch(ctx, all[0].Job, all[0].Output)
	if err != nil || !bytes.Equal(seen, f.product.Product) {
		t.Errorf("the reviewer sees %s (%v)", seen, err)
	}
	chains, err := f.person(t, frozenSteward).Trace.Lineage(ctx, all[0].Digest)
	if err != nil || !reachesData(chains) {
		t.Errorf("lineage %+v: %v", chains, err)
	}
}

// reachesData tells whether a product's one chain ends at parts of a dataset, by two votes.
func reachesData(chains []wire.Chain) bool {
	return len(chains) == 1 && len(chains[0].Inputs) == 1 && len(chains[0].Inputs[0].Parts) > 0 &&
		len(chains[0].Outputs) == 1 && len(chains[0].Outputs[0].Votes) == 2
}

// sameJSON compares values, however they are spaced.
func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)); err != nil {
		t.Fatal(err)
	}
	return cmp.Equal(x, y)
}

// traceGoesOn verifies the log that today's keeper continued, from its first entry: it holds the one of then.
func (f *frozen) traceGoesOn(t *testing.T) {
	then, err := f.keys.Open(string(f.read(t, "trace/"+trace.CheckpointPath)))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	auditor := f.person(t, frozenAuditor)
	eventually(t, "the product's last fetch is in the signed log", func() bool {
		found, err := auditor.Trace.Query(ctx, trace.Filter{Act: "release.get"})
		return err == nil && len(found) > 1 && found[0].Index >= then.Size
	})
	head, err := trace.VerifyLog(ctx, auditor.Trace, f.keys, then)
	if err != nil || head.Size <= then.Size {
		t.Errorf("the log has %d entries, then %d: %v", head.Size, then.Size, err)
	}
}
