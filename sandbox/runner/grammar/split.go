package grammar

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/sluicedata/sluice/catalog/task"
)

// maxCode bounds a code file in bytes.
const maxCode = 1 << 20

// Split cuts a code file into its relations. A relation begins at a line `-- relation: name` and is one SELECT;
// before the first such line only comments and blank lines may stand.
func Split(code string) ([]task.Statement, []task.CheckFinding) {
	c := &cutter{marker: regexp.MustCompile(`^--\s*relation\s*:(.*)$`), name: namePattern(), seen: map[string]bool{}}
	if len(code) > maxCode {
		return nil, []task.CheckFinding{Refuse(task.Statement{Line: 1}, codeLong, -1, "")}
	}
	if !utf8.ValidString(code) || strings.ContainsRune(code, 0) {
		return nil, []task.CheckFinding{Refuse(task.Statement{Line: 1}, codeEncoding, -1, "")}
	}
	for i, line := range strings.Split(code, "\n") {
		c.line(i+1, strings.TrimSuffix(line, "\r"))
	}
	c.end()
	if len(c.stmts) == 0 && len(c.findings) == 0 {
		c.refuse(task.Statement{Line: 1}, codeEmpty, "")
	}
	return c.stmts, c.findings
}

// namePattern is what a relation, a result column, a table and a figure may be called.
func namePattern() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`) }

// cutter goes through a code file line by line.
type cutter struct {
	marker, name *regexp.Regexp
	seen         map[string]bool
	stmts        []task.Statement
	findings     []task.CheckFinding
	open         bool // a marker was met
	early        bool // text before the first marker was noted
	now          task.Statement
	from         int // line of the marker
	lines        []string
}

func (c *cutter) line(number int, line string) {
	if m := c.marker.FindStringSubmatch(line); m != nil {
		c.end()
		c.open, c.from, c.lines = true, number, nil
		c.now = task.Statement{Relation: strings.TrimSpace(m[1]), Line: number}
		c.named()
		return
	}
	if c.open {
		c.lines = append(c.lines, line)
		return
	}
	if t := strings.TrimSpace(line); t != "" && !strings.HasPrefix(t, "--") && !c.early {
		c.early = true
		c.refuse(task.Statement{Line: number}, codeBefore, "")
	}
}

// named checks the name of the relation that begins. A bad name is not repeated: it may be anything.
func (c *cutter) named() {
	name := c.now.Relation
	if !c.name.MatchString(name) {
		c.now.Relation = ""
		c.refuse(c.now, codeName, "")
		return
	}
	if c.seen[name] {
		c.refuse(c.now, codeTwice, name)
		c.now.Relation = ""
	}
	c.seen[name] = true
}

// end closes the relation that is open. Its text begins at its first character that is no blank.
func (c *cutter) end() {
	if !c.open {
		return
	}
	c.open = false
	body := strings.Join(c.lines, "\n")
	trimmed := strings.TrimLeft(body, " \t\n")
	c.now.Line = c.from + 1 + strings.Count(body[:len(body)-len(trimmed)], "\n")
	c.now.SQL = strings.TrimRight(trimmed, " \t\n")
	switch {
	case blank(c.now.SQL):
		c.now.Line = c.from
		c.refuse(c.now, codeEmpty, c.now.Relation)
	case c.now.Relation != "":
		c.stmts = append(c.stmts, c.now)
	}
}

// blank says that a text is comments and blanks only.
func blank(sql string) bool {
	for _, line := range strings.Split(sql, "\n") {
		if t := strings.TrimSpace(line); t != "" && !strings.HasPrefix(t, "--") {
			return false
		}
	}
	return true
}

func (c *cutter) refuse(s task.Statement, code Code, what string) {
	c.findings = append(c.findings, Refuse(s, code, -1, what))
}
