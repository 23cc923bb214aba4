// Command hostile is a program that wants out. The demonstration and the tests put it into the very template
// every job runs in, in the runner's place: it tries the network, the engine, other files, the kernel's
// back doors, logs and errors, and writes what came of each attempt to /out/attempts.json. It is a test image:
// no one can submit it.
//
// It exits with a panic that carries what it read, because an error's text is an output too.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// attempt is one thing tried: nil means that it worked.
type attempt struct {
	name string
	try  func() error
}

// result is one line of attempts.json.
type result struct {
	Attempt string `json:"attempt"`
	Outcome string `json:"outcome"` // "managed", or "refused: " and why
}

func main() {
	var results []result
	for _, group := range [][]attempt{network(), engine(), files(), kernel()} {
		for _, a := range group {
			results = append(results, result{a.name, outcome(a.try())})
		}
	}
	loot := plunder()
	fmt.Println(loot)
	fmt.Fprintln(os.Stderr, loot)
	raw, err := json.MarshalIndent(results, "", "  ")
	if err == nil {
		err = os.WriteFile("/out/attempts.json", raw, 0o644)
	}
	panic(fmt.Sprintf("%v %s", err, loot))
}

func outcome(err error) string {
	if err == nil {
		return "managed"
	}
	return "refused: " + err.Error()
}

// plunder reads whatever input it was given, to shout it into logs and errors.
func plunder() string {
	var loot strings.Builder
	input := os.DirFS("/in")
	err := fs.WalkDir(input, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		raw, err := fs.ReadFile(input, path)
		loot.Write(raw[:min(len(raw), 4096)])
		return err
	})
	if err != nil {
		fmt.Fprintln(&loot, err)
	}
	return loot.String()
}

// network tries to reach somebody.
func network() []attempt {
	var all []attempt
	for _, to := range []string{
		"tcp 127.0.0.1:5432", "tcp 127.0.0.1:80", "tcp 1.1.1.1:443", "udp 1.1.1.1:53", "tcp 169.254.169.254:80",
		"tcp [::1]:80", "tcp [2606:4700:4700::1111]:443",
	} {
		kind, address, _ := strings.Cut(to, " ")
		all = append(all, attempt{"connect " + to, func() error { return send(kind, address) }})
	}
	return append(all,
		attempt{"resolve a name", func() error { _, err := net.LookupHost("example.org"); return err }},
		attempt{"see a network interface beside loopback", seeInterface},
	)
}

func send(kind, address string) error {
	conn, err := net.DialTimeout(kind, address, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte("loot"))
	return err
}

func seeInterface() error {
	devices, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, d := range devices {
		if d.Flags&net.FlagLoopback == 0 {
			return nil
		}
	}
	return errors.New("none")
}

// engine looks for whoever runs containers.
func engine() []attempt {
	var all []attempt
	for _, path := range []string{
		"/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/sluice/engine.sock",
		"/run/sluice/launcher.sock", "/var/run/postgresql/.s.PGSQL.5432",
	} {
		all = append(all, attempt{"connect unix " + path, func() error { return send("unix", path) }})
	}
	return append(all,
		attempt{"find a socket", findSocket},
		attempt{"learn from the environment", learnEnvironment},
		attempt{"see another process", seeProcess},
		attempt{"see a path of the host", seeHostPath},
	)
}

func findSocket() error {
	found := errors.New("none")
	err := filepath.WalkDir("/", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // what cannot be read is passed by
		case path == "/proc" || path == "/sys":
			return fs.SkipDir
		case entry.Type()&fs.ModeSocket != 0:
			found = nil
		}
		return nil
	})
	return errors.Join(found, err)
}

// learnEnvironment looks for more than the two variables everyone has.
func learnEnvironment() error {
	for _, each := range os.Environ() {
		if each != "LANG=C.UTF-8" && each != "HOME=/" {
			return nil
		}
	}
	return errors.New("nothing there")
}

func seeProcess() error {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name()[0] >= '2' && e.Name()[0] <= '9' {
			return nil
		}
	}
	return errors.New("none")
}

// seeHostPath looks for the places the mounts come from.
func seeHostPath() error {
	raw, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	for _, trace := range []string{"/var/lib", "overlay2", "/home", "/tmp/", "sluice-out"} {
		if strings.Contains(string(raw), trace) {
			return nil
		}
	}
	return errors.New("none")
}
