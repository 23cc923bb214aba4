package launcher

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	digests "github.com/sluicedata/sluice/catalog/name"
)

// offers tells whether an image is one of the administrator's. The digest is parsed first: it becomes a path.
func (l *Launcher) offers(image string) bool {
	if _, err := digests.ParseDigest(image); err != nil || l.opt.Images == "" {
		return false
	}
	info, err := os.Lstat(l.archive(image))
	return err == nil && info.Mode().IsRegular()
}

// archive is where the archive of an image lies.
func (l *Launcher) archive(image string) string {
	return filepath.Join(l.opt.Images, strings.Replace(image, ":", "-", 1)+".tar")
}

// fetch gives the engine the image of a run that has one, at the first run that needs it: it is large.
func (l *Launcher) fetch(ctx context.Context, image string) error {
	if image == "" {
		return nil
	}
	l.fetching.Lock()
	defer l.fetching.Unlock()
	return l.engine.Fetch(ctx, image, l.archive(image))
}
