package runner

import (
	"context"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
)

// leastFigures is how many figures must equal an input row before a published row counts as a copy of it.
const leastFigures = 3

// copied counts the published rows that show one input row.
//
// A table's figures are formed from at least ten units each, so a figure of one or two digits equals some input
// row's value by chance nearly always; that says nothing. A published row counts as a copy when at least three
// of its figures stand for different columns of one input (sum or mean of a granted column or of its aggregate),
// one staged row carries exactly these texts in these columns and the row's labels in the columns of the same
// names, and at most Near units carry them: a row many hold singles nobody out.
func (s *screening) copied(ctx context.Context, o *screened) (int, error) {
	rows := map[int]bool{}
	for _, input := range o.rel.plan.Inputs {
		t := s.tables[input]
		if t == nil {
			continue
		}
		labels, figures := o.project(t)
		if len(figures) < leastFigures {
			continue
		}
		if err := s.copiedFrom(ctx, o, t, labels, figures, rows); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

// projected pairs a column of a published row with a column of an input.
type projected struct {
	at     int // place among the labels, or among the figures
	column string
}

// project finds the labels and figures of an output that stand for columns of an input, each column once.
func (o *screened) project(t *task.TableSpec) (labels, figures []projected) {
	seen, has := map[string]bool{}, map[string]bool{}
	for _, c := range t.Columns {
		has[c.Name] = true
	}
	for i, d := range o.grid.table.By {
		if has[d.Column] {
			labels = append(labels, projected{i, d.Column})
			seen[d.Column] = true
		}
	}
	for i, m := range o.grid.table.Measures {
		if m.Stat != task.StatSum && m.Stat != task.StatMean {
			continue
		}
		for _, c := range o.rel.plan.Columns {
			input, column, _ := strings.Cut(c.Source, ".")
			if c.Name == m.Of && input == t.Input && has[column] && !seen[column] {
				figures = append(figures, projected{i, column})
				seen[column] = true
			}
		}
	}
	return labels, figures
}

// copiedFrom adds the published rows that copy a row of one input.
func (s *screening) copiedFrom(ctx context.Context, o *screened, t *task.TableSpec, labels, figures []projected,
	rows map[int]bool) error {
	rare, err := s.rare(ctx, t, append(labels[:len(labels):len(labels)], figures...))
	if err != nil {
		return err
	}
	for i := range o.table.cells {
		var row []string
		for _, p := range labels {
			row = append(row, o.table.labels[i][p.at])
		}
		for _, p := range figures {
			row = append(row, o.table.cells[i][p.at])
		}
		if rare[strings.Join(row, "\x00")] {
			rows[i] = true
		}
	}
	return nil
}

// rare is the set of an input's rows, in some columns, that at most Near units hold.
func (s *screening) rare(ctx context.Context, t *task.TableSpec, columns []projected) (map[string]bool, error) {
	path, err := tableFile(s.in, t.Input)
	if err != nil {
		return nil, err
	}
	cols, err := fileColumns(ctx, s.db, path)
	if err != nil {
		return nil, err
	}
	kinds := map[string]fileColumn{}
	for _, c := range cols {
		kinds[c.name] = c
	}
	var exprs []string
	for _, p := range columns {
		exprs = append(exprs, "coalesce("+textExpr(kinds[p.column])+", '')")
	}
	held := "count(*)"
	if len(t.Units) > 0 {
		held = "count(DISTINCT " + quoteIdent(t.Units[0].Kind) + ")"
	}
	list, err := textRows(ctx, s.db, len(exprs), "SELECT "+strings.Join(exprs, ", ")+
		" FROM read_parquet(?) GROUP BY ALL HAVING "+held+" <= ?", path, s.letter.Near)
	if err != nil {
		return nil, err
	}
	set := map[string]bool{}
	for _, row := range list {
		set[strings.Join(row, "\x00")] = true
	}
	return set, nil
}
