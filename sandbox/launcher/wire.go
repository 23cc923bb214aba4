package launcher

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox"
)

// The protocol: POST of a sandbox.Run to one of four paths, or of a question to /proof. Answers are one JSON object; collect answers with
// frames, each a line of JSON followed by Size bytes, the last one with End or Error.
const (
	pathPrepare = "/prepare"
	pathRun     = "/run"
	pathCollect = "/collect"
	pathRemove  = "/remove"
	pathProof   = "/proof"

	maxRequest = 1 << 10 // bytes; the longest valid run has fewer than 200
	maxFrame   = 1 << 10 // bytes of a frame's line
)

// answer is what a call other than collect returns.
type answer struct {
	In      string          `json:"in,omitempty"`
	Outcome sandbox.Outcome `json:"outcome,omitempty"`
	Proofs  []sandbox.Proof `json:"proofs,omitempty"`
	Error   Refusal         `json:"error,omitempty"`
}

// question asks what is proved about the runtimes.
type question struct {
	Anew bool `json:"anew"`
}

// frame introduces one file, or ends the stream. A stream that breaks off has no end.
type frame struct {
	Name  string  `json:"name,omitempty"`
	Size  int64   `json:"size,omitempty"`
	End   bool    `json:"end,omitempty"`
	Error Refusal `json:"error,omitempty"`
}

// readRun reads a run. One of the launcher's own tests is nobody else's.
func readRun(body io.Reader) (sandbox.Run, error) {
	r, err := readRequest[sandbox.Run](body)
	if err == nil && r.Verb == task.TryBounds {
		err = Invalid
	}
	return r, err
}

// readRequest reads a request: one object, no unknown member, nothing behind it.
func readRequest[T any](body io.Reader) (asked T, err error) {
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil {
		return asked, Invalid
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return asked, Invalid
	}
	return asked, nil
}

// refusalOf finds the code of an error; what has none is the engine's or the machine's.
func refusalOf(err error) Refusal {
	if err == nil {
		return ""
	}
	var code Refusal
	if errors.As(err, &code) {
		return code
	}
	return Unavailable
}

// writeFrame writes one frame's line.
func writeFrame(w io.Writer, f frame) error {
	line, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("writing a frame: %w", err)
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// readFrame reads one frame's line.
func readFrame(r *bufio.Reader) (frame, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return frame{}, fmt.Errorf("reading a frame: %w", noEOF(err))
	}
	var f frame
	if err := json.Unmarshal(line, &f); err != nil {
		return frame{}, fmt.Errorf("reading a frame: %w", err)
	}
	return f, nil
}

// noEOF makes the end of a stream an error where more had to come.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
