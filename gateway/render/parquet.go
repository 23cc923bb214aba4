package render

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// ordered is a group whose fields keep the declared order; parquet.Group sorts them by name.
type ordered struct {
	parquet.Group
	columns []column
}

// Fields lists the fields in declared order.
func (o ordered) Fields() []parquet.Field {
	byName := map[string]parquet.Field{}
	for _, f := range o.Group.Fields() {
		byName[f.Name()] = f
	}
	var list []parquet.Field
	for _, c := range o.columns {
		list = append(list, byName[c.name])
	}
	return list
}

// node is the type of a column. A figure is absent where it may not be shown.
func (c column) node() parquet.Node {
	switch c.kind {
	case label:
		return parquet.String()
	case whole:
		return parquet.Optional(parquet.Int(64))
	case figure:
	}
	return parquet.Optional(parquet.Leaf(parquet.DoubleType))
}

// parquetFile writes one row group.
func parquetFile(t table) ([]byte, error) {
	group := parquet.Group{}
	for _, c := range t.columns {
		group[c.name] = c.node()
	}
	if len(group) != len(t.columns) {
		return nil, fmt.Errorf("two columns have one name")
	}
	var b bytes.Buffer
	w := parquet.NewWriter(&b, parquet.NewSchema(t.name, ordered{group, t.columns}),
		// The writer would name its own version and build here, and the bytes would change with it.
		parquet.CreatedBy("sluice", "1", "0"), parquet.Compression(&parquet.Zstd))
	err := t.each(func(row []string) error {
		values, err := t.values(row)
		if err == nil {
			_, err = w.WriteRows([]parquet.Row{values})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("writing file: %w", err)
	}
	return b.Bytes(), nil
}

// values are the typed values of a row.
func (t table) values(row []string) (parquet.Row, error) {
	var list parquet.Row
	for c, text := range row {
		var v parquet.Value
		defined := 1 // of an optional column
		switch k := t.columns[c].kind; {
		case k == label:
			v, defined = parquet.ByteArrayValue([]byte(text)), 0
		case text == "":
			v, defined = parquet.NullValue(), 0
		case k == whole:
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("column %d: not a whole number", c+1)
			}
			v = parquet.Int64Value(n)
		default:
			x, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return nil, fmt.Errorf("column %d: not a number", c+1)
			}
			v = parquet.DoubleValue(x)
		}
		list = append(list, v.Level(0, defined, c))
	}
	return list, nil
}
