package runner

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
)

// fault is an error of the engine, taken apart. words print values: they leave on synthetic data only.
type fault struct {
	class string
	at    int // byte of the statement; -1 unknown
	words string
}

// readFault reads an error of an engine opened with Placed.
func readFault(err error) (fault, bool) {
	if err == nil {
		return fault{}, false
	}
	text := err.Error()
	start := strings.IndexByte(text, '{')
	if start < 0 {
		return fault{}, false
	}
	var told struct {
		Class    string `json:"exception_type"`
		Words    string `json:"exception_message"`
		Position string `json:"position"`
	}
	if json.NewDecoder(strings.NewReader(text[start:])).Decode(&told) != nil || told.Class == "" {
		return fault{}, false
	}
	at, err := strconv.Atoi(told.Position)
	if err != nil {
		at = -1
	}
	return fault{class: told.Class, at: at, words: told.Words}, true
}

// failureClass is all an author learns of the engine's class of error.
func failureClass(engine string) task.FailureClass {
	c, ok := map[string]task.FailureClass{
		"Conversion":     task.FailCast,
		"Mismatch Type":  task.FailCast,
		"Invalid type":   task.FailCast,
		"Out of Range":   task.FailOverflow,
		"Divide by Zero": task.FailDivision,
		"Out of Memory":  task.FailMemory,
		"Parser":         task.FailSyntax,
		"Syntax":         task.FailSyntax,
		"Binder":         task.FailBind,
		"Catalog":        task.FailBind,
		"Invalid Input":  task.FailInput,
		"IO":             task.FailInput,
	}[engine]
	if !ok {
		return task.FailOther
	}
	return c
}
