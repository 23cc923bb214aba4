package runner

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/sluicedata/sluice/catalog/task"
)

// Bounds of what a Python job leaves.
const (
	maxForeignReport = 64 << 10 // bytes of report.json
	maxForeignText   = 400      // bytes of one field
	writtenTable     = "_written"
)

// foreignReport is report.json as the module of the image writes it, or as somebody wrote it in its place.
type foreignReport struct {
	Failure *task.Failure  `json:"failure,omitempty"`
	Syntax  []foreignPlace `json:"syntax,omitempty"`
}

// foreignPlace is a line of the author's that does not parse.
type foreignPlace struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// unfitError says why a run's output is none.
type unfitError struct {
	class    task.FailureClass
	relation string
}

// Error implements error.
func (e *unfitError) Error() string { return "output unfit: " + string(e.class) }

// normalizer takes apart what the runs of a Python job left. It holds nobody's rows: who breaks it finds what the code
// wrote by itself.
type normalizer struct {
	db     *sql.DB
	in     string
	out    string
	letter *task.NormalizeLetter
}

// normalize makes one Parquet file of texts a run and relation. What is wrong with run 00 is the job's failure; what is
// wrong with a half says that the code depends on the other one.
func normalize(ctx context.Context, in, out string, l *task.NormalizeLetter) (*task.NormalizeReport, *task.Failure, error) {
	db, err := openDuck(ctx, duckConfig{Threads: 1, Read: in, Write: out})
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = db.Close() }()
	n := &normalizer{db: db, in: in, out: out, letter: l}
	report := &task.NormalizeReport{Relations: []task.RelationRows{}, Broken: []string{}}
	for run := range l.Runs {
		rows, failure, err := n.run(ctx, run)
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("normalizing run %d: %w", run, err)
		case failure != nil && run == 0:
			return report, failure, nil
		case failure != nil:
			report.Broken = n.names()
			err = n.empty(ctx, run)
		case run == 0:
			report.Relations = rows
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return report, nil, nil
}

func (n *normalizer) names() (names []string) {
	for _, r := range n.letter.Relations {
		names = append(names, r.Name)
	}
	return names
}

// run normalizes one run: nothing but a report and every declared relation may be there.
func (n *normalizer) run(ctx context.Context, run int) ([]task.RelationRows, *task.Failure, error) {
	dir := filepath.Join(n.in, task.RunsDir, fmt.Sprintf("%02d", run))
	var report foreignReport
	err := readJSON(filepath.Join(dir, task.ReportFile), maxForeignReport, &report)
	if errors.Is(err, fs.ErrNotExist) { // its container did not end well
		return nil, &task.Failure{Class: task.FailOther}, nil
	}
	if err == nil && report.Failure != nil {
		return nil, n.failure(*report.Failure), nil
	}
	if err == nil {
		err = n.strangers(dir)
	} else {
		err = &unfitError{class: task.FailOutput}
	}
	var rows []task.RelationRows
	for _, r := range n.letter.Relations {
		if err != nil {
			break
		}
		made := task.RelationRows{Relation: r.Name}
		made.Rows, err = n.relation(ctx, run, dir, r)
		rows = append(rows, made)
	}
	var unfit *unfitError
	if errors.As(err, &unfit) {
		return nil, &task.Failure{Class: unfit.class, Relation: unfit.relation}, nil
	}
	return rows, nil, err
}

// failure keeps of a foreign failure what it may say: a class of the list, and a line there is.
func (n *normalizer) failure(f task.Failure) *task.Failure {
	told := &task.Failure{Class: task.FailOther}
	if f.Class.Known() {
		told.Class = f.Class
	}
	told.File, told.Line = codeLine(n.letter.Files, f.File, f.Line)
	if n.letter.Synthetic && utf8.ValidString(f.Message) {
		told.Message = f.Message
	}
	return told
}

// codeLine keeps a place only where there is such a line.
func codeLine(files []task.CodeFile, file string, line int) (string, int) {
	i := slices.IndexFunc(files, func(c task.CodeFile) bool { return c.Name == file })
	switch {
	case i < 0:
		return "", 0
	case line < 1 || line > files[i].Lines:
		return file, 0
	}
	return file, line
}

// strangers refuses files nobody declared: a serialized object among them by its own name.
func (n *normalizer) strangers(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("listing what a run left: %w", err)
	}
	for _, e := range entries {
		relation, csv := strings.CutSuffix(e.Name(), ".csv")
		switch {
		case e.Name() == task.ReportFile, csv && slices.Contains(n.names(), relation):
		case serialized(filepath.Join(dir, e.Name())):
			return &unfitError{class: task.FailModel}
		default:
			return &unfitError{class: task.FailOutput}
		}
	}
	return nil
}

