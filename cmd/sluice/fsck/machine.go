package fsck

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
)

// runFolder is how a launcher names a run: work, fence, step. A worker names so what it collects of a claim, with a
// number of its own at the end.
func runFolder() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-([0-9]+)-[0-9]+$`)
}

// collected is where a worker keeps what it collects: rows in the open.
func (s Source) collected() string { return filepath.Join(s.Data, "worker", "collected") }

// leftovers looks at the launcher's folders and mounts, and at the worker's collected files: each must be of a run whose
// work is claimed.
func leftovers(ctx context.Context, s Source, r *Result) error {
	runs, err := lying(s.Runs)
	if err != nil {
		return err
	}
	if err := mounted(s.Runs, runs); err != nil {
		return err
	}
	kept, err := lying(s.collected())
	if err != nil {
		return err
	}
	return errors.Join(s.ownerless(ctx, "run", runs, r), s.ownerless(ctx, "collected", kept, r))
}

// lying lists what is in a folder, each with what it is a finding of if nobody owns it.
func lying(folder string) (map[string]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the folder of runs: %w", err)
	}
	names := map[string]string{}
	for _, e := range entries {
		names[e.Name()] = "folder.left"
	}
	return names, nil
}

// ownerless adds whatever is of no claimed work.
func (s Source) ownerless(ctx context.Context, place string, names map[string]string, r *Result) error {
	pattern := runFolder()
	for name, code := range names {
		r.Looked++
		live, err := s.live(ctx, pattern.FindStringSubmatch(name))
		if err != nil {
			return err
		}
		if !live {
			r.add(place+" "+name, code)
		}
	}
	return nil
}

// live tells whether a run's work is claimed under its fence.
func (s Source) live(ctx context.Context, parts []string) (live bool, err error) {
	if parts == nil {
		return false, nil
	}
	fence, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return false, nil //nolint:nilerr // no fence has such a number: it is nobody's
	}
	return s.held(ctx, parts[1], fence)
}

// held tells whether work is claimed under a fence.
func (s Source) held(ctx context.Context, work string, fence int64) (live bool, err error) {
	err = s.DB.InTx(ctx, func(tx *postgres.Tx) error {
		live, err = tx.Claims(ctx, work, fence)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("looking for a run's work: %w", err)
	}
	return live, nil
}

// mounted adds what is mounted below the folder of runs: proc_pid_mountinfo(5).
func mounted(runs string, names map[string]string) error {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("reading mounts: %w", err)
	}
	defer func() { _ = f.Close() }()
	const mountPoint = 4
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) <= mountPoint {
			continue
		}
		if below, ok := strings.CutPrefix(fields[mountPoint], filepath.Clean(runs)+"/"); ok {
			name, _, _ := strings.Cut(below, "/")
			names[name] = "mount.left"
		}
	}
	return nil
}

// leftWithin is how long after its work anything may still lie there (I5).
const leftWithin = time.Minute

// objectsLeft looks for objects of jobs and of datasets' versions that nobody names, and no work under way may. A chunk
// of an upload is known by no more than its sender for a while: the intake is left out.
func objectsLeft(ctx context.Context, s Source, r *Result) error {
	before := time.Now().Add(-leftWithin)
	for _, bucket := range []object.Bucket{object.Data, object.Output} {
		unnamed, err := catalog.Unnamed(ctx, s.DB, s.Lists[bucket], bucket, before)
		if err != nil {
			return fmt.Errorf("looking for objects nobody names: %w", err)
		}
		r.Looked += int64(len(unnamed))
		for _, ref := range unnamed {
			left, err := s.abandoned(ctx, ref, before)
			if err != nil {
				return err
			}
			if left {
				r.add(place(ref), "object.left")
			}
		}
	}
	return nil
}

// abandoned tells whether an object is of no work that goes on, or has ended only just now.
func (s Source) abandoned(ctx context.Context, ref object.Ref, before time.Time) (left bool, err error) {
	err = s.DB.InTx(ctx, func(tx *postgres.Tx) error {
		needed, err := tx.Needs(ctx, string(ref.Bucket), postgres.Named{Key: ref.Key, Digest: ref.Digest})
		if err != nil || needed {
			return err
		}
		lately, err := tx.EndedSince(ctx, before, ref.Key)
		left = !lately
		return err
	})
	if err != nil {
		return false, fmt.Errorf("looking for an object's work: %w", err)
	}
	return left, nil
}

// leastRoom is what must be free on the disk of an instance, in bytes: below it a trace entry may not find room.
const leastRoom = 256 << 20

// room looks at the disk the instance lies on.
func room(_ context.Context, s Source, r *Result) error {
	var disk unix.Statfs_t
	if err := unix.Statfs(s.Data, &disk); err != nil {
		return fmt.Errorf("reading the disk's room: %w", err)
	}
	r.Looked = 1
	if int64(disk.Bavail)*disk.Bsize < leastRoom {
		r.add("data folder", "disk.full")
	}
	return nil
}
