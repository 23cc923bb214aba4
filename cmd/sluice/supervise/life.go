package supervise

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// Descriptors of a child, by the order of exec.Cmd.ExtraFiles.
const (
	lifeFD = 3 // read end: at its end of file the supervisor is gone
	wordFD = 4 // write end: one byte says that the child serves
	holdFD = 5 // perhaps: the supervisor's lock
)

// envSupervised marks a child, so that a process run apart does not mistake descriptors 3 and 4.
const envSupervised = "SLUICE_SUPERVISED"

// lastWill is how long a child whose supervisor is gone may take to end by itself.
const lastWill = 5 * time.Second

// Life ties a child process to its supervisor. The zero Life belongs to a process run apart: it never ends,
// and saying ready does nothing.
type Life struct{ pipe, word *os.File }

// Inherit returns the life of this process; a process calls it once. getenv is os.Getenv.
func Inherit(getenv func(string) string) *Life {
	if getenv(envSupervised) == "" {
		return &Life{}
	}
	unix.CloseOnExec(lifeFD)
	unix.CloseOnExec(wordFD)
	unix.CloseOnExec(holdFD)
	return &Life{pipe: os.NewFile(lifeFD, "life"), word: os.NewFile(wordFD, "word")}
}

// Context returns a context that ends with the supervisor, and calls exit when the process has outlived it by
// five seconds. exit is os.Exit.
func (l *Life) Context(ctx context.Context, exit func(code int)) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if l.pipe == nil {
		return ctx, cancel
	}
	go func() {
		// Nothing is ever written: this returns at the end of file only.
		_, _ = io.Copy(io.Discard, l.pipe)
		cancel()
		time.AfterFunc(lastWill, func() { exit(1) })
	}()
	return ctx, cancel
}

// Ready tells the supervisor that this process serves. Further calls do nothing.
func (l *Life) Ready() error {
	if l.word == nil {
		return nil
	}
	_, err := l.word.Write([]byte{'\n'})
	err = errors.Join(err, l.word.Close())
	l.word = nil
	if err != nil {
		return texts.Wrong("part.pipes").Because(err)
	}
	return nil
}
