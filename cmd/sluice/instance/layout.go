package instance

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// LauncherSocket is the name of the launcher's socket in its run folder.
const LauncherSocket = "launcher.sock"

// Layout names every folder and socket of an instance.
type Layout struct {
	Data string // the instance's folder as the administrator named it, absolute
	Dir  string // the same folder where the parts see it
	Run  string // short folder of sockets: a socket's path holds 107 bytes
}

// NewLayout places the instance of a data folder. runtime is the folder for short-lived files of the caller:
// RuntimeDir gives it.
func NewLayout(data, runtime string) (Layout, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return Layout{}, texts.Wrong("up.naming", "path", data).Because(err)
	}
	sum := sha256.Sum256([]byte(data))
	return Layout{Data: data, Dir: data, Run: filepath.Join(runtime, hex.EncodeToString(sum[:4]))}, nil
}

// RuntimeDir returns where sockets go: root's is fixed, others' is their session's or the temporary folder.
func RuntimeDir(uid int, getenv func(string) string) string {
	if uid == 0 {
		return "/run/sluice"
	}
	if session := getenv("XDG_RUNTIME_DIR"); session != "" {
		return filepath.Join(session, "sluice")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("sluice-%d", uid))
}

// Lock is the file that one supervisor holds. It also marks a folder as ours.
func (l Layout) Lock() string { return filepath.Join(l.Data, "lock") }

// Unfinished is there while a restore into the folder has not come to its end: nothing starts on it.
func (l Layout) Unfinished() string { return filepath.Join(l.Data, "restoring") }

// Logs is the folder of the parts' logs, which the parts themselves cannot open.
func (l Layout) Logs() string { return filepath.Join(l.Dir, "log") }

// LogsAsNamed is Logs where the administrator sees it.
func (l Layout) LogsAsNamed() string { return filepath.Join(l.Data, "log") }

// Home is the folder of a part: it owns it and nobody else may enter.
func (l Layout) Home(part string) string { return filepath.Join(l.Dir, part) }

// Secrets is the folder of what a part must know and cannot change.
func (l Layout) Secrets(part string) string { return filepath.Join(l.Dir, "secret", part) }

// Root is the folder of the offline root key and the first administrator's key, for export.
func (l Layout) Root() string { return filepath.Join(l.Dir, "root") }

// Socket is the run folder of a part.
func (l Layout) Socket(part string) string { return filepath.Join(l.Run, part) }

// LauncherSocket is where the worker speaks to the launcher.
func (l Layout) LauncherSocket() string { return filepath.Join(l.Socket("launcher"), LauncherSocket) }

// Address is the file into which serve writes its address, as a URL.
func (l Layout) Address() string { return filepath.Join(l.Socket("serve"), "address") }

// Endpoint is the file in which the object store says where it listens and how to know it.
func (l Layout) Endpoint() string { return filepath.Join(l.Socket("store"), "endpoint.json") }

// folder is one row of the table of folders.
type folder struct {
	path        string
	mode        fs.FileMode
	user, group string // "" is root
}

// folders lists every folder from the outside in, with who may enter it.
func (l Layout) folders() []folder {
	return []folder{
		{l.Data, 0o711, "", ""},
		{l.Home("pg"), 0o700, userPostgres, userPostgres},
		{l.Home("store"), 0o700, userStore, userStore},
		{l.Home("docker"), 0o700, "", ""},
		{l.Home("launcher"), 0o711, "", ""},
		{l.Home("worker"), 0o700, userWorker, userWorker},
		{l.Home("serve"), 0o700, userServe, userServe},
		{l.Home("keeper"), 0o700, userKeeper, userKeeper},
		{l.Logs(), 0o700, "", ""},
		{l.Root(), 0o700, "", ""},
		{filepath.Join(l.Dir, "secret"), 0o711, "", ""},
		{l.Secrets("pg"), 0o710, "", userPostgres},
		{l.Secrets("store"), 0o710, "", userStore},
		{l.Secrets("worker"), 0o710, "", userWorker},
		{l.Secrets("serve"), 0o710, "", userServe},
		{l.Secrets("keeper"), 0o710, "", userKeeper},
		{filepath.Dir(l.Run), 0o711, "", ""},
		{l.Run, 0o711, "", ""},
		{l.Socket("pg"), 0o710, userPostgres, groupParts},
		{l.Socket("store"), 0o710, userStore, groupParts},
		{l.Socket("docker"), 0o700, "", ""},
		{l.Socket("launcher"), 0o750, "", userWorker},
		{l.Socket("serve"), 0o711, userServe, userServe},
		{l.Socket("keeper"), 0o711, userKeeper, userKeeper},
		{l.Socket("worker"), 0o711, userWorker, userWorker},
	}
}

