package runner

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/sluicedata/sluice/catalog/task"
)

// defaultMemoryMB is the engine's memory where a letter gives none; past it the engine spills to task.Scratch.
const defaultMemoryMB = 512

// duckConfig bounds one in-memory engine.
type duckConfig struct {
	MemoryMB int    // 0: defaultMemoryMB
	Threads  int    // 0: one a processor this process may use
	Read     string // the only directory it may read
	Write    string // the only further directory it may write; "" for none
	Placed   bool   // errors come as JSON with their place in the statement, for readFault
}

// openDuck opens an in-memory engine that reaches nothing but c.Read and c.Write, loads no extension, and can
// no longer be configured. The caller closes it.
func openDuck(ctx context.Context, c duckConfig) (*sql.DB, error) {
	conn, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, engineError("opening engine", err)
	}
	db := sql.OpenDB(conn)
	settings, err := c.settings()
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	for _, s := range settings {
		if _, err := db.ExecContext(ctx, "SET GLOBAL "+s[0]+" = "+s[1]); err != nil {
			return nil, errors.Join(engineError("setting "+s[0], err), db.Close())
		}
	}
	return db, nil
}

// settings lists the engine's settings; the last two close the door, in this order.
func (c duckConfig) settings() ([][2]string, error) {
	threads, memory := c.Threads, c.MemoryMB
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	if memory <= 0 {
		memory = defaultMemoryMB
	}
	dirs := []string{quoteLiteral(c.Read)}
	if c.Write != "" {
		dirs = append(dirs, quoteLiteral(c.Write))
	}
	temp, err := spillDirectory()
	if err != nil {
		return nil, err
	}
	return [][2]string{
		{"threads", strconv.Itoa(threads)},
		{"memory_limit", quoteLiteral(strconv.Itoa(memory) + "MiB")},
		{"temp_directory", quoteLiteral(temp)},
		{"autoinstall_known_extensions", "false"},
		{"autoload_known_extensions", "false"},
		{"allow_community_extensions", "false"},
		{"errors_as_json", strconv.FormatBool(c.Placed)},
		{"TimeZone", "'UTC'"},
		{"allowed_directories", "[" + strings.Join(dirs, ", ") + "]"},
		{"enable_external_access", "false"},
		{"lock_configuration", "true"},
	}, nil
}

// spillDirectory names a fresh directory the engine makes when it spills and removes when it closes; two
// engines in one scratch directory would write over each other. It is "" without a scratch directory.
func spillDirectory() (string, error) {
	if info, err := os.Stat(task.Scratch); err != nil || !info.IsDir() {
		return "", nil
	}
	b := make([]byte, 8)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("naming spill directory: %w", err)
	}
	return filepath.Join(task.Scratch, "duck-"+hex.EncodeToString(b)), nil
}

// quoteIdent quotes a name for SQL text.
func quoteIdent(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// quoteLiteral quotes a string for SQL text. It is for SET and COPY … TO, which take no parameters, and for
// paths and columns of our own only: values go as parameters.
func quoteLiteral(s string) string {
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// engineError says what was being done and the engine's class of error. The engine's own words stay behind:
// they print values.
func engineError(doing string, err error) error {
	var e *duckdb.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return fmt.Errorf("%s: engine error of type %d", doing, e.Type)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", doing, err)
	default:
		return fmt.Errorf("%s: engine error", doing)
	}
}
