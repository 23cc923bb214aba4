package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// story prints what happens, as text for people and as JSON lines for programs, and remembers what did not
// happen as it must.
type story struct {
	out      io.Writer
	lines    *os.File
	step     int
	failures []string
	told     func() // called after each line
}

// line is one line of story.jsonl.
type line struct {
	Step   int    `json:"step"`
	Actor  string `json:"actor"`
	Action string `json:"action"`
	Result string `json:"result"` // ok, refused, blocked, killed, failed, differs
	Detail string `json:"detail"`
}

// openStory starts a story in a folder.
func openStory(dir string, out io.Writer) (*story, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making story folder: %w", err)
	}
	f, err := os.Create(filepath.Join(dir, "story.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("making story file: %w", err)
	}
	return &story{out: out, lines: f, told: func() {}}, nil
}

// chapter begins a numbered step.
func (s *story) chapter(step int, title string) {
	s.step = step
	s.print("\n%d. %s\n", step, title)
}

// tell writes one line.
func (s *story) tell(actor, action, result, detail string) {
	s.print("   %-9s %-44s %-8s %s\n", actor, action, result, detail)
	body, err := json.Marshal(line{s.step, actor, action, result, detail})
	if err == nil {
		_, err = s.lines.Write(append(body, '\n'))
	}
	if err != nil {
		s.failures = append(s.failures, "the story could not be written")
	}
	s.told()
}

// must tells a line and notes when what happened is not what must.
func (s *story) must(holds bool, actor, action, result, detail string) bool {
	if !holds {
		result = "differs"
		s.failures = append(s.failures, fmt.Sprintf("step %d: %s: %s: %s", s.step, actor, action, detail))
	}
	s.tell(actor, action, result, detail)
	return holds
}

// show prints a table below a line.
func (s *story) show(text string) {
	for _, l := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		s.print("             %s\n", l)
	}
}

func (s *story) print(format string, args ...any) {
	if _, err := fmt.Fprintf(s.out, format, args...); err != nil && len(s.failures) == 0 {
		s.failures = append(s.failures, "the story could not be printed")
	}
}

// close ends the story; the error names everything that differed.
func (s *story) close() error {
	if err := s.lines.Close(); err != nil {
		return fmt.Errorf("closing story file: %w", err)
	}
	if len(s.failures) > 0 {
		return errors.New("the demo differs from what must happen:\n  " + strings.Join(s.failures, "\n  "))
	}
	return nil
}
