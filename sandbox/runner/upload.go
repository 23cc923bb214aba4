package runner

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sluicedata/sluice/catalog/task"
)

// Names and bounds of an upload.
const (
	rawFile = "raw"
	// maxUnpacked bounds what a file may unpack to, in bytes.
	maxUnpacked = 16 << 30
	// Past freeUnpacked a file may unpack to maxRatio times its own size: tables compress 10 to 60 times, bombs
	// 1000 times.
	freeUnpacked = 64 << 20
	maxRatio     = 200
	// maxSpool bounds an unpacked .xlsx or Parquet file, which must lie in the scratch directory.
	maxSpool = 128 << 20
)

// upload is the raw file and how it is read.
type upload struct {
	path   string
	source task.Source // settled: no member is left open
	limit  int64       // bytes it may unpack to
	spool  string      // directory of the unpacked copy; "" without one
}

// openUpload settles how /in/raw is read. With any, a form that was left open shows itself; without, it is CSV.
// Faults of the file are *badRow.
func openUpload(in string, s task.Source, limit int64, anyForm bool) (u *upload, err error) {
	u = &upload{path: filepath.Join(in, rawFile), source: s, limit: maxUnpacked}
	if limit > 0 {
		u.limit = min(limit, maxUnpacked)
	}
	zipped, err := u.begins("\x1f\x8b")
	if err != nil {
		return nil, err
	}
	if s.Gzip && !zipped {
		return nil, badFile("file.gzip")
	}
	u.source.Gzip = zipped
	defer func() {
		if err != nil {
			err = errors.Join(err, u.close())
		}
	}()
	if err := u.settleForm(anyForm); err != nil {
		return u, err
	}
	if u.source.Form == task.CSV {
		u.source.Encoding, err = encodingOf(s.Encoding, u.open)
		return u, err
	}
	if s.Encoding != "" {
		return u, errors.New("reading letter: an encoding is for CSV")
	}
	if zipped {
		return u, u.unpack()
	}
	return u, nil
}

// begins looks at the first bytes of the file as sent.
func (u *upload) begins(with string) (bool, error) {
	head, err := headOf(func() (io.ReadCloser, error) { return openRegular(u.path) })
	return len(head) >= len(with) && string(head[:len(with)]) == with, err
}

// openRegular opens a plain file.
func openRegular(path string) (*os.File, error) {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("opening %s: not a regular file", filepath.Base(path)), err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", filepath.Base(path), err)
	}
	return f, nil
}

// settleForm compares the declared form with the first bytes.
func (u *upload) settleForm(anyForm bool) error {
	head, err := headOf(u.open)
	if err != nil {
		return err
	}
	shown := task.CSV
	switch string(head) {
	case "PK\x03\x04":
		shown = task.XLSX
	case "PAR1":
		shown = task.Parquet
	case "\xd0\xcf\x11\xe0": // the compound file of .xls, and of an .xlsx behind a password
		return badFile("file.xls")
	}
	declared := u.source.Form
	if declared == "" && anyForm {
		declared = shown
	} else if declared == "" {
		declared = task.CSV
	}
	faults := map[task.Form]string{task.CSV: "file.form", task.XLSX: "file.xlsx", task.Parquet: "file.parquet"}
	reason, known := faults[declared]
	if !known {
		return errors.New("reading letter: a form of no name we know")
	}
	if declared != shown {
		return badFile(reason)
	}
	u.source.Form = declared
	return nil
}

// open starts the file, unpacked, from its beginning.
func (u *upload) open() (io.ReadCloser, error) {
	f, err := openRegular(u.path)
	if err != nil {
		return nil, err
	}
	packed := &counted{r: bufio.NewReaderSize(f, 1<<16)}
	if !u.source.Gzip {
		return &unpacked{r: packed, packed: packed, from: f, limit: u.limit}, nil
	}
	z, err := gzip.NewReader(packed)
	if err != nil {
		return nil, errors.Join(badFile("file.gzip"), f.Close())
	}
	return &unpacked{r: z, packed: packed, from: f, limit: u.limit, fault: "file.gzip"}, nil
}

// unpack puts an unpacked copy into the scratch directory, for forms that are read at many places.
func (u *upload) unpack() (err error) {
	r, err := u.open()
	if err != nil {
		return err
	}
	defer r.Close()
	if u.spool, err = os.MkdirTemp(task.Scratch, "raw-"); err != nil {
		return fmt.Errorf("making scratch folder: %w", err)
	}
	path := filepath.Join(u.spool, rawFile)
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("making scratch file: %w", err)
	}
	n, err := io.Copy(f, io.LimitReader(r, maxSpool+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("unpacking %s: %w", rawFile, err)
	}
	if n > maxSpool {
		return badFile("file.too_large")
	}
	u.path = path
	return nil
}

// rows opens the rows of the settled form.
func (u *upload) rows(ctx context.Context) (rows, error) {
	switch u.source.Form {
	case task.CSV:
		r, err := u.open()
		if err != nil {
			return nil, err
		}
		return newCSVRows(r, u.source.Encoding), nil
	case task.XLSX:
		return openSheet(u.path, u.source.Sheet, u.limit)
	case task.Parquet:
		return openParquetRows(ctx, u.path)
	}
	return nil, errors.New("reading letter: a form of no name we know")
}

// close removes the unpacked copy.
func (u *upload) close() error {
	if u.spool == "" {
		return nil
	}
	return os.RemoveAll(u.spool)
}

// counted counts what was read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// unpacked is a stream that ends as a fault of the file when it grows out of proportion or is broken.
type unpacked struct {
	r      io.Reader
	packed *counted
	from   io.Closer
	limit  int64
	read   int64
	fault  string // code of a broken stream; "" when it cannot break by itself
}

func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	u.read += int64(n)
	if u.read > u.limit || u.read > freeUnpacked && u.read/maxRatio > u.packed.n {
		return 0, badFile("file.too_large")
	}
	if err != nil && !errors.Is(err, io.EOF) && u.fault != "" {
		return 0, badFile(u.fault)
	}
	return n, err
}

func (u *unpacked) Close() error { return u.from.Close() }
