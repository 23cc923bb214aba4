package runner

import (
	"archive/zip"
	"compress/flate"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// xmlRows reads XML as a stream in which no record is longer than maxRecord: neither a text without an end nor a
// tag with a million attributes draws more into memory.
type xmlRows struct {
	src *bounded
	xml *xml.Decoder
}

func newXMLRows(r io.Reader) *xmlRows {
	src := &bounded{r: r}
	return &xmlRows{src: src, xml: xml.NewDecoder(src)}
}

// token returns the next token; io.EOF only where the document ends.
func (x *xmlRows) token() (xml.Token, error) {
	t, err := x.xml.Token()
	var bad *badRow
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return t, err
	case errors.As(err, &bad):
		return nil, bad
	case errors.Is(err, errRecordTooLong):
		return nil, &badRow{reason: "row.too_long", last: true}
	}
	return nil, badFile("file.xlsx")
}

// mark lets another record be read.
func (x *xmlRows) mark() { x.src.mark = x.xml.InputOffset() + maxRecord + xmlAhead }

// find moves to the next start of one of some elements.
func (x *xmlRows) find(names ...string) (xml.StartElement, error) {
	for {
		x.mark()
		t, err := x.token()
		if err != nil {
			return xml.StartElement{}, err
		}
		if start, ok := t.(xml.StartElement); ok {
			for _, name := range names {
				if start.Name.Local == name {
					return start, nil
				}
			}
		}
	}
}

// text gathers the <t> of an element up to its end, the runs of rich text joined, phonetic readings left out.
func (x *xmlRows) text(start xml.StartElement) (string, error) {
	var b strings.Builder
	inside, phonetic := false, 0
	for depth := 1; depth > 0; {
		t, err := x.token()
		if err != nil {
			return "", cutOff(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			depth++
			inside = t.Name.Local == "t"
			if t.Name.Local == "rPh" {
				phonetic++
			}
		case xml.EndElement:
			depth--
			inside = false
			if t.Name.Local == "rPh" {
				phonetic--
			}
		case xml.CharData:
			if inside && phonetic == 0 {
				b.Write(t)
			}
		}
	}
	if start.Name.Local == "si" {
		return unescape(b.String()), nil
	}
	return b.String(), nil
}

// cutOff is an end where there must not be one.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return badFile("file.xlsx")
	}
	return err
}

// attr is the value of an attribute without a name space.
func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// inflate unpacks an archive's file from its raw bytes, so that both sides can be counted. The two methods are
// all that the format allows.
func inflate(f *zip.File, raw io.Reader) (io.ReadCloser, error) {
	switch f.Method {
	case zip.Deflate:
		return flate.NewReader(raw), nil
	case zip.Store:
		return io.NopCloser(raw), nil
	}
	return nil, badFile("file.xlsx")
}
