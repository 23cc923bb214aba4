package runner

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Bounds of a workbook.
const (
	maxPart    = 16 << 20 // bytes of a part other than the sheet and the shared texts
	maxShared  = 64 << 20 // bytes of all shared texts, which are held in memory
	maxTexts   = 4 << 20  // shared texts
	maxEntries = 10_000   // files in the archive
	// xmlAhead is how far the decoder may have read past what it told.
	xmlAhead = 1 << 13
)

// workbook is an opened .xlsx file: where its sheets are, and what their cells refer to.
//
// It is read here and not by excelize's row iterator for two reasons: that one does not tell what type a cell is
// (a stored number looks like a text of digits), and takes a sheet that is cut off for one that ends.
type workbook struct {
	zip      *zip.ReadCloser
	limit    int64
	sheets   []sheetRef
	from1904 bool
	dates    []bool // by style: shown as a date
	texts    []string
}

// sheetRef is a sheet's name and its part's path.
type sheetRef struct{ name, part string }

// openWorkbook reads everything of a workbook but its sheets. Faults of the file are *badRow.
func openWorkbook(file string, limit int64) (*workbook, error) {
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, badFile("file.xlsx")
	}
	w := &workbook{zip: z, limit: limit}
	for _, read := range []func() error{w.checkEntries, w.readBook, w.readStyles, w.readTexts} {
		if err := read(); err != nil {
			return nil, errors.Join(err, w.close())
		}
	}
	return w, nil
}

func (w *workbook) close() error { return w.zip.Close() }

func (w *workbook) checkEntries() error {
	if len(w.zip.File) > maxEntries {
		return badFile("file.too_large")
	}
	return nil
}

// part opens one file of the archive under the bounds of an upload; nil when there is none. What the archive says
// of sizes is not believed.
func (w *workbook) part(name string) (io.ReadCloser, error) {
	i := slices.IndexFunc(w.zip.File, func(f *zip.File) bool { return strings.EqualFold(f.Name, name) })
	if i < 0 {
		return nil, nil
	}
	raw, err := w.zip.File[i].OpenRaw()
	if err != nil {
		return nil, badFile("file.xlsx")
	}
	packed := &counted{r: raw}
	r, err := inflate(w.zip.File[i], packed)
	if err != nil {
		return nil, err
	}
	return &unpacked{r: r, packed: packed, from: r, limit: w.limit, fault: "file.xlsx"}, nil
}

// decode reads one small part into v.
func (w *workbook) decode(name string, v any) error {
	r, err := w.part(name)
	if err != nil || r == nil {
		return err
	}
	defer r.Close()
	err = xml.NewDecoder(io.LimitReader(r, maxPart)).Decode(v)
	var bad *badRow
	switch {
	case errors.As(err, &bad):
		return bad
	case err != nil:
		return badFile("file.xlsx")
	}
	return nil
}

