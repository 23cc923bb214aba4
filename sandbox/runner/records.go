package runner

import (
	"bufio"
	"bytes"
	"database/sql/driver"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/sluicedata/sluice/catalog/task"
)

// maxRecord bounds one CSV record in bytes, line ends inside quotes included: an opening quote that never
// closes must not draw the whole file into memory.
const maxRecord = 1 << 20

var errRecordTooLong = errors.New("a record is longer than 1 MiB")

// bounded reads up to a mark that moves with every record.
type bounded struct {
	r    io.Reader
	read int64
	mark int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.read >= b.mark {
		return 0, errRecordTooLong
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.mark-b.read)])
	b.read += int64(n)
	return n, err
}

// records reads the records of a CSV file (RFC 4180, UTF-8, optional BOM) and tells their faults to a tally.
type records struct {
	src   *bounded
	csv   *csv.Reader
	tally *tally
	row   int64 // 1-based data row; 0 in the header
	done  bool
}

// newRecords reads from f.
func newRecords(f io.Reader, t *tally) *records {
	br := bufio.NewReaderSize(f, 1<<16)
	if b, err := br.Peek(3); err == nil && bytes.Equal(b, []byte("\xef\xbb\xbf")) {
		// The three bytes were peeked, so dropping them cannot fail.
		_, _ = br.Discard(3)
	}
	src := &bounded{r: br}
	r := csv.NewReader(src)
	r.ReuseRecord = true
	return &records{src: src, csv: r, tally: t}
}

// read returns the next record; a nil record without an error was faulty, and io.EOF ends them.
func (r *records) read() ([]string, error) {
	if r.done {
		return nil, io.EOF
	}
	const readAhead = 1 << 13 // csv.Reader's buffer
	r.src.mark = r.csv.InputOffset() + maxRecord + readAhead
	rec, err := r.csv.Read()
	var p *csv.ParseError
	switch {
	case err == nil && r.csv.InputOffset() > r.src.mark-readAhead, errors.Is(err, errRecordTooLong):
		r.done = true
		r.fault(0, "", "row.too_long")
		return nil, nil
	case errors.As(err, &p) && errors.Is(p.Err, csv.ErrFieldCount):
		r.fault(int64(p.StartLine), "", "row.field_count")
		return nil, nil
	case errors.As(err, &p):
		r.done = true // what follows a broken quote cannot be told apart
		r.fault(int64(p.StartLine), "", "csv.quote")
		return nil, nil
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", rawFile, err)
	}
	return rec, nil
}

// fault tells one fault of the current row; past the bound nothing more is read.
func (r *records) fault(line int64, column, reason string) {
	if !r.tally.add(task.BadCell{Row: r.row, Line: line, Column: column, Reason: reason}) {
		r.done = true
	}
}

// next returns the next data record.
func (r *records) next() ([]string, error) {
	r.row++
	return r.read()
}

// header reads the header and returns, for every declared column, its place in a record; nil when the header
// is at fault.
func (r *records) header(cols []parser) ([]int, error) {
	rec, err := r.read()
	if errors.Is(err, io.EOF) {
		r.fault(0, "", "file.empty")
		return nil, nil
	}
	if err != nil || rec == nil {
		return nil, err
	}
	places := map[string]int{}
	for i, name := range rec {
		r.headerName(places, cols, i, name)
	}
	var order []int
	for _, p := range cols {
		i, ok := places[p.column.Name]
		if !ok {
			r.fault(1, p.column.Name, "header.missing")
		}
		order = append(order, i)
	}
	if len(r.tally.bad) > 0 {
		return nil, nil
	}
	return order, nil
}

// headerName places one name of the header. An undeclared name is told by its position, never by its text.
func (r *records) headerName(places map[string]int, cols []parser, i int, name string) {
	declared := false
	for _, p := range cols {
		declared = declared || p.column.Name == name
	}
	_, twice := places[name]
	switch {
	case !utf8.ValidString(name):
		r.fault(1, fmt.Sprintf("#%d", i+1), "utf8.invalid")
	case !declared:
		r.fault(1, fmt.Sprintf("#%d", i+1), "header.unknown")
	case twice:
		r.fault(1, name, "header.duplicate")
	default:
		places[name] = i
	}
}

// parse fills row from rec in declared order and tells every faulty cell; it says whether there was none.
func (r *records) parse(rec []string, cols []parser, order []int, row []driver.Value) bool {
	good := true
	for i := range cols {
		v, reason := cols[i].value(rec[order[i]])
		row[i] = v
		if reason != "" {
			line, _ := r.csv.FieldPos(order[i])
			r.fault(int64(line), cols[i].column.Name, reason)
			good = false
		}
	}
	return good
}
