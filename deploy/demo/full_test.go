//go:build faults

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/gateway/client"
)

// Sizes of the loop images: what an instance needs, and little more.
const (
	serverDisk = 1 << 30
	engineDisk = 768 << 20
)

// TestDisksFull fills the disk of the engine, and then the one of everything else: what is asked then fails in time and
// clearly or waits, nothing is half done, and all goes on when there is room again.
func TestDisksFull(t *testing.T) {
	dir := t.TempDir()
	disk := image(t, filepath.Join(dir, "disk"), serverDisk)
	d := newDrill(t, filepath.Join(disk, "data"))
	must(t, d.up.stop())
	must(t, os.RemoveAll(filepath.Join(d.data, "docker"))) // made anew: the runner's image is imported at a start
	image(t, filepath.Join(d.data, "docker"), engineDisk)
	d.start()
	t.Run("engine", func(t *testing.T) {
		defer d.in(t)()
		d.engineFull()
		d.endsWell(job.Killed)
		tell(t, "the engine's disk full, before a run and in the middle of one", "interrupted, never the job's result; the next run is whole")
	})
	t.Run("server", func(t *testing.T) {
		defer d.in(t)()
		d.serverFull()
		d.endsWell(job.Killed)
		tell(t, "the disk of database, store and server full", "refused or waits; whole again with room")
	})
}

// image mounts an empty file system of a size at a folder, until the test is over.
func image(t *testing.T, at string, size int64) string {
	t.Helper()
	must(t, os.MkdirAll(at, 0o755))
	file := filepath.Join(t.TempDir(), "image")
	must(t, os.WriteFile(file, nil, 0o600))
	must(t, os.Truncate(file, size))
	for _, command := range [][]string{{"mkfs.ext4", "-q", "-m", "0", file}, {"mount", "-o", "loop", file, at}} {
		if said, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", command, err, said)
		}
	}
	t.Cleanup(func() {
		if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	must(t, os.Remove(filepath.Join(at, "lost+found")))
	return at
}

// fill takes all room of a disk; what is returned gives it back.
func (d *drill) fill(disk string) (free func()) {
	d.t.Helper()
	ballast := filepath.Join(disk, "ballast")
	f, err := os.Create(ballast)
	must(d.t, err)
	for piece := make([]byte, 1<<20); len(piece) > 0; {
		if _, err = f.Write(piece); errors.Is(err, unix.ENOSPC) {
			piece, err = piece[:len(piece)/2], nil
		}
		must(d.t, err)
	}
	must(d.t, errors.Join(f.Sync(), f.Close()))
	return func() { must(d.t, os.Remove(ballast)) }
}

// interrupted waits until a job has ended, or its work was given back: by the platform's fault, and never by its own.
func (d *drill) interrupted(number, before string) {
	d.t.Helper()
	d.await("the work to be given back", func() (bool, error) {
		j, err := d.developer.Jobs.Show(d.ctx, number)
		if err == nil && (j.State == string(job.Failed) || j.State == string(job.TimedOut)) {
			d.t.Fatalf("%s is %s: %s", number, j.State, j.Failure)
		}
		return d.claim(number, "fence") != before || j.Stopped == "platform.interrupted", err
	})
}

// engineFull fills the engine's disk before a run starts, and while one runs.
func (d *drill) engineFull() {
	d.t.Helper()
	disk := filepath.Join(d.data, "docker")
	for _, running := range []bool{false, true} {
		j := d.submit()
		d.reaches(j.Number, job.Checked)
		free := func() {}
		if !running {
			free = d.fill(disk)
		}
		d.consent(j.Number)
		if running {
			d.reaches(j.Number, job.Running)
			free = d.fill(disk)
		}
		d.interrupted(j.Number, "1")
		if err := d.answers(); err != nil {
			d.t.Errorf("the API beside an engine without room: %v", err)
		}
		free()
		d.runs()
	}
}

// serverFull fills the disk of everything but the engine, and has people go on for a while.
func (d *drill) serverFull() {
	d.t.Helper()
	before := len(d.listed())
	free := d.fill(filepath.Dir(d.data))
	p, err := d.packaged("visits-by-cover")
	must(d.t, err)
	hasty := client.New(d.server, d.developer.key) // gives up after seconds
	acknowledged, refused := 0, ""
	for range 40 {
		ctx, cancel := context.WithTimeout(d.ctx, time.Minute)
		j, err := hasty.Jobs.Submit(ctx, p)
		if ctx.Err() != nil {
			d.t.Errorf("an answer took more than a minute: %v", err)
		}
		cancel()
		if err != nil {
			refused = err.Error()
			if p := new(client.Problem); errors.As(err, &p) && p.Status != http.StatusServiceUnavailable {
				d.t.Errorf("without room a submit is refused as %d: %v", p.Status, err)
			}
			break
		}
		acknowledged++
		d.jobs = append(d.jobs, j.Number)
	}
	d.t.Logf("%d submits were acknowledged on a full disk, then: %s", acknowledged, refused)
	free()
	d.revive()
	for _, number := range d.jobs {
		d.settles(number)
	}
	d.runs()
	if got := len(d.listed()); got < before+acknowledged+1 || got > before+acknowledged+2 {
		d.t.Errorf("%d jobs, before %d, %d acknowledged, one refused or unknown, and one more", got, before, acknowledged)
	}
}

// revive starts an instance again that has given up; one that has not is left alone.
func (d *drill) revive() {
	d.t.Helper()
	select {
	case err := <-d.up.done:
		d.t.Logf("the instance had ended: %v", err)
		must(d.t, d.up.log.Close())
		d.start()
	default:
	}
}

func (d *drill) listed() (all []job.View) {
	d.t.Helper()
	var err error
	d.await("the list of jobs", func() (bool, error) {
		all, err = d.developer.Jobs.List(d.ctx)
		return err == nil, err
	})
	return all
}

// settles takes a job to a state in which nothing is under way, and cancels it there if it waits for people.
func (d *drill) settles(number string) {
	d.t.Helper()
	d.await(fmt.Sprint(number, " to come to rest"), func() (bool, error) {
		j, err := d.developer.Jobs.Show(d.ctx, number)
		if err == nil && j.State == string(job.Checked) {
			_, err = d.developer.Jobs.Cancel(d.ctx, number)
		}
		ended := job.Flow().Ended(flow.State(j.State)) || flow.State(j.State) == job.OutputQuarantined
		return err == nil && ended, err
	})
}
