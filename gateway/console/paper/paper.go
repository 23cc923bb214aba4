// Package paper makes what people print: a release's certificate as PDF, with a code that leads whoever holds the
// paper to its public check. It is pure: the same content makes the same page but for the time in the file.
//
// Its font is Noto Sans SC (SIL Open Font License 1.1, NotoSansSC-LICENSE), cut down to the characters that the
// console's texts use: a test finds the missing ones and says how it is cut.
package paper

import (
	_ "embed"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
	"github.com/signintech/gopdf"
)

//go:embed NotoSansSC-subset.ttf
var font []byte

// Line is one line of a certificate: what it is called, and what it says. Text breaks where the column ends.
type Line struct{ Name, Text string }

// Content is what a certificate says.
type Content struct {
	Title   string
	Lines   []Line
	Check   string // the sentence beside the code
	Address string // of the public check, with the certificate's digest: what the code holds
}

// Measures of the page, in points. A4 upright.
const (
	margin   = 56
	column   = 96 // width of the names
	leading  = 15
	textSize = 9.5
	codeSize = 128
	family   = "noto"
)

// Certificate makes the PDF of a certificate.
func Certificate(c Content) ([]byte, error) {
	p := &gopdf.GoPdf{}
	p.Start(gopdf.Config{PageSize: *gopdf.PageSizeA4})
	p.SetInfo(gopdf.PdfInfo{Title: c.Title, Producer: "Sluice"})
	p.AddPage()
	if err := p.AddTTFFontData(family, font); err != nil {
		return nil, fmt.Errorf("reading the font: %w", err)
	}
	sheet := sheet{p, margin}
	steps := []func() error{
		func() error { return sheet.write(margin, 18, leading*2, c.Title) },
		func() error { return sheet.lines(c.Lines) },
		func() error { return sheet.code(c.Address, c.Check) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, fmt.Errorf("writing a certificate: %w", err)
		}
	}
	body, err := p.GetBytesPdfReturnErr()
	if err != nil {
		return nil, fmt.Errorf("encoding a certificate: %w", err)
	}
	return body, nil
}

// sheet is a page being written from the top down.
type sheet struct {
	pdf *gopdf.GoPdf
	y   float64
}

// write writes text from x to the right margin and goes on below it.
func (s *sheet) write(x, size, lead float64, text string) error {
	if err := s.pdf.SetFont(family, "", size); err != nil {
		return fmt.Errorf("setting the font: %w", err)
	}
	parts, err := s.pdf.SplitText(text, gopdf.PageSizeA4.W-margin-x)
	if err != nil {
		return fmt.Errorf("breaking a line: %w", err)
	}
	for _, part := range parts {
		s.pdf.SetXY(x, s.y)
		if err := s.pdf.Cell(nil, part); err != nil {
			return fmt.Errorf("writing a line: %w", err)
		}
		s.y += lead
	}
	return nil
}

func (s *sheet) lines(all []Line) error {
	for _, l := range all {
		top := s.y
		if err := s.write(margin, textSize, 0, l.Name); err != nil {
			return err
		}
		s.y = top
		if err := s.write(margin+column, textSize, leading, l.Text); err != nil {
			return err
		}
	}
	return nil
}

// code draws the code that leads to an address, with a sentence and the address itself beside it.
func (s *sheet) code(address, sentence string) error {
	drawn, err := Code(address, codeSize*4) // fine enough for a printer
	if err != nil {
		return err
	}
	s.y += leading
	top := s.y
	if err := s.pdf.ImageFrom(drawn, margin, top, &gopdf.Rect{W: codeSize, H: codeSize}); err != nil {
		return fmt.Errorf("drawing the code: %w", err)
	}
	s.y += leading
	if err := s.write(margin+codeSize+leading, textSize, leading, sentence); err != nil {
		return err
	}
	return s.write(margin+codeSize+leading, textSize-1, leading, address)
}

// Outline is a text as a QR code (ISO/IEC 18004) for a page: the d of a path over a square of size modules, its quiet
// zone of four included.
func Outline(text string) (d string, size int, err error) {
	made, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", 0, fmt.Errorf("encoding the code: %w", err)
	}
	const quiet = 4
	var path strings.Builder
	b := made.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if made.At(x, y) == color.Black {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x-b.Min.X+quiet, y-b.Min.Y+quiet)
			}
		}
	}
	return path.String(), b.Dx() + 2*quiet, nil
}

// Code draws a text as a QR code (ISO/IEC 18004) of a size in pixels, which survives a quarter of it being damaged.
func Code(text string, size int) (image.Image, error) {
	made, err := qr.Encode(text, qr.Q, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("encoding the code: %w", err)
	}
	scaled, err := barcode.Scale(made, size, size)
	if err != nil {
		return nil, fmt.Errorf("scaling the code: %w", err)
	}
	flat := image.NewGray(scaled.Bounds()) // PDF knows no 16 bits of grey
	draw.Draw(flat, flat.Bounds(), scaled, image.Point{}, draw.Src)
	return flat, nil
}
