package launcher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/sluicedata/sluice/sandbox"
)

// stopWithin bounds how long Serve waits for calls in flight after its context has ended.
const stopWithin = 4 * time.Second

// Serve answers the worker on a listener until ctx ends; then running containers are killed, calls in flight
// get their answers, and it returns nil within five seconds. It closes the listener.
func (l *Launcher) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: l.routes(),
		// No ReadTimeout: it would count as the worker's going away and kill its container.
		ReadHeaderTimeout: 5 * time.Second,
		MaxHeaderBytes:    4 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       holding,
	}
	go l.reaping(ctx)
	served := make(chan error, 1)
	go func() { served <- server.Serve(guarded{listener, l.opt.WorkerUID, l.opt.Log}) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving the worker: %w", err)
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if err := server.Shutdown(late); err != nil {
		return errors.Join(fmt.Errorf("stopping to serve the worker: %w", err), server.Close())
	}
	return nil
}

// routes is the whole surface: a POST to one of five paths, byte for byte. Anything else is not found.
func (l *Launcher) routes() http.Handler {
	calls := map[string]http.HandlerFunc{
		pathPrepare: handle(l, readRun, l.prepare),
		pathRun:     handle(l, readRun, l.start),
		pathRemove:  handle(l, readRun, l.drop),
		pathProof:   handle(l, readRequest[question], l.tell),
		pathCollect: l.collect,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call, known := calls[r.RequestURI]
		if r.Method != http.MethodPost || !known {
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		call(w, r)
	})
}

func (l *Launcher) prepare(ctx context.Context, r sandbox.Run) (answer, error) {
	in, err := l.Prepare(ctx, r)
	return answer{In: in}, err
}

func (l *Launcher) start(ctx context.Context, r sandbox.Run) (answer, error) {
	outcome, err := l.Run(ctx, r)
	return answer{Outcome: outcome}, err
}

func (l *Launcher) drop(ctx context.Context, r sandbox.Run) (answer, error) {
	return answer{}, l.Remove(ctx, r)
}

// tell answers what is proved. The machine's facts stay in the launcher's log.
func (l *Launcher) tell(ctx context.Context, q question) (answer, error) {
	p, err := l.Proofs(ctx, q.Anew)
	if err != nil {
		return answer{}, err
	}
	return answer{Proofs: p}, nil
}

// handle reads what is asked, makes the call and answers.
func handle[T any](l *Launcher, read func(io.Reader) (T, error), call func(context.Context, T) (answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		r, err := read(http.MaxBytesReader(w, req.Body, maxRequest))
		var a answer
		if err == nil {
			a, err = call(req.Context(), r)
		}
		if err != nil {
			l.opt.Log.Warn("refused", "call", req.URL.Path, "error", err)
		}
		a.Error = refusalOf(err)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status(a.Error))
		if err := json.NewEncoder(w).Encode(a); err != nil {
			l.opt.Log.Warn("answering", "call", req.URL.Path, "error", err)
		}
	}
}

// status is the HTTP status of a refusal.
func status(code Refusal) int {
	switch code {
	case "":
		return http.StatusOK
	case Invalid:
		return http.StatusBadRequest
	case Unknown:
		return http.StatusGone // 404 means that there is no such call
	case Unavailable, Unproved:
		return http.StatusServiceUnavailable
	default:
		return http.StatusConflict
	}
}

// collect streams the output. An error after the first file ends the stream with its code.
func (l *Launcher) collect(w http.ResponseWriter, req *http.Request) {
	r, err := readRun(http.MaxBytesReader(w, req.Body, maxRequest))
	if err == nil {
		err = l.Collect(req.Context(), r, func(name string, size int64, body io.Reader) error {
			if err := writeFrame(w, frame{Name: name, Size: size}); err != nil {
				return err
			}
			_, err := io.CopyN(w, body, size)
			return err
		})
	}
	if err != nil {
		l.opt.Log.Warn("refused", "call", pathCollect, "error", err)
	}
	if err := writeFrame(w, frame{End: err == nil, Error: refusalOf(err)}); err != nil {
		l.opt.Log.Warn("answering", "call", pathCollect, "error", err)
	}
}
