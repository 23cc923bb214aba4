package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/cmd/sluice/backup"
	"github.com/sluicedata/sluice/gateway/messages"
)

func TestNumbersArePartedByThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 20190: "20,190", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := number(n); got != want {
			t.Errorf("%d: got %q", n, got)
		}
	}
}

// Days left are working days: a Monday's Friday of the same week is four away, the Monday after five.
func TestDueDaysTellWorkingDaysLeft(t *testing.T) {
	at := func(day string) *time.Time {
		d, err := calendar.ParseDate(day)
		if err != nil {
			t.Fatal(err)
		}
		end := d.End()
		return &end
	}
	for _, c := range []struct {
		day    string
		done   bool
		en, zh string
	}{
		{"2026-11-27", false, "2026-11-27 (4 working days left)", "2026-11-27（还剩 4 个工作日）"},
		{"2026-11-30", false, "2026-11-30 (5 working days left)", "2026-11-30（还剩 5 个工作日）"},
		{"2026-11-24", false, "2026-11-24 (1 working day left)", "2026-11-24（还剩 1 个工作日）"},
		{"2026-11-23", false, "2026-11-23 (today)", "2026-11-23（今日截止）"},
		{"2026-11-20", false, "2026-11-20 (overdue)", "2026-11-20（已逾期）"},
		{"2026-11-27", true, "2026-11-27", "2026-11-27"},
	} {
		if got := speaking(t, messages.English).due(at(c.day), c.done); got != c.en {
			t.Errorf("got %q, want %q", got, c.en)
		}
		if got := speaking(t, messages.Chinese).due(at(c.day), c.done); got != c.zh {
			t.Errorf("got %q, want %q", got, c.zh)
		}
	}
	if got := speaking(t, messages.English).due(nil, false); got != "" {
		t.Errorf("no day: got %q", got)
	}
}

func TestLangIsFoundBeforeParsing(t *testing.T) {
	for line, want := range map[string]string{
		"job list --lang zh": "zh", "--lang=en job list": "en", "job list": "", "job list -- --lang zh": "", "job list --lang": "",
	} {
		if got := langFlag(strings.Fields(line)); got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}

// A cause never names the file again that the failure has named.
func TestFailuresNameAFileOnce(t *testing.T) {
	cause := &fs.PathError{Op: "open", Path: "a.yaml", Err: os.ErrNotExist}
	said := speaking(t, messages.Chinese).Texts
	if got := worded(said, usage("file.unreadable", "path", "a.yaml").because(cause)); got != "无法读取 a.yaml：没有该文件或目录" {
		t.Errorf("got %q", got)
	}
	if got := worded(said, cause); got != "a.yaml: 没有该文件或目录" {
		t.Errorf("got %q", got)
	}
	if got := worded(said, errors.New("something else")); got != "something else" {
		t.Errorf("got %q", got)
	}
}

// What is wrong with a backup is said in the reader's language, one line a place.
func TestFaultsOfABackupAreSaidInBothLanguages(t *testing.T) {
	dir := t.TempDir()
	body := `{"format":1,"files":[{"path":"a","size":3,"sha256":"x"},{"path":"b","size":1,"sha256":"x"}]}`
	if err := errors.Join(os.WriteFile(filepath.Join(dir, backup.ManifestFile), []byte(body), 0o600), os.WriteFile(filepath.Join(dir, "a"), []byte("four"), 0o600)); err != nil {
		t.Fatal(err)
	}
	_, err := backup.Verify(dir)
	for l, want := range map[messages.Language]string{
		messages.English: "2 fault(s):\n  a: has 4 bytes instead of 3\n  b: is missing",
		messages.Chinese: "2 处错误：\n  a：有 4 字节，应为 3 字节\n  b：缺失",
	} {
		if got := worded(speaking(t, l).Texts, err); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestProfileNamesStayInTheirFolder(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", "/config")
	for named, want := range map[string]string{
		"kaifa": "/config/sluice/profiles/kaifa.json", "a/b": "a/b", "own.json": "own.json", "..": "", ".hidden": "", "a b": "",
	} {
		got, err := namedProfile(named)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v", named, got, err)
		}
	}
}

// What is told on a terminal is one line that the next one replaces, cut to the terminal; elsewhere it is silent.
func TestStatusIsOneLineOfATerminal(t *testing.T) {
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = control.Close() }()
	terminal := openTerminal(t, control)
	if err := unix.IoctlSetWinsize(int(control.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 10}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TERM", "xterm")
	c := speaking(t, messages.English)
	c.tell = terminal
	c.status("first")
	c.status("运营运营运营")
	c.note("yes")
	want := "\r\x1b[Kfirst\r\x1b[K运营运营\r\x1b[Kyes\r\n"
	got := make([]byte, len(want))
	for n := 0; n < len(got); {
		more, err := control.Read(got[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += more
	}
	if string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var silent strings.Builder
	c.tell = &silent
	c.status("first")
	if silent.Len() > 0 {
		t.Errorf("told to a file: %q", silent.String())
	}
}

// openTerminal opens the other side of a pseudo terminal (ptmx(4)).
func openTerminal(t *testing.T, control *os.File) *os.File {
	t.Helper()
	if err := unix.IoctlSetPointerInt(int(control.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(control.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile("/dev/pts/"+itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	return terminal
}
