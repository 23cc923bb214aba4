package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// outputs are tries to put more, or other things, into the output than plain files of a bounded size.
func outputs() map[string]act {
	all := map[string]act{
		// These end at the bound with the output full, as a job that knows no better.
		"many files beyond the quota":   full(func() error { return pourOver("/out", 64<<10) }),
		"one file beyond the quota":     full(func() error { return flood("/out/big", 10*quota) }),
		"reserve beyond the quota":      full(func() error { return reserve(10 * quota) }),
		"pages mapped beyond the quota": full(func() error { return mapped() }),
		"appended beyond the quota":     full(func() error { return appended() }),

		"empty files": func(order) string { return many("/out", file) }, "folders": func(order) string { return many("/out", folder) },
		"links": func(order) string { return many("/out", link) }, "second names": func(order) string { return secondNames() },
		"leave many files": func(order) string { return keep(many0("/out", file)) },

		"truncate to a tebibyte":  try(func() error { return far("/out/far") }),
		"write behind a tebibyte": try(behind),
		"reserve a tebibyte":      try(func() error { return reserve(tebibyte) }),
		"copy behind a tebibyte":  try(copyBehind),
		"leave a hole": try(func() error {
			return errors.Join(os.WriteFile("/out/hole", nil, 0o644), os.Truncate("/out/hole", quota))
		}),
		"leave two holes": try(holes),

		"leave a zip":         try(func() error { return os.WriteFile("/out/a.zip", zipped("a.csv", gibibyte), 0o644) }),
		"leave a zip of zips": try(zipOfZips),
		"leave gzip":          try(gzipped),

		"a second name": odd(func() error {
			return errors.Join(os.WriteFile("/out/a.csv", nil, 0o644), os.Link("/out/a.csv", "/out/b.csv"))
		}),
		"a name of the input":    odd(func() error { return os.Link("/in/attack.json", "/out/a.csv") }),
		"a FIFO":                 odd(func() error { return unix.Mkfifo("/out/a.csv", 0o644) }),
		"a socket":               odd(bind),
		"a device":               odd(func() error { return unix.Mknod("/out/a.csv", unix.S_IFCHR|0o644, 1<<8|5) }),
		"a folder":               odd(func() error { return os.Mkdir("/out/a.csv", 0o755) }),
		"a file that runs as it": odd(func() error { return plain("/out/a.csv", 0o4755) }),
		"a file of no mode":      odd(func() error { return plain("/out/a.csv", 0) }),

		"rewrite from a child":   outliving("rewrite"),
		"rewrite from many":      outliving("rewrite", "rewrite", "rewrite", "rewrite"),
		"rewrite from a mapping": rewriteMapped,
		"a chain of folders":     func(order) string { return chain("/out") },
		"a chain in scratch":     func(order) string { return chain("/tmp") },
	}
	for name, to := range map[string]string{
		"absolute": "/etc/passwd", "up": "../../../etc/passwd", "to the input": "/in/attack.json", "to a folder": "/in", "to itself": "a.csv",
		"dangling": "/nowhere", "to a process": "/proc/1/environ", "to the report": "report.json", "to the host's root": "/proc/1/root/etc/shadow",
	} {
		all["a link "+name] = odd(func() error { return os.Symlink(to, "/out/a.csv") })
	}
	return all
}

// gibibyte is what an archive expands to: of the quota a thousandth is enough for it.
const gibibyte = 1 << 30

// zipped is an archive of one file of zeros.
func zipped(name string, size int) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if w, err := z.Create(name); err == nil {
		zeros(w, size)
	}
	_ = z.Close() // into memory
	return b.Bytes()
}

func zeros(w io.Writer, size int) {
	for block := make([]byte, 1<<20); size > 0; size -= len(block) {
		_, _ = w.Write(block) // into memory
	}
}