// Claim makes sure that the data folder may be ours: empty, absent, or ours already.
func (l Layout) Claim() error {
	entries, err := os.ReadDir(l.Data)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && len(entries) == 0) {
		return os.MkdirAll(l.Data, 0o711)
	}
	if err != nil {
		return texts.Wrong("file.unreadable", "path", l.Data).Because(err)
	}
	if _, err := os.Stat(l.Lock()); err != nil {
		return texts.Wrong("up.folder_used", "path", l.Data)
	}
	return nil
}

// Reachable checks that every folder above the data folder lets the parts' users through.
func (l Layout) Reachable() error {
	for path := filepath.Dir(l.Data); ; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil {
			return texts.Wrong("file.unreadable", "path", path).Because(err)
		}
		if info.Mode().Perm()&0o001 == 0 {
			return texts.Wrong("up.folder_closed", "path", path)
		}
		if path == filepath.Dir(path) {
			return nil
		}
	}
}

// Make clears the run folder and makes every folder, or puts right its owner and mode. Without users all belong to the caller.
func (l Layout) Make(users Users) error {
	if err := l.dropSockets(); err != nil {
		return texts.Wrong("up.clearing", "path", l.Run).Because(err)
	}
	for _, f := range l.folders() {
		if err := f.make(users); err != nil {
			return texts.Wrong("up.making", "path", f.path).Because(err)
		}
	}
	return nil
}

func (f folder) make(users Users) error {
	// The parent is root's own, so the path cannot be swapped under us.
	if err := os.Mkdir(f.path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if users == nil {
		return os.Chmod(f.path, f.mode&0o700)
	}
	if err := os.Lchown(f.path, users.uid(f.user), users.gid(f.group)); err != nil {
		return err
	}
	return os.Chmod(f.path, f.mode)
}

// dropSockets removes what an instance that did not stop left in the run folder.
func (l Layout) dropSockets() error {
	var errs []error
	for _, part := range []string{"pg", "store", "docker", "launcher", "serve", "keeper", "worker"} {
		errs = append(errs, os.RemoveAll(l.Socket(part)))
	}
	return errors.Join(errs...)
}

// unmount lets go of what the engine left mounted in the run folder (network namespaces of its containers).
func (l Layout) unmount() error {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return texts.Wrong("file.unreadable", "path", "/proc/self/mountinfo").Because(err)
	}
	var errs []error
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		const target = 4
		if len(fields) > target && strings.HasPrefix(fields[target], l.Run+"/") && !strings.HasPrefix(fields[target]+"/", l.Dir+"/") {
			errs = append(errs, unix.Unmount(fields[target], unix.MNT_DETACH))
		}
	}
	return errors.Join(errs...)
}

// Discard removes the sockets. It never goes into the data folder, which may be shown below Run: that is
// unmounted, and what is left is removed only when empty.
func (l Layout) Discard() error {
	errs := []error{l.unmount(), l.dropSockets()}
	if l.Dir != l.Data {
		errs = append(errs, unix.Unmount(l.Dir, unix.MNT_DETACH), os.Remove(l.Dir))
	}
	if err := os.Remove(l.Run); !errors.Is(err, os.ErrNotExist) { // an instance that never began has none
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return texts.Wrong("up.clearing", "path", l.Run).Because(err)
	}
	return nil
}
