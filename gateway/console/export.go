package console

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/gateway/render"
)

// maxExport is how many rows of a list a workbook takes: whoever wants more narrows the list.
const maxExport = 10_000

// footing is what stands under a list: the part that follows, other sizes of a part, and the whole as a workbook.
type footing struct {
	Next   string // address of the part that follows; "" when none does
	Sizes  []sized
	Export string
}

// sized is one size a part of a list may have; Path is "" of the one it has.
type sized struct {
	Rows int
	Path string
}

func (f footing) following() string { return f.Next }

// pageSize is how many rows a page of a list has where nobody asks for more.
const pageSize = 20

// sizes are how many rows a part of a list may be asked to have. With more, the longest rows would cost a page more than
// it may.
func sizes() []int { return []int{pageSize, 50} }

// rows is how many rows a part has: as many as a workbook is put together of, or as the address asks for.
func (k call) rows() (int, error) {
	asked := k.r.URL.Query().Get("size")
	if k.size > 0 || asked == "" {
		return max(k.size, pageSize), nil
	}
	n, err := strconv.Atoi(asked)
	if err != nil || !slices.Contains(sizes(), n) {
		return 0, fault.Bad("request.invalid", fault.Place{Location: "query.size", Code: "size.not_offered"})
	}
	return n, nil
}

// footOf makes what stands under a part of a list of some rows. older is the query of the part that follows; nil when none does.
func footOf(k call, rows int, older url.Values) footing {
	at, asked := k.r.URL.Path, k.r.URL.Query()
	for name := range asked {
		if asked.Get(name) == "" || name == "after" || name == "before" {
			asked.Del(name)
		}
	}
	f := footing{}
	if older != nil {
		if rows != pageSize {
			older.Set("size", strconv.Itoa(rows))
		}
		f.Next = at + "?" + older.Encode()
	}
	for _, n := range sizes() {
		s := sized{Rows: n}
		if n != rows {
			asked.Set("size", strconv.Itoa(n))
			s.Path = at + "?" + asked.Encode()
		}
		f.Sizes = append(f.Sizes, s)
	}
	asked.Del("size")
	if f.Export = at + exportSuffix; len(asked) > 0 {
		f.Export += "?" + asked.Encode()
	}
	return f
}

// exportSuffix makes the address of a list that of its workbook.
const exportSuffix = ".xlsx"

// exports are the lists as workbooks.
func exports() (all []download) {
	for _, p := range pages() {
		if slices.Contains([]string{"datasets", "registrations", "agreements", "grants", "jobs", "releases", "trace"}, p.name) {
			all = append(all, download{p.path + exportSuffix, p.export})
		}
	}
	return all
}

// export makes the workbook of a list: the rows of all its parts that the filters of the address leave, as the page shows them.
func (p page) export(k call) (file, error) {
	if err := once(k.r.URL.Query(), "query"); err != nil {
		return file{}, err
	}
	k.path, k.size = Prefix+p.path, catalog.MaxPage
	var head []any
	var rows [][]any
	for {
		a, err := p.load(k)
		if err != nil {
			return file{}, err
		}
		text, err := k.look.render(p.name, "content", frame{Body: a.Body})
		if err != nil {
			return file{}, err
		}
		part, err := gridOf(text)
		if err != nil {
			return file{}, fmt.Errorf("reading the list of %s: %w", p.name, err)
		}
		if len(part) > 0 {
			head, rows = part[0], append(rows, part[1:]...)
		}
		if len(rows) > maxExport {
			return file{}, fault.Bad("request.invalid", fault.Place{Location: "query", Code: "export.too_long"})
		}
		list, ok := a.Body.(interface{ following() string })
		if !ok {
			return file{}, fmt.Errorf("the page %s is no list", p.name)
		}
		if list.following() == "" {
			break
		}
		if k.r, err = at(k.r, list.following()); err != nil {
			return file{}, err
		}
	}
	body, err := render.Sheet(p.name, head, rows)
	return file{kind: release.XLSX.MediaType(), name: p.name + exportSuffix, body: body}, err
}

// at is a request with the query of another address.
func at(r *http.Request, address string) (*http.Request, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("reading an address of ours: %w", err)
	}
	again := r.Clone(r.Context())
	again.URL.RawQuery = u.RawQuery
	return again, nil
}

// gridOf reads the rows of a page's table, its header first, without the column of acts. Numbers are numbers.
func gridOf(page string) (rows [][]any, err error) {
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var c field
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "tr":
				rows = append(rows, nil)
			case "th", "td":
				c = field{open: true, class: classOf(t)}
			}
		case xml.CharData:
			c.text = append(c.text, strings.Fields(string(t))...)
		case xml.EndElement:
			if (t.Name.Local == "th" || t.Name.Local == "td") && c.open && c.class != "act" {
				rows[len(rows)-1] = append(rows[len(rows)-1], c.value())
			}
			if t.Name.Local == "th" || t.Name.Local == "td" {
				c = field{}
			}
		}
	}
}

// field is one cell of a table while it is read.
type field struct {
	open  bool
	class string
	text  []string
}

// value is what a workbook holds of a cell: a number, a text, or nothing.
func (c field) value() any {
	text := strings.Join(c.text, " ")
	if text == "—" {
		return nil
	}
	if c.class == "n" {
		if n, err := strconv.ParseInt(strings.ReplaceAll(text, ",", ""), 10, 64); err == nil {
			return n
		}
	}
	return text
}

func classOf(e xml.StartElement) string {
	for _, a := range e.Attr {
		if a.Name.Local == "class" {
			return a.Value
		}
	}
	return ""
}
