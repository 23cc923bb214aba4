package console

import (
	"bytes"
	"encoding/csv"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/policy/screen"
)

// sheet is a declared table on a page: its labels, and values only where somebody may see them.
type sheet struct {
	Columns []column
	Rows    []row
	Labels  int    // columns that are labels: the rest are figures
	Values  bool   // they are filled in
	Why     string // a text: why they are not
	From    int    // of the rows that are shown, the number of the first less one
	Total   int
	Before  string // addresses of the parts before and after; "" when there is none
	After   string
}

// column is one column with what it holds in sum.
type column struct {
	Name  string
	Stat  job.Stat // of a figure; "" for a label
	Of    string
	Kinds int    // of a label: how many there are
	Least string // of a figure: its bounds, where values are filled in
	Most  string
	None  int // cells without a value
}

// row is one row. Rows are numbered from 1, as comments name them.
type row struct {
	Number  int
	Cells   []cell
	Flags   []string // codes of what the rules found in it
	Remarks int
}

// cell is one cell.
type cell struct {
	Text    string
	Column  int // from 1
	Label   bool
	Remarks int
}

// newSheet lays out every combination of the declared labels, as screening does.
func newSheet(t job.Table) *sheet {
	s := &sheet{Labels: len(t.By)}
	for _, by := range t.By {
		s.Columns = append(s.Columns, column{Name: by.Column, Kinds: len(by.Values)})
	}
	for _, m := range t.Measures {
		of := m.Of
		if m.Per != "" {
			of += " / " + m.Per
		}
		s.Columns = append(s.Columns, column{Name: m.Name, Stat: m.Stat, Of: of})
	}
	for _, labels := range combinations(t.By) {
		s.add(append(labels, make([]string, len(t.Measures))...))
	}
	return s
}

func combinations(by []job.Dimension) [][]string {
	all := [][]string{{}}
	for _, d := range by {
		var next [][]string
		for _, before := range all {
			for _, v := range d.Values {
				next = append(next, append(slices.Clone(before), v))
			}
		}
		all = next
	}
	return all
}

func (s *sheet) add(texts []string) {
	r := row{Number: len(s.Rows) + 1}
	for i, text := range texts {
		r.Cells = append(r.Cells, cell{Text: text, Column: i + 1, Label: i < s.Labels})
	}
	s.Rows = append(s.Rows, r)
}

// errSheet says that bytes are not the declared table. It names no value.
var errSheet = errors.New("the output is not the declared table")

// fill puts the output's own rows into the sheet: canonical CSV that screening wrote.
func (s *sheet) fill(body []byte) error {
	read := csv.NewReader(bytes.NewReader(body))
	read.FieldsPerRecord = len(s.Columns)
	all, err := read.ReadAll()
	if err != nil || len(all) == 0 {
		return errSheet
	}
	for i, name := range all[0] {
		if name != s.Columns[i].Name {
			return errSheet
		}
	}
	s.Rows, s.Values = nil, true
	for _, texts := range all[1:] {
		s.add(texts)
	}
	s.sum()
	return nil
}

// sum finds the bounds of each figure.
func (s *sheet) sum() {
	for i := s.Labels; i < len(s.Columns); i++ {
		c := &s.Columns[i]
		var least, most float64
		for _, r := range s.Rows {
			text := r.Cells[i].Text
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				c.None++
				continue
			}
			if c.Least == "" || v < least {
				least, c.Least = v, text
			}
			if c.Most == "" || v > most {
				most, c.Most = v, text
			}
		}
	}
}

// flag marks the cells that findings name, by their labels.
func (s *sheet) flag(findings []screen.Finding) {
	for _, f := range findings {
		for _, key := range f.Cells {
			for i := range s.Rows {
				if slices.EqualFunc(s.Rows[i].Cells[:s.Labels], key, func(c cell, label string) bool { return c.Text == label }) {
					s.Rows[i].Flags = append(s.Rows[i].Flags, f.Code)
				}
			}
		}
	}
}

// remark counts the comments at each cell and row.
func (s *sheet) remark(comments []output.CommentView) {
	for _, c := range comments {
		if c.Row < 1 || c.Row > int64(len(s.Rows)) {
			continue
		}
		r := &s.Rows[c.Row-1]
		if c.Column < 1 || c.Column > len(r.Cells) {
			r.Remarks++
			continue
		}
		r.Cells[c.Column-1].Remarks++
	}
}

// sheetSize is how many rows a page shows.
const sheetSize = 100

// part cuts the sheet to the rows that are asked for.
func (s *sheet) part(c call) *sheet {
	q := c.r.URL.Query()
	from, err := strconv.Atoi(q.Get("from"))
	if err != nil || from < 0 || from >= len(s.Rows) {
		from = 0
	}
	s.From, s.Total = from, len(s.Rows)
	to := min(from+sheetSize, len(s.Rows))
	at := func(n int) string {
		where := url.Values{"from": {strconv.Itoa(n)}}
		for _, keep := range []string{"file", "tab"} {
			if asked := q.Get(keep); asked != "" {
				where.Set(keep, asked)
			}
		}
		return c.r.URL.Path + "?" + where.Encode()
	}
	if from > 0 {
		s.Before = at(max(0, from-sheetSize))
	}
	if to < len(s.Rows) {
		s.After = at(to)
	}
	s.Rows = s.Rows[from:to]
	return s
}

// line is one line of code beside an earlier version: Mark is "+" for a new one, "-" for one that is gone.
type line struct {
	Mark string
	Text string
}

// maxCompared bounds how many lines of each version are compared: the work grows with their product.
const maxCompared = 2000

// difference compares code line by line: what begins and ends both stands, and of what is between them the longest
// common subsequence. Where that has more than maxCompared lines, all of it is gone and new: a reviewer is shown too much
// rather than told that nothing changed. Without an earlier version every line stands as it is.
func difference(before, after string) (all []line) {
	a, b := strings.Split(strings.TrimRight(before, "\n"), "\n"), strings.Split(strings.TrimRight(after, "\n"), "\n")
	if before == "" {
		a = b
	}
	head := shared(a, b, func(of []string, n int) string { return of[n] })
	tail := shared(a[head:], b[head:], func(of []string, n int) string { return of[len(of)-1-n] })
	all = marked(all, "", b[:head])
	all = between(all, a[head:len(a)-tail], b[head:len(b)-tail])
	return marked(all, "", b[len(b)-tail:])
}

// shared counts the lines that are the same in both from one end.
func shared(a, b []string, from func([]string, int) string) (n int) {
	for n < min(len(a), len(b)) && from(a, n) == from(b, n) {
		n++
	}
	return n
}

func marked(all []line, mark string, texts []string) []line {
	for _, text := range texts {
		all = append(all, line{mark, text})
	}
	return all
}

// between compares what does not begin or end both.
func between(all []line, a, b []string) []line {
	if len(a) > maxCompared || len(b) > maxCompared {
		return marked(marked(all, "-", a), "+", b)
	}
	common := subsequences(a, b)
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			all = append(all, line{"", b[j]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			all = append(all, line{"-", a[i]})
			i++
		default:
			all = append(all, line{"+", b[j]})
			j++
		}
	}
	return all
}

// subsequences tells, for every pair of places, how long the longest common subsequence of what follows is.
func subsequences(a, b []string) [][]int32 {
	common := make([][]int32, len(a)+1)
	for i := range common {
		common[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	return common
}
