package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/sluicedata/sluice/catalog/task"
)

// keyBytes is the length of every key in a letter.
const keyBytes = 32

// checkScope refuses a scope that no staged table can show: a dropped column, two columns of one name, a mask
// that does not fit its column. What is not understood is refused.
func checkScope(s task.Scope) error {
	if err := fileName(s.Input); err != nil {
		return err
	}
	if len(s.Columns)+len(s.Units) > maxColumns || s.Input+".parquet" == unitsFile {
		return errors.New("checking scope: too many columns, or a reserved input name")
	}
	seen := map[string]bool{ordinalColumn: true}
	for _, u := range s.Units {
		if u.Kind == "" || u.Column == "" || seen[u.Kind] {
			return errors.New("checking scope: a unit kind is empty or there twice")
		}
		seen[u.Kind] = true
	}
	for _, c := range s.Columns {
		if c.Name == "" || seen[c.Name] {
			return errors.New("checking scope: a column's name is empty, reserved or there twice")
		}
		seen[c.Name] = true
		if _, err := maskExpr(c); err != nil {
			return err
		}
		if _, err := sqlType(c.Type); err != nil {
			return err
		}
	}
	return nil
}

// maskExpr is the SQL expression that shows a column under its mask.
func maskExpr(c task.Column) (string, error) {
	q := quoteIdent(c.Name)
	switch {
	case c.Mask == task.MaskNone:
		return q, nil
	case c.Mask == task.MaskSurname && c.Type == task.Text:
		return "substr(" + q + ", 1, 1) || repeat('*', length(" + q + ") - 1)", nil
	case c.Mask == task.MaskPhone && c.Type == task.Text:
		return "CASE WHEN length(" + q + ") >= 11 THEN substr(" + q + ", 1, 3) || '****' || right(" + q +
			", 4) WHEN " + q + " IS NOT NULL THEN '****' END", nil
	case c.Mask == task.MaskDrop:
		return "", errors.New("checking scope: a dropped column is never shown")
	}
	return "", errors.New("checking scope: a mask that does not fit its column")
}

// parameterList is the engine's parameter for a list of texts: one JSON array, so that an empty list stays a
// list and no text can break out of it.
func parameterList(texts []string) (string, error) {
	if texts == nil {
		texts = []string{}
	}
	b, err := json.Marshal(texts)
	if err != nil {
		return "", fmt.Errorf("encoding a list: %w", err)
	}
	return string(b), nil
}

// localPath joins a relative path below a directory and refuses one that leaves it.
func localPath(dir, path string) (string, error) {
	if !filepath.IsLocal(path) {
		return "", errors.New("opening a part: its path leaves the input directory")
	}
	return filepath.Join(dir, path), nil
}
