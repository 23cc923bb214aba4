package store

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3api/middlewares"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"

	"github.com/sluicedata/sluice/catalog/object"
)

// checkpoint is the one object that is ever replaced.
const checkpoint = "checkpoint"

// durable is the gateway's backend with two rules added: nothing is answered about a write before all
// writes are durable, and nothing is overwritten.
type durable struct {
	backend.Backend
	*flusher
	large    alone
	policies map[string][]byte
}

// PutObject stores an object once.
func (d *durable) PutObject(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	if !once(in.Bucket, in.Key, in.IfMatch, in.IfNoneMatch) {
		return s3response.PutObjectOutput{}, s3err.GetAPIError(s3err.ErrAccessDenied)
	}
	in.Body = d.ahead(in.Body)
	out, err := d.Backend.PutObject(ctx, in)
	if unsynced := d.put(in); unsynced != nil {
		return s3response.PutObjectOutput{}, s3err.GetAPIError(s3err.ErrInternalError)
	}
	return out, err
}

// ahead begins to make a large body durable while the rest of it arrives, so that less is left at its end. Only a
// body with its checksum behind it is known here; others are left alone.
func (d *durable) ahead(body io.Reader) io.Reader {
	if checked, ok := body.(middlewares.ChecksumReader); ok {
		return &flushing{ChecksumReader: checked, flush: d.wait}
	}
	return body
}

// flushStep is how much of a body arrives between two flushes, in bytes.
const flushStep = 4 << 20

// flushing is a body that has what arrived flushed beside its reading, one flush at a time.
type flushing struct {
	middlewares.ChecksumReader
	flush  func() error
	ahead  int64 // bytes read since the last flush began
	during atomic.Bool
}

// Read implements io.Reader.
func (f *flushing) Read(p []byte) (int, error) {
	n, err := f.ChecksumReader.Read(p)
	if f.ahead += int64(n); f.ahead >= flushStep && f.during.CompareAndSwap(false, true) {
		f.ahead = 0
		go func() {
			defer f.during.Store(false)
			_ = f.flush() // a failure ends the store, and the put's own flush tells of it
		}()
	}
	return n, err
}

// put makes an object durable, whoever put it. One that cannot be opened, since there is none, waits for all.
func (d *durable) put(in s3response.PutObjectInput) error {
	if in.Bucket == nil || in.Key == nil || in.ContentLength == nil || *in.ContentLength < largeObject {
		return d.wait()
	}
	files, err := d.large.open(path.Join(*in.Bucket, *in.Key))
	if err != nil {
		return d.wait()
	}
	return d.instead(func() error { return d.large.sync(files) })
}

// CompleteMultipartUpload stores an object of parts once.
func (d *durable) CompleteMultipartUpload(
	ctx context.Context, in *s3.CompleteMultipartUploadInput,
) (s3response.CompleteMultipartUploadResult, string, error) {
	if !once(in.Bucket, in.Key, in.IfMatch, in.IfNoneMatch) {
		return s3response.CompleteMultipartUploadResult{}, "", s3err.GetAPIError(s3err.ErrAccessDenied)
	}
	out, id, err := d.Backend.CompleteMultipartUpload(ctx, in)
	if unsynced := d.wait(); unsynced != nil {
		return s3response.CompleteMultipartUploadResult{}, "", s3err.GetAPIError(s3err.ErrInternalError)
	}
	return out, id, err
}

// CopyObject is refused: it overwrites without asking.
func (d *durable) CopyObject(context.Context, s3response.CopyObjectInput) (s3response.CopyObjectOutput, error) {
	return s3response.CopyObjectOutput{}, s3err.GetAPIError(s3err.ErrAccessDenied)
}

// DeleteObject removes an object; it does not come back after a crash.
func (d *durable) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	out, err := d.Backend.DeleteObject(ctx, in)
	if unsynced := d.wait(); unsynced != nil {
		return nil, s3err.GetAPIError(s3err.ErrInternalError)
	}
	return out, err
}

// DeleteObjects removes several objects.
func (d *durable) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput) (s3response.DeleteResult, error) {
	out, err := d.Backend.DeleteObjects(ctx, in)
	if unsynced := d.wait(); unsynced != nil {
		return s3response.DeleteResult{}, s3err.GetAPIError(s3err.ErrInternalError)
	}
	return out, err
}

// GetBucketPolicy answers from the program, whatever the directory says.
func (d *durable) GetBucketPolicy(_ context.Context, bucket string) ([]byte, error) {
	if p, ok := d.policies[bucket]; ok {
		return p, nil
	}
	return nil, s3err.GetAPIError(s3err.ErrAccessDenied)
}

// once tells whether a put is one that cannot overwrite anything unseen.
func once(bucket, key, match, noneMatch *string) bool {
	if noneMatch != nil && *noneMatch == "*" {
		return true
	}
	replace := bucket != nil && *bucket == string(object.Trace) && key != nil && *key == checkpoint
	return replace && match != nil && *match != "*"
}

// flusher makes everything written so far durable. Callers that arrive during a flush share the next one, so
// that many puts at a time cost few syncs. After one failure it fails for ever.
type flusher struct {
	sync   func() error
	failed chan struct{} // closed at the first failure

	turn sync.Mutex // held by the caller that syncs

	mu   sync.Mutex
	next *round // gathers callers
	err  error
}

type round struct {
	done chan struct{}
	err  error
}

func newFlusher(sync func() error) *flusher {
	return &flusher{sync: sync, failed: make(chan struct{})}
}

// wait returns when all that was written before the call is durable.
func (f *flusher) wait() error {
	r, first := f.join()
	if !first {
		<-r.done
		return r.err
	}
	f.turn.Lock()
	defer f.turn.Unlock()
	r.err = f.close()
	if r.err == nil {
		r.err = f.sync()
	}
	f.settle(r.err)
	close(r.done)
	return r.err
}

// instead runs a sync that makes less than everything durable, under the same rule: no answer after a failure.
func (f *flusher) instead(sync func() error) error {
	if err := f.dead(); err != nil {
		return err
	}
	err := sync()
	f.settle(err)
	return err
}

// join enters the next round and tells whether the caller is its first, who runs it.
func (f *flusher) join() (r *round, first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next != nil {
		return f.next, false
	}
	f.next = &round{done: make(chan struct{})}
	return f.next, true
}

// close ends the gathering: whoever comes now may have written after the sync began.
func (f *flusher) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = nil
	return f.err
}

func (f *flusher) settle(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil && f.err == nil {
		f.err = err
		close(f.failed)
	}
}

func (f *flusher) dead() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// syncs are the two ways to make something durable: everything on a file system, or one file or folder.
type syncs struct{ all, one func(fd int) error }

// largeObject is from what size on, in bytes, an object is synced alone. Below it many share one sync of everything.
const largeObject = 1 << 20

// alone syncs single objects below a folder.
type alone struct {
	root *os.Root
	one  func(fd int) error
}

// open opens an object and every folder down to it, the deepest first.
func (a alone) open(object string) (files []*os.File, err error) {
	for at := object; at != "." && err == nil; at = path.Dir(at) {
		var f *os.File
		if f, err = a.root.Open(at); err == nil {
			files = append(files, f)
		}
	}
	if err != nil {
		closeAll(files)
	}
	return files, err
}

// sync makes what was opened durable, and closes it.
func (a alone) sync(files []*os.File) error {
	defer closeAll(files)
	var failed error
	for _, f := range files {
		failed = errors.Join(failed, a.one(int(f.Fd())))
	}
	return failed
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // only opened to be synced
	}
}
