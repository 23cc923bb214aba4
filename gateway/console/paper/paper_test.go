package paper_test

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/signintech/gopdf"

	"github.com/sluicedata/sluice/gateway/console/paper"
)

func content() paper.Content {
	return paper.Content{
		Title: "数闸 产品出域证书", Check: "用手机扫码，在您自己的浏览器中查验本证书。", Address: "https://sluice.example.org/console/public/products/D-2026-0001#" + strings.Repeat("0f", 32),
		Lines: []paper.Line{{Name: "产品摘要", Text: "sha256:" + strings.Repeat("ab", 32)}, {Name: "签发时间", Text: "2026-03-04 13:06:07 +08:00"}},
	}
}

// TestCertificate makes one page, small enough to be sent by mail.
func TestCertificate(t *testing.T) {
	got, err := paper.Certificate(content())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(got, []byte("%PDF-1.")) || !bytes.Contains(got, []byte("/Count 1")) || len(got) > 200<<10 {
		t.Errorf("%d bytes: %.40q", len(got), got)
	}
	if _, err := paper.Certificate(paper.Content{Address: strings.Repeat("x", 4000)}); err == nil {
		t.Error("an address that no code holds made a paper")
	}
}

// TestFontHoldsTheTexts finds every character of what a paper says in the font; all else on it is ASCII. What is missing
// is cut anew from Noto Sans SC Regular: fonttools' subset with --text-file of these texts and ASCII, --no-hinting
// --layout-features=”.
func TestFontHoldsTheTexts(t *testing.T) {
	font, err := os.ReadFile("NotoSansSC-subset.ttf")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"zh", "en"} {
		texts, err := os.ReadFile("../texts/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		said := onPaper(string(texts))
		if len(said) < 100 {
			t.Fatalf("%s has %q for papers", name, said)
		}
		if missing := absent(t, font, said); missing != "" {
			t.Errorf("the font has no %q of %s", missing, name)
		}
	}
	if absent(t, font, "\u9f98") == "" { // a dragon twice over, which no text needs
		t.Error("the font holds what it was not cut for: the test finds nothing")
	}
}

// onPaper are the texts of the keys that papers say.
func onPaper(texts string) string {
	keys := regexp.MustCompile(`(?m)^(certificate\..*|release|release\.output|release\.digest|job|job\.code|log\.revision): .*$`)
	return strings.Join(keys.FindAllString(texts, -1), "\n")
}

// absent returns the characters of a text that a font does not have.
func absent(t *testing.T, font []byte, text string) string {
	t.Helper()
	p := &gopdf.GoPdf{}
	p.Start(gopdf.Config{PageSize: *gopdf.PageSizeA4})
	var missing strings.Builder
	err := p.AddTTFFontDataWithOption("noto", font, gopdf.TtfOption{OnGlyphNotFound: func(r rune) { missing.WriteRune(r) }})
	if err == nil {
		err = p.SetFont("noto", "", 9)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.AddPage()
	for _, r := range text {
		if r != '\n' {
			if err := p.Text(string(r)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return missing.String()
}

// TestCode draws what a phone finds a code by: the frame in its corner, dark and light as 1:1:3:1:1 (ISO/IEC 18004 6.3.3).
func TestCode(t *testing.T) {
	drawn, err := paper.Code(content().Address, 512)
	if err != nil {
		t.Fatal(err)
	}
	if got := drawn.Bounds(); got != image.Rect(0, 0, 512, 512) {
		t.Fatalf("got %v", got)
	}
	dark := func(x, y int) bool { r, _, _, _ := drawn.At(x, y).RGBA(); return r < 0x8000 }
	first, module := 0, 0
	for !dark(first, first) {
		first++
	}
	for dark(first+module, first+module) {
		module++
	}
	at, middle := first, first+3*module+module/2
	for i, want := range []int{1, 1, 3, 1, 1} {
		run := 0
		for dark(at, middle) == (i%2 == 0) {
			at, run = at+1, run+1
		}
		if run != want*module {
			t.Errorf("run %d is of %d pixels, a module is of %d", i, run, module)
		}
	}
}

// TestOutline draws the same frame as a path: seven dark modules in the corner, one light beside them, the quiet zone
// around.
func TestOutline(t *testing.T) {
	path, size, err := paper.Outline("otpauth://totp/Sluice:zhang@ORG-0002?secret=AAAA")
	if err != nil {
		t.Fatal(err)
	}
	dark := func(x, y int) bool { return strings.Contains(path, fmt.Sprintf("M%d %dh1v1h-1z", x, y)) }
	for x := range 12 {
		if dark(x, 4) != (x >= 4 && x < 11) || dark(x, 3) || dark(size-1-x, 0) {
			t.Errorf("column %d is not as it must be", x)
		}
	}
	if modules := size - 8; modules < 21 || (modules-21)%4 != 0 {
		t.Errorf("%d modules are no code", modules)
	}
}
