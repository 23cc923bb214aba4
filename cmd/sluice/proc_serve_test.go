package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// slow is a server with one request in flight that answers when told to.
type slow struct {
	url      string
	stop     context.CancelFunc
	answer   chan struct{} // closed: the request may end
	answered chan error    // how it went for its sender
	ended    chan error    // what serveUntil returned
	drained  chan struct{}
}

func serveSlowly(t *testing.T, patience time.Duration) *slow {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &slow{
		url: "http://" + listener.Addr().String(), stop: cancel, answer: make(chan struct{}),
		answered: make(chan error, 1), ended: make(chan error, 1), drained: make(chan struct{}),
	}
	arrived := make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		select {
		case <-s.answer:
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, "whole")
	})}
	go func() { s.ended <- serveUntil(ctx, server, listener, func() { close(s.drained) }, patience) }()
	go func() {
		answer, err := http.Get(s.url)
		if err == nil {
			var body []byte
			body, err = io.ReadAll(answer.Body)
			if string(body) != "whole" {
				err = errors.Join(err, errors.New("cut off"))
			}
			_ = answer.Body.Close()
		}
		s.answered <- err
	}()
	<-arrived
	return s
}

func TestDrainLetsARequestEnd(t *testing.T) {
	s := serveSlowly(t, time.Minute)
	s.stop()
	<-s.drained
	eventually(t, "the port is closed", func() bool {
		conn, err := net.Dial("tcp", s.url[len("http://"):])
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	select {
	case err := <-s.ended:
		t.Fatalf("ended with a request in flight: %v", err)
	default:
	}
	close(s.answer)
	if err := <-s.answered; err != nil {
		t.Errorf("the request in flight: %v", err)
	}
	if err := <-s.ended; !errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ended with %v", err)
	}
}

func TestDrainEndsAtItsTime(t *testing.T) {
	s := serveSlowly(t, 50*time.Millisecond)
	s.stop()
	if err := <-s.ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ended with %v", err)
	}
	if err := <-s.answered; err == nil {
		t.Error("a request that outlived the drain was answered")
	}
}