// zipOfZips holds the same archive many times, each of which expands.
func zipOfZips() error {
	inner := zipped("b.csv", 64<<20)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for n := range 16 {
		w, err := z.Create(fmt.Sprintf("%d.zip", n))
		if err != nil {
			return err
		}
		if _, err := w.Write(inner); err != nil {
			return err
		}
	}
	return errors.Join(z.Close(), os.WriteFile("/out/a.zip", b.Bytes(), 0o644))
}

func gzipped() error {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	zeros(w, gibibyte)
	return errors.Join(w.Close(), os.WriteFile("/out/r.parquet", b.Bytes(), 0o644))
}

// quota is how many bytes of output a job of the tests has.
const quota = 4 << 20

// full makes a try that ends the program at the bound it met.
func full(f func() error) act {
	return func(order) string {
		if err := f(); err != nil {
			fmt.Println(err)
			os.Exit(codeBound)
		}
		return managed
	}
}

func pourOver(dir string, size int) error {
	for n := range 10 * quota / size {
		if err := os.WriteFile(fmt.Sprintf("%s/pour-%d", dir, n), make([]byte, size), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func reserve(size int64) error {
	f, err := os.Create("/out/reserved")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Fallocate(int(f.Fd()), 0, 0, size); err != nil {
		_ = flood("/out/reserved", 2*quota) // it is full when the program ends
		return errors.Join(err, os.Remove("/out/none"))
	}
	return nil
}

// mapped writes by pages, of several files: one may not be larger than the quota.
func mapped() error {
	for n := range 10 {
		f, err := os.Create(fmt.Sprintf("/out/mapped-%d", n))
		if err != nil {
			return err
		}
		if err := f.Truncate(quota); err != nil {
			return err
		}
		pages, err := unix.Mmap(int(f.Fd()), 0, quota, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			return err
		}
		for i := 0; i < len(pages); i += 4096 {
			pages[i] = 1
		}
		if err := unix.Msync(pages, unix.MS_SYNC); err != nil {
			return err
		}
	}
	return nil
}

func appended() error {
	for range 10 * quota / 4096 {
		f, err := os.OpenFile("/out/appended", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		_, err = f.Write(make([]byte, 4096))
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func file(path string) error   { return os.WriteFile(path, nil, 0o600) }
func folder(path string) error { return os.Mkdir(path, 0o700) }
func link(path string) error   { return os.Symlink("nowhere", path) }

// million is how many names are asked for.
const million = 1_000_000

func many0(dir string, make func(string) error) (int, error) {
	for n := range million {
		if err := make(fmt.Sprintf("%s/n%d", dir, n)); err != nil {
			return n, err
		}
	}
	return million, nil
}

// many makes names until one is refused, and takes them away so that there is room to tell.
func many(dir string, make func(string) error) string {
	n, err := many0(dir, make)
	for i := range n {
		_ = os.Remove(fmt.Sprintf("%s/n%d", dir, i))
	}
	return counted(n, err)
}

// keep takes one name away, for the report.
func keep(n int, err error) string {
	_ = os.Remove("/out/n0")
	return counted(n, err)
}

func secondNames() string {
	if err := file("/out/first"); err != nil {
		return words(err)
	}
	return many("/out", func(path string) error { return os.Link("/out/first", path) })
}

func behind() error {
	f, err := os.Create("/out/far")
	if err != nil {
		return err
	}
	defer os.Remove("/out/far")
	_, err = f.WriteAt([]byte("x"), tebibyte)
	return errors.Join(err, f.Close())
}

func copyBehind() error {
	from, err := os.Open("/in/attack.json")
	if err != nil {
		return err
	}
	to, err := os.Create("/out/far")
	if err != nil {
		return err
	}
	defer os.Remove("/out/far")
	at := int64(tebibyte)
	_, err = unix.CopyFileRange(int(from.Fd()), nil, int(to.Fd()), &at, 1, 0)
	return errors.Join(err, to.Close(), from.Close())
}

// holes leaves more apparent bytes than the quota, and hardly a page.
func holes() error {
	return errors.Join(
		os.WriteFile("/out/hole1", nil, 0o644), os.Truncate("/out/hole1", quota),
		os.WriteFile("/out/hole2", nil, 0o644), os.Truncate("/out/hole2", quota),
	)
}

// odd puts something beside the report; whether it could be made is told.
func odd(f func() error) act { return try(f) }

func bind() error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	return errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: "/out/a.csv"}), unix.Close(fd))
}

func plain(path string, mode uint32) error {
	return errors.Join(os.WriteFile(path, []byte("plain"), 0o644), unix.Chmod(path, mode))
}

// outliving starts children that go on when the program has ended.
func outliving(all ...string) act {
	return func(order) string {
		for _, child := range all {
			if _, err := start(child); err != nil {
				return words(err)
			}
		}
		for { // until the first has written
			if _, err := os.Stat("/out/a.csv"); err == nil {
				return managed
			}
		}
	}
}

// rewrite writes one file over and over, each time otherwise.
func rewrite() {
	_, _ = unix.Setsid()
	for n := 0; ; n++ {
		_ = os.WriteFile("/out/a.csv", []byte(strings.Repeat(fmt.Sprintf("%08d\n", n), 1000)), 0o644)
	}
}

// rewriteMapped leaves a page of the file mapped in a child that changes it.
func rewriteMapped(order) string {
	if err := os.WriteFile("/out/a.csv", make([]byte, 4096), 0o644); err != nil {
		return words(err)
	}
	f, err := os.OpenFile("/out/a.csv", os.O_RDWR, 0)
	if err != nil {
		return words(err)
	}
	page, err := unix.Mmap(int(f.Fd()), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return words(err)
	}
	if pid, _, code := unix.RawSyscall(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0); code != 0 {
		return words(code)
	} else if pid == 0 {
		for { // a copy of a program with threads may do nothing but compute
			page[0]++
		}
	}
	return managed
}

// depth and long are how a chain of folders is meant to be too much for whoever takes it down.
const (
	depth = 600
	long  = 255
)

func chain(dir string) string {
	if err := os.Chdir(dir); err != nil {
		return words(err)
	}
	defer func() { _ = os.Chdir("/") }()
	for n := range depth {
		each := strings.Repeat("d", long)
		if err := errors.Join(os.Mkdir(each, 0o755), os.Chdir(each)); err != nil {
			return counted(n, err)
		}
	}
	return managed
}

// names are file names that say something else to whoever reads them.
func names() map[string]act {
	all := map[string]act{
		"twins by normal form": odd(func() error { return named("\u00e9.csv", "e\u0301.csv") }),
		"twins by case":        odd(func() error { return named("A.csv", "a.csv") }),
	}
	for title, name := range map[string]string{
		"escaped slash": "..%2fx", "backslash": `..\x`, "line end": "a\nb.csv", "carriage return": "a\rb.csv", "bidi override": "a\u202ecsv.exe", "zero width": "a\u200b.csv",
		"255 bytes": strings.Repeat("x", 255), "129 bytes": strings.Repeat("x", 129), "leading dash": "-rf", "leading dot": ".csv", "trailing dot": "a.csv.", "two dots": "..csv",
		"space": "a b.csv", "trailing space": "a.csv ", "full width": "ａ.csv", "full-width slash": "a／b.csv", "bad UTF-8": "a\xff.csv", "escape": "a\x1b[2J.csv", "colon": "a.csv:x",
		"formula": "=1+1.csv", "quote": `a".csv`, "capital": "A.csv", "device of another system": "con",
	} {
		all["name: "+title] = odd(func() error { return named(name) })
	}
	return all
}

func named(all ...string) error {
	var err error
	for _, each := range all {
		err = errors.Join(err, os.WriteFile(filepath.Join("/out", each), []byte("x"), 0o644))
	}
	return err
}
