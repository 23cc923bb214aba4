package access

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// anything matches every capacity or role.
const anything = "*"

// line is one row of the matrix.
type line struct {
	capacity string
	roles    []string
	relation string
	actions  []string
}

// parse reads the table: four cells a row parted by commas; # begins a comment row.
func parse(text []byte) ([]line, error) {
	var lines []line
	rows := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; rows.Scan(); n++ {
		row := strings.TrimSpace(rows.Text())
		if row == "" || strings.HasPrefix(row, "#") {
			continue
		}
		l, err := parseLine(row)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		lines = append(lines, l)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, errors.New("no line")
	}
	return lines, nil
}

func parseLine(row string) (line, error) {
	cells := strings.Split(row, ",")
	if len(cells) != 4 {
		return line{}, errors.New("not four cells")
	}
	l := line{
		capacity: strings.TrimSpace(cells[0]), roles: strings.Fields(cells[1]),
		relation: strings.TrimSpace(cells[2]), actions: strings.Fields(cells[3]),
	}
	return l, l.check()
}

func (l line) check() error {
	word := regexp.MustCompile(`^(\*|[a-z_]+(:[a-z_]+)?)$`)
	verb := regexp.MustCompile(`^[a-z]+\.[a-z]+$`)
	if !word.MatchString(l.capacity) {
		return errors.New("malformed capacity")
	}
	if l.relation != own && l.relation != other && l.relation != "any" {
		return errors.New("unknown relation")
	}
	if len(l.roles) == 0 || len(l.actions) == 0 {
		return errors.New("a line without roles or actions")
	}
	for _, r := range l.roles {
		if !word.MatchString(r) {
			return errors.New("malformed role")
		}
	}
	for _, a := range l.actions {
		if !verb.MatchString(a) {
			return errors.New("malformed action")
		}
	}
	return l.checkProcess()
}

// checkProcess keeps people and processes apart: a process line names its process and nothing is shared.
func (l line) checkProcess() error {
	if l.capacity != processCapacity {
		return nil
	}
	for _, r := range l.roles {
		if r == anything {
			return errors.New("a process line for everybody")
		}
	}
	return nil
}

// expand writes the table out as the model's policy lines by action, each once.
func expand(lines []line) map[string][][]string {
	out := map[string][][]string{}
	seen := map[[4]string]bool{}
	for _, l := range lines {
		for _, r := range l.roles {
			for _, a := range l.actions {
				key := [4]string{l.capacity, r, a, l.relation}
				if !seen[key] {
					seen[key] = true
					out[a] = append(out[a], key[:])
				}
			}
		}
	}
	return out
}
