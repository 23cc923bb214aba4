package render

import (
	"bytes"
	"encoding/csv"
	"fmt"
)

// byteOrderMark makes a spreadsheet read UTF-8 as UTF-8.
const byteOrderMark = "\xef\xbb\xbf"

// excelCSV writes what a spreadsheet opens without being asked. Texts that begin like a formula stand behind an
// apostrophe; numbers, negative ones too, stay numbers.
func excelCSV(t table) ([]byte, error) {
	b := bytes.NewBufferString(byteOrderMark)
	w := csv.NewWriter(b)
	w.UseCRLF = true
	head := make([]string, len(t.columns))
	for c, col := range t.columns {
		head[c] = guarded(col.name)
	}
	rows := [][]string{head}
	for _, row := range t.rows {
		line := make([]string, len(row))
		for c, text := range row {
			if line[c] = text; t.columns[c].kind == label {
				line[c] = guarded(text)
			}
		}
		rows = append(rows, line)
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("writing CSV: %w", err)
	}
	return b.Bytes(), nil
}
