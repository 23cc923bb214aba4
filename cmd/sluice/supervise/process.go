package supervise

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// askEvery is the pause between two questions whether a part is ready.
const askEvery = 20 * time.Millisecond

// process is one running child.
type process struct {
	part Part
	pid  int
	life *os.File      // closed by the end of the child
	said chan struct{} // closed when the child said that it is ready, or can no longer
	done chan struct{} // closed when the child has ended and was waited for
	err  error         // how it ended; read after done
	word bool          // whether it said ready; read after said
}

// pipes are the four ends of the life and word pipes.
type pipes struct{ lifeOurs, lifeTheirs, wordOurs, wordTheirs *os.File }

func newPipes() (pipes, error) {
	var p pipes
	var err error
	if p.lifeTheirs, p.lifeOurs, err = os.Pipe(); err != nil {
		return p, err
	}
	if p.wordOurs, p.wordTheirs, err = os.Pipe(); err != nil {
		return p, errors.Join(err, p.lifeOurs.Close(), p.lifeTheirs.Close())
	}
	return p, nil
}

// start runs the part's command with out as its output. The child is its own process group, so that a
// terminal's Ctrl-C reaches the supervisor alone.
func start(part Part, out io.Writer, hold *Lock, kin *orphans) (*process, error) {
	if part.Before != nil {
		if err := part.Before(); err != nil {
			return nil, texts.Wrong("part.preparing", "part", part.Name).Because(err)
		}
	}
	p, err := newPipes()
	if err != nil {
		return nil, texts.Wrong("part.pipes").Because(err)
	}
	cmd := command(part, out, p)
	if hold != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, hold.file)
	}
	err = kin.start(cmd)
	err = errors.Join(err, p.lifeTheirs.Close(), p.wordTheirs.Close())
	if err != nil {
		return nil, errors.Join(texts.Wrong("part.starting", "part", part.Name).Because(err), p.lifeOurs.Close(), p.wordOurs.Close())
	}
	child := &process{part: part, pid: cmd.Process.Pid, life: p.lifeOurs,
		said: make(chan struct{}), done: make(chan struct{})}
	go child.listen(p.wordOurs)
	go child.wait(cmd, kin)
	return child, nil
}

func command(part Part, out io.Writer, p pipes) *exec.Cmd {
	cmd := exec.Command(part.Command.Path, part.Command.Args...)
	if part.Command.Name != "" {
		cmd.Args[0] = part.Command.Name
	}
	cmd.Dir = part.Command.Dir
	cmd.Env = append(baseEnv(), part.Command.Env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.ExtraFiles = []*os.File{p.lifeTheirs, p.wordTheirs}
	// A grandchild may hold the output open after the child's end.
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if part.As != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: part.As.UID, Gid: part.As.GID, Groups: part.As.Groups}
	}
	return cmd
}

// listen waits for the child's word.
func (p *process) listen(word *os.File) {
	n, _ := word.Read(make([]byte, 1))
	p.word = n == 1
	close(p.said)
	_ = word.Close()
}

// wait collects the child.
func (p *process) wait(cmd *exec.Cmd, kin *orphans) {
	err := cmd.Wait()
	kin.forget(p.pid)
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		err = texts.Wrong("part.ended_itself")
	}
	p.err = err
	_ = p.life.Close()
	close(p.done)
}

// ready waits until the part serves. The child's end, or ctx's, comes first as an error.
func (p *process) ready(ctx context.Context) error {
	if p.part.Ready == nil {
		return p.heard(ctx)
	}
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		err := p.ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.err
		case <-ctx.Done():
			return texts.Wrong("part.not_serving").Because(errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}

// ask asks once, and not for long: the child may end meanwhile.
func (p *process) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return p.part.Ready(ctx)
}

// heard waits for the child's own word.
func (p *process) heard(ctx context.Context) error {
	select {
	case <-p.said:
	case <-p.done:
	case <-ctx.Done():
		return texts.Wrong("part.silent").Because(ctx.Err())
	}
	select {
	case <-p.said:
		if p.word {
			return nil
		}
	default:
	}
	<-p.done
	return p.err
}

// stop ends the child: politely, and by force at the deadline.
func (p *process) stop(deadline time.Time, now func() time.Time) {
	_ = syscall.Kill(p.pid, syscall.SIGTERM)
	timer := time.NewTimer(deadline.Sub(now()))
	defer timer.Stop()
	select {
	case <-p.done:
		return
	case <-timer.C:
	}
	// The group, not the child alone: a guarded program is in it.
	_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	<-p.done
}
