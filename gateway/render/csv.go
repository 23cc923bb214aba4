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
	line := make([]string, len(t.columns))
	for c, col := range t.columns {
		line[c] = guarded(col.name)
	}
	err := w.Write(line)
	if err == nil {
		err = t.each(func(row []string) error {
			for c, text := range row {
				if line[c] = text; t.columns[c].kind == label {
					line[c] = guarded(text)
				}
			}
			return w.Write(line)
		})
	}
	if err != nil {
		return nil, err
	}
	if w.Flush(); w.Error() != nil {
		return nil, fmt.Errorf("writing CSV: %w", w.Error())
	}
	return b.Bytes(), nil
}
