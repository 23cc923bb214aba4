package runner

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"
)

// maxRecord bounds one record in bytes, line ends inside quotes included: an opening quote that never closes must
// not draw the whole file into memory.
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

// csvRows reads a CSV file (RFC 4180; UTF-8 or GB18030; an optional byte order mark).
type csvRows struct {
	from   io.Closer
	src    *bounded
	csv    *csv.Reader
	legacy bool // GB18030
	fields []field
}

// newCSVRows reads text of an encoding that was chosen before.
func newCSVRows(from io.ReadCloser, encoding string) *csvRows {
	var text io.Reader = from
	if encoding == gb18030 {
		// The decoder puts U+FFFD where bytes are no characters: next tells them.
		text = transform.NewReader(from, simplifiedchinese.GB18030.NewDecoder())
	}
	br := bufio.NewReaderSize(text, 1<<16)
	if b, err := br.Peek(len(byteOrderMark)); err == nil && string(b) == byteOrderMark {
		// The bytes were peeked, so dropping them cannot fail.
		_, _ = br.Discard(len(byteOrderMark))
	}
	src := &bounded{r: br}
	r := csv.NewReader(src)
	r.ReuseRecord = true
	return &csvRows{from: from, src: src, csv: r, legacy: encoding == gb18030}
}

func (r *csvRows) close() error { return r.from.Close() }

func (r *csvRows) line(i int) int64 {
	line, _ := r.csv.FieldPos(i)
	return int64(line)
}

func (r *csvRows) next(context.Context) ([]field, error) {
	const readAhead = 1 << 13 // csv.Reader's buffer
	r.src.mark = r.csv.InputOffset() + maxRecord + readAhead
	rec, err := r.csv.Read()
	var p *csv.ParseError
	var bad *badRow
	switch {
	case err == nil && r.csv.InputOffset() > r.src.mark-readAhead, errors.Is(err, errRecordTooLong):
		return nil, &badRow{reason: "row.too_long", last: true}
	case errors.As(err, &bad):
		return nil, bad
	case errors.As(err, &p) && errors.Is(p.Err, csv.ErrFieldCount):
		return nil, &badRow{line: int64(p.StartLine), reason: "row.field_count"}
	case errors.As(err, &p): // what follows a broken quote cannot be told apart
		return nil, &badRow{line: int64(p.StartLine), reason: "csv.quote", last: true}
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", rawFile, err)
	}
	r.fields = r.fields[:0]
	for _, text := range rec {
		f := field{text: text}
		if r.legacy && strings.ContainsRune(text, utf8.RuneError) {
			f.reason = "gb18030.invalid"
		}
		r.fields = append(r.fields, f)
	}
	return r.fields, nil
}
