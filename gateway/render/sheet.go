package render

import (
	"fmt"
	"strconv"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"
)

// Sheet writes a workbook of one sheet with a frozen header. A cell is a text, a whole number or nil, an empty one. A text is
// never interpreted. What a sheet does not hold is ErrUnfit.
func Sheet(name string, head []any, rows [][]any) ([]byte, error) {
	if len(rows) >= maxSheetRows || len(head) > maxSheetColumns {
		return nil, fmt.Errorf("more than a sheet holds: %w", ErrUnfit)
	}
	return sheetOf(name, func(w *excelize.StreamWriter) error {
		for n, row := range append([][]any{head}, rows...) {
			for c, value := range row {
				if text, is := value.(string); is && len(utf16.Encode([]rune(text))) > maxSheetText {
					return fmt.Errorf("row %d, column %d: a text is longer than a sheet keeps: %w", n, c+1, ErrUnfit)
				}
			}
			if err := w.SetRow("A"+strconv.Itoa(n+1), row); err != nil {
				return fmt.Errorf("writing row %d: %w", n, err)
			}
		}
		return nil
	})
}
