// Command probe does inside a container what the file /in/mode names, and tells about it in /out/report.json.
// Tests run it in the runner's place.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// report is what a mode found out.
type report struct {
	UID, GID int
	Host     string
	Dir      string
	Args     []string
	Env      []string
	Status   map[string]string
	Written  []string // places that could be written
	Errno    string
	Count    int
}

func main() {
	if len(os.Args) > 2 && os.Args[2] == "child" {
		time.Sleep(time.Hour)
	}
	mode, err := os.ReadFile("/in/mode")
	if err != nil {
		os.Exit(90)
	}
	act, ok := modes()[string(bytes.TrimSpace(mode))]
	if !ok {
		os.Exit(91)
	}
	os.Exit(act())
}

func modes() map[string]func() int {
	return map[string]func() int{
		"ok":      func() int { return tell(report{}) },
		"silent":  func() int { return 0 },
		"fail":    func() int { tell(report{}); return 3 },
		"who":     who,
		"memory":  memory,
		"forks":   forks,
		"sparse":  sparse,
		"bytes":   fill,
		"inodes":  inodes,
		"scratch": scratch,
		"flood":   flood,
		"sleep":   sleep,
		"symlink": func() int { return odd(os.Symlink("/in/mode", "/out/odd")) },
		"folder":  func() int { return odd(os.Mkdir("/out/odd", 0o755)) },
		"hidden":  func() int { return odd(os.WriteFile("/out/.odd", nil, 0o644)) },
		"name":    func() int { return odd(os.WriteFile("/out/odd\nname", nil, 0o644)) },
		"dash":    func() int { return odd(os.WriteFile("/out/-odd", nil, 0o644)) },
		"dot":     func() int { return odd(os.WriteFile("/out/odd.", nil, 0o644)) },
	}
}

func tell(r report) int {
	raw, err := json.Marshal(r)
	if err != nil {
		return 92
	}
	if err := os.WriteFile("/out/report.json", raw, 0o644); err != nil {
		return 93
	}
	return 0
}

// odd reports well whether or not the odd entry could be made: what matters is that it is not collected.
func odd(err error) int {
	if err != nil {
		return 94
	}
	return tell(report{})
}

func who() int {
	host, _ := os.Hostname()
	dir, _ := os.Getwd()
	r := report{UID: os.Getuid(), GID: os.Getgid(), Host: host, Dir: dir, Args: os.Args, Env: os.Environ(), Status: map[string]string{}}
	raw, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(raw), "\n") {
		key, value, _ := strings.Cut(line, ":")
		r.Status[key] = strings.TrimSpace(value)
	}
	for _, dir := range []string{"/", "/in", "/etc", "/dev", "/dev/shm", "/proc", "/sys", "/tmp", "/out"} {
		path := dir + "/written"
		if os.WriteFile(path, []byte("x"), 0o644) == nil {
			r.Written = append(r.Written, dir)
			os.Remove(path)
		}
	}
	return tell(r)
}

func memory() int {
	tell(report{})
	var kept [][]byte
	for {
		kept = append(kept, bytes.Repeat([]byte{1}, 1<<20))
	}
}

func forks() int {
	self := os.Args[0]
	for n := 0; ; n++ {
		_, err := os.StartProcess(self, []string{self, os.Args[1], "child"}, &os.ProcAttr{})
		if err != nil || n > 4096 {
			return tell(report{Count: n, Errno: text(err)})
		}
	}
}

func sparse() int {
	signal.Ignore(syscall.SIGXFSZ)
	err := os.WriteFile("/out/sparse", nil, 0o644)
	if err == nil {
		err = os.Truncate("/out/sparse", 1<<40)
	}
	return tell(report{Errno: text(err)})
}

func fill() int {
	signal.Ignore(syscall.SIGXFSZ)
	for n := 0; ; n++ {
		if err := os.WriteFile(fmt.Sprintf("/out/f%d", n%8), make([]byte, (n/8+1)<<16), 0o644); err != nil {
			fmt.Println(err)
			return 3
		}
	}
}

func inodes() int {
	tell(report{})
	for n := 0; ; n++ {
		if err := os.WriteFile(fmt.Sprintf("/out/f%d", n), nil, 0o644); err != nil || n > 1<<16 {
			return 3
		}
	}
}

func scratch() int {
	for n := 0; ; n++ {
		if err := os.WriteFile(fmt.Sprintf("/tmp/f%d", n), make([]byte, 1<<16), 0o644); err != nil || n > 1<<12 {
			return tell(report{Count: n, Errno: text(err)})
		}
	}
}

func flood() int {
	for range 100 {
		os.Stdout.Write(bytes.Repeat([]byte("flood of text\n"), 1<<20/14))
	}
	return tell(report{})
}

func sleep() int {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	tell(report{})
	time.Sleep(time.Hour)
	return 0
}

func text(err error) string {
	var code syscall.Errno
	if errors.As(err, &code) {
		return code.Error()
	}
	return fmt.Sprint(err)
}
