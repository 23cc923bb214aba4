// Package sse writes server-sent events (HTML Living Standard 9.2) to readers who may be slow or gone.
package sse

import (
	"net/http"
	"strings"
	"time"
)

// Heartbeat is how long a stream may be silent: proxies end what is. Alive breaks the silence.
const Heartbeat = 15 * time.Second

const patience = 10 * time.Second // to write one event to a slow reader

// Stream is a stream under way. One goroutine writes to it.
type Stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// Open begins a stream: from here on the status is 200.
func Open(w http.ResponseWriter) Stream {
	w.Header().Set("Content-Type", "text/event-stream")
	return Stream{w: w, control: http.NewResponseController(w)}
}

// Send writes one event. name "" is the reader's message event; data may have lines. An error means that nobody
// reads any more.
func (s Stream) Send(name, id, data string) error {
	var text strings.Builder
	if name != "" {
		text.WriteString("event: " + name + "\n")
	}
	text.WriteString("id: " + id + "\n")
	for line := range strings.Lines(data) {
		text.WriteString("data: " + strings.TrimRight(line, "\r\n") + "\n")
	}
	return s.write(text.String() + "\n")
}

// Alive writes a sign of life, which readers do not see.
func (s Stream) Alive() error { return s.write(": \n\n") }

func (s Stream) write(text string) error {
	late := time.AfterFunc(patience, func() { _ = s.control.SetWriteDeadline(time.Unix(1, 0)) }) // the write then fails
	defer late.Stop()
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}
