package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
)

// imageLabel marks images made here, so that only those are ever cleaned away.
const imageLabel = "sluice.image"

// Import makes an image FROM scratch out of one static program and returns its content digest. The same
// program always gives the same digest, so importing again costs one question. The tag only keeps the image
// from being cleaned away; nothing runs by tag.
func (e *Engine) Import(ctx context.Context, runner string) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, importWithin)
	defer cancel()
	program, err := os.Open(runner)
	if err != nil {
		return "", fmt.Errorf("opening the runner: %w", err)
	}
	defer program.Close()
	box, err := newBox(program)
	if err != nil {
		return "", err
	}
	if err := e.load(ctx, box); err != nil {
		return "", err
	}
	if err := e.api.ImageTag(ctx, box.id, "sluice/runner:"+e.owner); err != nil {
		return "", fmt.Errorf("tagging the runner's image: %w", err)
	}
	return box.id, e.dropOld(ctx)
}

// load sends the image unless the engine has it, and believes only what it finds afterwards.
func (e *Engine) load(ctx context.Context, b *box) error {
	if _, err := e.api.ImageInspect(ctx, b.id); err == nil {
		return nil
	}
	pipe, in := io.Pipe()
	go func() { in.CloseWithError(b.writeTo(in)) }()
	return e.send(ctx, b.id, pipe)
}

// send loads an archive and finds the image it must hold by its digest: the engine computes that from the bytes.
func (e *Engine) send(ctx context.Context, id string, archive io.Reader) error {
	answer, err := e.api.ImageLoad(ctx, archive)
	if err != nil {
		return fmt.Errorf("loading an image: %w", err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return fmt.Errorf("loading an image: %w", err)
	}
	if _, err := e.api.ImageInspect(ctx, id); err != nil {
		return fmt.Errorf("finding a loaded image by its digest: %w", err)
	}
	return nil
}

// Fetch loads the image of a content digest from its archive, unless the engine has it. Nothing is ever pulled.
func (e *Engine) Fetch(ctx context.Context, id, archive string) error {
	ctx, cancel := context.WithTimeout(ctx, importWithin)
	defer cancel()
	if _, err := e.api.ImageInspect(ctx, id); err == nil {
		return nil
	}
	f, err := os.Open(archive)
	if err != nil {
		return fmt.Errorf("opening an image's archive: %w", err)
	}
	defer f.Close()
	return e.send(ctx, id, f)
}

// dropOld removes images of earlier runners: ours, and no longer tagged by any launcher.
func (e *Engine) dropOld(ctx context.Context) error {
	old, err := e.api.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(
		filters.Arg("dangling", "true"), filters.Arg("label", imageLabel+"=runner"))})
	if err != nil {
		return fmt.Errorf("listing old images: %w", err)
	}
	for _, each := range old {
		// One that another launcher's container still uses stays until the next import.
		if _, err := e.api.ImageRemove(ctx, each.ID, image.RemoveOptions{}); err != nil && ctx.Err() != nil {
			return fmt.Errorf("removing old images: %w", err)
		}
	}
	return nil
}

// box is an image in the engine's archive format: one layer, one configuration, one manifest.
type box struct {
	program io.ReadSeeker
	size    int64 // of the program
	layer   int64 // bytes of the layer
	config  []byte
	id      string
}

// newBox reads the program once to learn the layer's digest, from which the image's follows.
func newBox(program *os.File) (*box, error) {
	info, err := program.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading the runner: %w", err)
	}
	b := &box{program: program, size: info.Size()}
	digest, count := sha256.New(), counter(0)
	if err := b.writeLayer(io.MultiWriter(digest, &count)); err != nil {
		return nil, err
	}
	b.layer = int64(count)
	b.config, err = imageConfig(hex.EncodeToString(digest.Sum(nil)))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b.config)
	b.id = "sha256:" + hex.EncodeToString(sum[:])
	return b, nil
}

// imageConfig is the image's configuration. It holds no time and no name, so that equal programs are equal
// images, and no environment, command or user: those are the template's.
func imageConfig(layer string) ([]byte, error) {
	const epoch = "1970-01-01T00:00:00Z"
	type history struct {
		Created   string `json:"created"`
		CreatedBy string `json:"created_by"`
	}
	type files struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	}
	raw, err := json.Marshal(struct {
		Architecture string                       `json:"architecture"`
		OS           string                       `json:"os"`
		Created      string                       `json:"created"`
		Config       map[string]map[string]string `json:"config"`
		RootFS       files                        `json:"rootfs"`
		History      []history                    `json:"history"`
	}{
		Architecture: runtime.GOARCH, OS: "linux", Created: epoch,
		Config:  map[string]map[string]string{"Labels": {imageLabel: "runner"}},
		RootFS:  files{Type: "layers", DiffIDs: []string{"sha256:" + layer}},
		History: []history{{Created: epoch, CreatedBy: "sluice"}},
	})
	if err != nil {
		return nil, fmt.Errorf("writing an image's configuration: %w", err)
	}
	return raw, nil
}

// manifest says which file of the archive is what.
type manifest struct {
	Config string
	Layers []string
}

// writeTo writes the archive.
func (b *box) writeTo(w io.Writer) error {
	name := b.id[len("sha256:"):] + ".json"
	list, err := json.Marshal([]manifest{{Config: name, Layers: []string{"layer.tar"}}})
	if err != nil {
		return fmt.Errorf("writing an image's manifest: %w", err)
	}
	archive := tar.NewWriter(w)
	if err := addFile(archive, file{name, 0o444, int64(len(b.config))}, bytes.NewReader(b.config)); err != nil {
		return err
	}
	head := &tar.Header{Typeflag: tar.TypeReg, Name: "layer.tar", Mode: 0o444, Size: b.layer, Format: tar.FormatUSTAR}
	if err := archive.WriteHeader(head); err != nil {
		return fmt.Errorf("writing a layer's header: %w", err)
	}
	if err := b.writeLayer(archive); err != nil {
		return err
	}
	if err := addFile(archive, file{"manifest.json", 0o444, int64(len(list))}, bytes.NewReader(list)); err != nil {
		return err
	}
	return archive.Close()
}

// writeLayer writes the root file system: the program and the empty directories something is mounted on.
func (b *box) writeLayer(w io.Writer) error {
	if _, err := b.program.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading the runner: %w", err)
	}
	layer := tar.NewWriter(w)
	for _, dir := range []string{"dev/", "etc/", "in/", "out/", "proc/", "sys/", "tmp/"} {
		head := &tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755, Format: tar.FormatUSTAR}
		if dir == "tmp/" {
			head.Mode = 0o1777 // runc gives what is mounted there this mode, whatever its options say
		}
		if err := layer.WriteHeader(head); err != nil {
			return fmt.Errorf("writing a layer: %w", err)
		}
	}
	if err := addFile(layer, file{program[1:], 0o555, b.size}, b.program); err != nil {
		return err
	}
	return layer.Close()
}

// addFile writes one regular file, owned by root, without a time.
func addFile(w *tar.Writer, head file, body io.Reader) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: head.name, Mode: head.mode, Size: head.size, Format: tar.FormatUSTAR}
	if err := w.WriteHeader(header); err != nil {
		return fmt.Errorf("writing a file's header: %w", err)
	}
	if _, err := io.CopyN(w, body, head.size); err != nil {
		return fmt.Errorf("writing a file: %w", err)
	}
	return nil
}

// file is what is written of a file beside its bytes.
type file struct {
	name string
	mode int64
	size int64
}

// counter counts what is written to it.
type counter int64

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