// serialized knows a pickled object by its file's name or by its first bytes, as pickle and joblib write it, plain or
// compressed.
func serialized(path string) bool {
	for _, suffix := range []string{".pkl", ".pickle", ".joblib", ".p", ".model", ".sav", ".npy", ".npz"} {
		if strings.HasSuffix(path, suffix) || strings.Contains(path, suffix+".") {
			return true
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 2)
	_, err = io.ReadFull(f, head)
	return err == nil && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5 // PROTO and its version
}

// columns are what a relation's file must have: the row's name, the tokens, the labels.
func (n *normalizer) columns(r task.Labelled) []string {
	cols := []string{task.RowColumn}
	for _, t := range n.letter.Tables {
		if t.Input == r.Of {
			for _, u := range t.Units {
				cols = append(cols, u.Kind)
			}
		}
	}
	return append(cols, r.Labels...)
}

// empty writes a run's relations without a row, for a half that came to nothing.
func (n *normalizer) empty(ctx context.Context, run int) error {
	for _, r := range n.letter.Relations {
		if err := n.create(ctx, r); err != nil {
			return err
		}
		if err := n.write(ctx, run, r); err != nil {
			return err
		}
	}
	return nil
}

// relation normalizes one relation of one run and returns its rows.
func (n *normalizer) relation(ctx context.Context, run int, dir string, r task.Labelled) (rows int64, err error) {
	f, err := os.Open(filepath.Join(dir, r.Name+".csv"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, &unfitError{task.FailOutput, r.Name}
	}
	if err != nil {
		return 0, fmt.Errorf("opening a relation: %w", err)
	}
	src := newCSVRows(f, "utf-8")
	defer func() { err = errors.Join(err, src.close()) }()
	if err := n.create(ctx, r); err != nil {
		return 0, err
	}
	conn, err := n.db.Conn(ctx)
	if err != nil {
		return 0, engineError("opening connection", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	err = conn.Raw(func(c any) (err error) {
		rows, err = appendTexts(ctx, c, src, n.columns(r))
		return err
	})
	var bad *badRow
	if errors.As(err, &bad) {
		return 0, &unfitError{task.FailOutput, r.Name}
	}
	if err != nil {
		return 0, err
	}
	return rows, n.write(ctx, run, r)
}

// create makes the table the rows of one relation wait in.
func (n *normalizer) create(ctx context.Context, r task.Labelled) error {
	var defs []string
	for _, c := range n.columns(r) {
		defs = append(defs, quoteIdent(c)+" VARCHAR")
	}
	_, err := n.db.ExecContext(ctx, "CREATE OR REPLACE TABLE "+writtenTable+" ("+strings.Join(defs, ", ")+")")
	return engineError("creating table", err)
}

func (n *normalizer) write(ctx context.Context, run int, r task.Labelled) error {
	path, err := tableFile(n.out, runFile(run, r.Name))
	if err != nil {
		return err
	}
	return copyParquet(ctx, n.db, "SELECT * FROM "+writtenTable+" ORDER BY ALL", path)
}

// appendTexts appends every record under a header of exactly these columns.
func appendTexts(ctx context.Context, c any, src *csvRows, columns []string) (rows int64, err error) {
	if err := header(ctx, src, columns); err != nil {
		return 0, err
	}
	dc, ok := c.(driver.Conn)
	if !ok {
		return 0, errors.New("opening appender: not an engine connection")
	}
	a, err := duckdb.NewAppenderFromConn(dc, "", writtenTable)
	if err != nil {
		return 0, engineError("opening appender", err)
	}
	defer func() { err = errors.Join(err, engineError("closing appender", a.Close())) }()
	row := make([]driver.Value, len(columns))
	for ctx.Err() == nil {
		record, err := src.next(ctx)
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return 0, err
		}
		if err := texts(record, row); err != nil {
			return 0, err
		}
		if err := a.AppendRow(row...); err != nil {
			return 0, engineError("appending", err)
		}
		rows++
	}
	return 0, ctx.Err()
}

// header reads the first record, which must name the columns in their order.
func header(ctx context.Context, src *csvRows, columns []string) error {
	record, err := src.next(ctx)
	if errors.Is(err, io.EOF) {
		return &badRow{reason: "header.missing"}
	}
	if err != nil {
		return err
	}
	if !slices.EqualFunc(record, columns, func(f field, c string) bool { return f.text == c }) {
		return &badRow{line: 1, reason: "column.unknown"}
	}
	return nil
}

// texts takes the fields of a record; an empty one is missing.
func texts(record []field, row []driver.Value) error {
	for i, f := range record {
		if len(f.text) > maxForeignText || !utf8.ValidString(f.text) || strings.ContainsRune(f.text, 0) {
			return &badRow{reason: "text.invalid"}
		}
		row[i] = nil
		if f.text != "" {
			row[i] = strings.Clone(f.text)
		}
	}
	return nil
}
