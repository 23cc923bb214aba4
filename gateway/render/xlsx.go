package render

import (
	"fmt"
	"strconv"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"
)

// Bounds of a sheet (ECMA-376; a text is counted in UTF-16 units). Past them excelize would cut silently.
const (
	maxSheetRows    = 1_048_576
	maxSheetColumns = 16_384
	maxSheetText    = 32_767
	maxSheetName    = 31
	// exactWhole is the largest whole number up to which a sheet keeps every one.
	exactWhole = 1 << 53
)

// workbook writes one sheet with a frozen header. Every cell is a number or an inline text: a text is never
// interpreted, so it needs no apostrophe and none is shown.
func workbook(t table) ([]byte, error) {
	if len(t.columns) > maxSheetColumns {
		return nil, fmt.Errorf("more columns than a sheet holds: %w", ErrUnfit)
	}
	return sheetOf(t.name, t.fill)
}

// sheetOf writes a workbook of one sheet, whose first row stays in view.
func sheetOf(name string, fill func(*excelize.StreamWriter) error) ([]byte, error) {
	f := excelize.NewFile()
	defer func() { _ = f.Close() }() // it holds no file open
	sheet := name[:min(len(name), maxSheetName)]
	if err := f.SetSheetName("Sheet1", sheet); err != nil {
		return nil, fmt.Errorf("naming sheet: %w", err)
	}
	w, err := f.NewStreamWriter(sheet)
	if err != nil {
		return nil, fmt.Errorf("opening sheet: %w", err)
	}
	frozen := &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}
	if err := w.SetPanes(frozen); err != nil {
		return nil, fmt.Errorf("freezing header: %w", err)
	}
	if err := fill(w); err != nil {
		return nil, err
	}
	if err := w.Flush(); err != nil {
		return nil, fmt.Errorf("writing sheet: %w", err)
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		return nil, fmt.Errorf("writing workbook: %w", err)
	}
	return b.Bytes(), nil
}

// fill writes header and rows.
func (t table) fill(w *excelize.StreamWriter) error {
	var head []any
	for _, c := range t.columns {
		head = append(head, c.name)
	}
	if err := w.SetRow("A1", head); err != nil {
		return fmt.Errorf("writing header: %w", err)
	}
	line := 1
	return t.each(func(row []string) error {
		if line++; line > maxSheetRows {
			return fmt.Errorf("more rows than a sheet holds: %w", ErrUnfit)
		}
		cells, err := t.sheetCells(row)
		if err == nil {
			err = w.SetRow("A"+strconv.Itoa(line), cells)
		}
		return err
	})
}

// sheetCells are the typed cells of a row; nil is an empty one.
func (t table) sheetCells(row []string) ([]any, error) {
	cells := make([]any, len(row))
	for c, text := range row {
		switch {
		case text == "":
		case t.columns[c].kind == label && len(utf16.Encode([]rune(text))) > maxSheetText:
			return nil, fmt.Errorf("column %d: a text is longer than a sheet keeps: %w", c+1, ErrUnfit)
		case t.columns[c].kind == label:
			cells[c] = text
		case t.columns[c].kind == whole:
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil || n > exactWhole || n < -exactWhole {
				return nil, fmt.Errorf("column %d: a number is larger than a sheet keeps exactly: %w", c+1, ErrUnfit)
			}
			cells[c] = n
		default:
			v, err := strconv.ParseFloat(text, 64)
			if err != nil || !keeps(v) {
				return nil, fmt.Errorf("column %d: a number has more digits than a sheet keeps: %w", c+1, ErrUnfit)
			}
			cells[c] = v
		}
	}
	return cells, nil
}

// keeps says whether a sheet shows v as it is: it rounds to 15 significant digits.
func keeps(v float64) bool {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', 14, 64), 64)
	return err == nil && rounded == v
}
