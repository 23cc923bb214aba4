package store

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
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
	flush    func() error
	policies map[string][]byte
}

// PutObject stores an object once.
func (d *durable) PutObject(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	if !once(in.Bucket, in.Key, in.IfMatch, in.IfNoneMatch) {
		return s3response.PutObjectOutput{}, s3err.GetAPIError(s3err.ErrAccessDenied)
	}
	out, err := d.Backend.PutObject(ctx, in)
	if unsynced := d.flush(); unsynced != nil {
		return s3response.PutObjectOutput{}, s3err.GetAPIError(s3err.ErrInternalError)
	}
	return out, err
}

// CompleteMultipartUpload stores an object of parts once.
func (d *durable) CompleteMultipartUpload(
	ctx context.Context, in *s3.CompleteMultipartUploadInput,
) (s3response.CompleteMultipartUploadResult, string, error) {
	if !once(in.Bucket, in.Key, in.IfMatch, in.IfNoneMatch) {
		return s3response.CompleteMultipartUploadResult{}, "", s3err.GetAPIError(s3err.ErrAccessDenied)
	}
	out, id, err := d.Backend.CompleteMultipartUpload(ctx, in)
	if unsynced := d.flush(); unsynced != nil {
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
	if unsynced := d.flush(); unsynced != nil {
		return nil, s3err.GetAPIError(s3err.ErrInternalError)
	}
	return out, err
}

// DeleteObjects removes several objects.
func (d *durable) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput) (s3response.DeleteResult, error) {
	out, err := d.Backend.DeleteObjects(ctx, in)
	if unsynced := d.flush(); unsynced != nil {
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
