package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/object/objecttest"
)

func TestMain(m *testing.M) { objecttest.Main(m) }

// interpreter is the distribution's: `make setup-test` installs it.
const interpreter = "/usr/bin/python3"

// python runs a script in a folder, with the client that lies in another, and returns what it printed.
func python(t *testing.T, client, folder, script string, arguments ...string) string {
	t.Helper()
	paths := []string{client, script}
	for i, path := range paths {
		whole, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		paths[i] = whole
	}
	cmd := exec.CommandContext(t.Context(), interpreter, append([]string{"-W", "error", "-B", paths[1]}, arguments...)...)
	cmd.Dir = folder
	cmd.Env = []string{"PYTHONPATH=" + paths[0], "PYTHONIOENCODING=utf-8", "SLUICE_PROFILE=steward.json"}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, said.String())
	}
	return string(out)
}

// TestClientIsTheDescriptions: the committed file is the one that go generate makes, each time.
func TestClientIsTheDescriptions(t *testing.T) {
	made := filepath.Join(t.TempDir(), "sluice.py")
	for range 2 {
		if err := generate("../../openapi.json", made); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(made)
		if err != nil {
			t.Fatal(err)
		}
		committed, err := os.ReadFile("sluice.py")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, committed) {
			t.Fatal("sluice.py is stale: go generate ./gateway/...")
		}
	}
}

// TestClientCompiles: the file compiles without a warning, uses nothing newer than Python 3.9 in its form, and every
// annotation names something.
func TestClientCompiles(t *testing.T) {
	got := python(t, ".", ".", "testdata/hints.py", "sluice.py")
	var classes, functions int
	if _, err := fmt.Sscanf(got, "%d classes, %d functions", &classes, &functions); err != nil || classes < 70 || functions < 100 {
		t.Fatalf("got %q, %v", got, err)
	}
}

// TestSignatures compares the client's Ed25519 with RFC 8032 7.1 and with Go's.
func TestSignatures(t *testing.T) {
	cases := []string{ // seed, message
		"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "",
		"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72",
		"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "af82",
		"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
	}
	rfc := []string{
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
		"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
		"dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
	}
	for i := range 24 { // and some that no document has
		cases = append(cases, strings.Repeat(fmt.Sprintf("%02x", 7*i+1), 32), strings.Repeat(fmt.Sprintf("%02x", i), i*11))
	}
	lines := strings.Split(strings.TrimSpace(python(t, ".", ".", "testdata/sign.py", cases...)), "\n")
	if len(lines) != len(cases)/2 {
		t.Fatalf("%d signatures of %d", len(lines), len(cases)/2)
	}
	for i, line := range lines {
		seed, _ := hex.DecodeString(cases[2*i])
		message, _ := hex.DecodeString(cases[2*i+1])
		key := ed25519.NewKeyFromSeed(seed)
		want := hex.EncodeToString(key[32:]) + " " + hex.EncodeToString(ed25519.Sign(key, message))
		if line != want {
			t.Errorf("case %d: got %s, want %s", i, line, want)
		}
		if i < len(rfc) && !strings.HasSuffix(line, " "+rfc[i]) {
			t.Errorf("case %d is not RFC 8032's: %s", i, line)
		}
	}
}