// readBook finds the sheets and the date system.
func (w *workbook) readBook() error {
	var book struct {
		Props struct {
			Date1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"id,attr"` // of whichever name space: there are two editions
		} `xml:"sheets>sheet"`
	}
	var rels struct {
		List []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if err := errors.Join(w.decode("xl/workbook.xml", &book), w.decode("xl/_rels/workbook.xml.rels", &rels)); err != nil {
		return err
	}
	w.from1904 = book.Props.Date1904 == "1" || book.Props.Date1904 == "true"
	for _, s := range book.Sheets {
		for _, r := range rels.List {
			if r.ID == s.ID {
				w.sheets = append(w.sheets, sheetRef{s.Name, partPath(r.Target)})
			}
		}
	}
	if len(w.sheets) == 0 {
		return badFile("file.xlsx")
	}
	return nil
}

// partPath is the path in the archive of a relationship's target.
func partPath(target string) string {
	if rest, absolute := strings.CutPrefix(target, "/"); absolute {
		return rest
	}
	return path.Join("xl", target)
}

// readStyles finds the styles that show a number as a date.
func (w *workbook) readStyles() error {
	var styles struct {
		Formats []struct {
			ID   int    `xml:"numFmtId,attr"`
			Code string `xml:"formatCode,attr"`
		} `xml:"numFmts>numFmt"`
		Cells []struct {
			Format int `xml:"numFmtId,attr"`
		} `xml:"cellXfs>xf"`
	}
	if err := w.decode("xl/styles.xml", &styles); err != nil {
		return err
	}
	custom := map[int]bool{}
	for _, f := range styles.Formats {
		custom[f.ID] = isDateFormat(f.Code)
	}
	for _, c := range styles.Cells {
		shown, ok := custom[c.Format]
		w.dates = append(w.dates, ok && shown || !ok && isBuiltinDate(c.Format))
	}
	return nil
}

// readTexts reads the shared texts.
func (w *workbook) readTexts() error {
	r, err := w.part("xl/sharedStrings.xml")
	if err != nil || r == nil {
		return err
	}
	defer r.Close()
	x := newXMLRows(r)
	size := 0
	for {
		start, err := x.find("si")
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		text, err := x.text(start)
		if err != nil {
			return err
		}
		if size += len(text); size > maxShared || len(w.texts) >= maxTexts {
			return badFile("file.too_large")
		}
		w.texts = append(w.texts, text)
	}
}

// sheet returns the named sheet, or the first.
func (w *workbook) sheet(name string) (sheetRef, error) {
	if name == "" {
		return w.sheets[0], nil
	}
	for _, s := range w.sheets {
		if s.name == name {
			return s, nil
		}
	}
	return sheetRef{}, badFile("file.sheet_unknown")
}

// names lists the sheets in the workbook's order.
func (w *workbook) names() []string {
	list := []string{}
	for _, s := range w.sheets {
		list = append(list, s.name)
	}
	return list
}

// field is a cell of a type, a style and a stored value.
func (w *workbook) field(kind, style, value string) field {
	switch kind {
	case "s":
		i, err := strconv.Atoi(value)
		if err != nil || i < 0 || i >= len(w.texts) {
			return field{reason: "value.error"}
		}
		return field{text: w.texts[i]}
	case "b":
		return field{text: strconv.FormatBool(value == "1" || value == "true")}
	case "e":
		return field{reason: "value.error"}
	case "d":
		return field{text: strings.TrimSuffix(value, "T00:00:00")}
	case "str", "inlineStr":
		return field{text: unescape(value)}
	}
	if i, err := strconv.Atoi(style); err == nil && i >= 0 && i < len(w.dates) && w.dates[i] {
		return serialDate(value, w.from1904)
	}
	return numeral(value)
}

// unescape resolves _xHHHH_, the notation for characters XML cannot hold (ECMA-376 part 1, 22.4.2.4).
func unescape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if i+7 <= len(s) && s[i] == '_' && s[i+1] == 'x' && s[i+6] == '_' {
			if c, err := strconv.ParseUint(s[i+2:i+6], 16, 16); err == nil {
				b.WriteRune(rune(c))
				i += 6
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// columnOf reads the column, from 0, of a reference such as "AB12"; -1 when it is none.
func columnOf(ref string) int {
	n := 0
	for i := range len(ref) {
		c := ref[i]
		if c < 'A' || c > 'Z' {
			break
		}
		if n = n*26 + int(c-'A'+1); n > maxSheetColumns {
			return -1
		}
	}
	return n - 1
}

// maxSheetColumns is the widest a sheet may be (ECMA-376).
const maxSheetColumns = 16_384

// rangePlace names the first cell of a merged range.
func rangePlace(ref string) (line int64, column string) {
	first, _, _ := strings.Cut(ref, ":")
	line, err := strconv.ParseInt(strings.TrimLeft(first, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 10, 64)
	if err != nil {
		line = 0
	}
	return line, fmt.Sprintf("#%d", columnOf(first)+1)
}
