package runner

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// A membership file, version 1. Integers are big-endian.
//
//	"SLUICEMB" ‖ version u16 ‖ header length u32 ‖ header (JSON, memberHeader)
//	then a record a cell:
//	  1 u8 ‖ kind ‖ for every dimension: 0 u8 (summed over) or 1 u8 ‖ label ‖
//	  units u32 ‖ for every unit, ascending: name 16 bytes ‖ rows u32 ‖ a digest u64 a contribution
//	then 0 u8 ‖ cells u64 ‖ SHA-256 of everything before it.
//
// A text is its length u32 and its bytes. Cells without units are left out. Readers refuse a version they do
// not know; a later version may only be written once every reader in use knows it.
const (
	memberMagic   = "SLUICEMB"
	memberVersion = 1
	maxMemberText = 1 << 20
	maxUnits      = 1 << 30
)

var errMemberFile = errors.New("not a membership file of a known version, or damaged")

// memberHeader is the header of a membership file.
type memberHeader struct {
	Table         string   `json:"table"`
	Dimensions    []string `json:"dimensions"`
	Contributions []string `json:"contributions"`
	RowsCompare   bool     `json:"rows_comparable"`
}

// write writes the table as a file.
func (t *memberTable) write(path string) error {
	var b bytes.Buffer
	h := sha256.New()
	if err := t.encode(io.MultiWriter(&b, h)); err != nil {
		return err
	}
	b.Write(h.Sum(nil))
	return writeFile(path, b.Bytes())
}

// encode writes everything but the digest.
func (t *memberTable) encode(w io.Writer) error {
	header, err := json.Marshal(memberHeader{t.name, t.dimensions, t.contributions, t.rowsComparable})
	if err != nil {
		return fmt.Errorf("encoding memberships: %w", err)
	}
	e := memberEncoder{w: w}
	e.bytes([]byte(memberMagic))
	e.number(uint16(memberVersion))
	e.text(string(header))
	for i := range t.cells {
		e.cell(&t.cells[i], len(t.contributions))
	}
	e.number(uint8(0))
	e.number(uint64(len(t.cells)))
	return e.err
}

// memberEncoder writes until the first error.
type memberEncoder struct {
	w   io.Writer
	err error
}

func (e *memberEncoder) bytes(b []byte) {
	if e.err == nil {
		_, e.err = e.w.Write(b)
	}
}

func (e *memberEncoder) number(n any) {
	if e.err == nil {
		e.err = binary.Write(e.w, binary.BigEndian, n)
	}
}

func (e *memberEncoder) text(s string) {
	if len(s) > maxMemberText {
		e.err = errors.Join(e.err, errors.New("encoding memberships: a text is too long"))
	}
	e.number(uint32(len(s)))
	e.bytes([]byte(s))
}

func (e *memberEncoder) cell(c *memberCell, contributions int) {
	e.number(uint8(1))
	e.text(c.kind)
	for d, label := range c.key {
		if !c.keeps.keeps(d) {
			e.number(uint8(0))
			continue
		}
		e.number(uint8(1))
		e.text(label)
	}
	e.number(uint32(len(c.units)))
	record := make([]byte, 0, 20+8*contributions)
	for i, u := range c.units {
		record = append(record[:0], u[:]...)
		record = binary.BigEndian.AppendUint32(record, c.rows[i])
		for _, d := range c.digests[i*contributions : (i+1)*contributions] {
			record = binary.BigEndian.AppendUint64(record, d)
		}
		e.bytes(record)
	}
}

// readMembers reads a membership file and checks its digest.
func readMembers(path string) (*memberTable, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening memberships: %w", err)
	}
	defer f.Close()
	d := memberDecoder{r: bufio.NewReader(f), sum: sha256.New()}
	t, err := d.table()
	if err != nil {
		return nil, fmt.Errorf("reading memberships %s: %w", filepath.Base(path), err)
	}
	return t, nil
}

// memberDecoder reads until the first error.
type memberDecoder struct {
	r   *bufio.Reader
	sum hash.Hash
	err error
}

// take reads n bytes; nil after an error.
func (d *memberDecoder) take(n int) []byte {
	if d.err != nil {
		return nil
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(d.r, b); err != nil {
		d.err = errMemberFile
		return nil
	}
	// A hash never fails to write.
	_, _ = d.sum.Write(b)
	return b
}

func (d *memberDecoder) flag() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *memberDecoder) size(limit uint32) int {
	b := d.take(4)
	if b == nil {
		return 0
	}
	n := binary.BigEndian.Uint32(b)
	if n > limit {
		d.err = errMemberFile
		return 0
	}
	return int(n)
}

func (d *memberDecoder) text() string { return string(d.take(d.size(maxMemberText))) }

// table reads a whole file.
func (d *memberDecoder) table() (*memberTable, error) {
	if string(d.take(len(memberMagic))) != memberMagic {
		return nil, errMemberFile
	}
	if v := d.take(2); v == nil || binary.BigEndian.Uint16(v) != memberVersion {
		return nil, errMemberFile
	}
	var h memberHeader
	if err := json.Unmarshal([]byte(d.text()), &h); err != nil || len(h.Dimensions) > maxDimensions {
		return nil, errMemberFile
	}
	t := &memberTable{name: h.Table, dimensions: h.Dimensions, contributions: h.Contributions,
		rowsComparable: h.RowsCompare}
	for d.flag() == 1 && d.err == nil {
		t.cells = append(t.cells, d.cell(t))
	}
	return t, d.finish(len(t.cells))
}

// finish checks the number of cells and the digest.
func (d *memberDecoder) finish(cells int) error {
	n := d.take(8)
	want := d.sum.Sum(nil)
	got := d.take(sha256.Size)
	if d.err != nil || binary.BigEndian.Uint64(n) != uint64(cells) || !bytes.Equal(want, got) {
		return errMemberFile
	}
	return nil
}

// cell reads one cell. A unit out of order would hide from comparison; it is refused.
func (d *memberDecoder) cell(t *memberTable) memberCell {
	c := memberCell{kind: d.text()}
	for i := range t.dimensions {
		if d.flag() == 0 {
			c.key = append(c.key, "*")
			continue
		}
		c.keeps |= 1 << i
		c.key = append(c.key, d.text())
	}
	width := 20 + 8*len(t.contributions)
	for n := d.size(maxUnits); n > 0 && d.err == nil; n-- {
		b := d.take(width)
		if b == nil {
			break
		}
		u := duckdb.UUID(b[:16])
		if k := len(c.units); k > 0 && bytes.Compare(c.units[k-1][:], u[:]) >= 0 {
			d.err = errMemberFile
		}
		c.units = append(c.units, u)
		c.rows = append(c.rows, binary.BigEndian.Uint32(b[16:]))
		for at := 20; at < width; at += 8 {
			c.digests = append(c.digests, binary.BigEndian.Uint64(b[at:]))
		}
	}
	return c
}
