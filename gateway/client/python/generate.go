// Command python makes the Python client from the API's description: one file that needs Python 3.9 and its standard
// library. `go generate ./gateway/...` runs it; a test holds the file to the description.
//
// sluice.py.tmpl is what every client of ours does (tokens, retries, pages, events), model.go what is particular to
// this API, types.go how values are called in Python.
package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"text/template"

	"github.com/sluicedata/sluice/gateway/description"
)

//go:generate go run .

// runtime is the file without what the description gives.
//
//go:embed sluice.py.tmpl
var runtime string

func main() {
	if err := generate("../../openapi.json", "sluice.py"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// generate writes the client of a description file.
func generate(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("reading description: %w", err)
	}
	client, err := render(text)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, client, 0o644); err != nil { //nolint:gosec // the path is this program's own
		return fmt.Errorf("writing client: %w", err)
	}
	return nil
}

// render makes the client of a description. Equal descriptions give equal bytes.
func render(text []byte) ([]byte, error) {
	d, err := description.Read(text)
	if err != nil {
		return nil, err
	}
	m, err := modelOf(d)
	if err != nil {
		return nil, err
	}
	page, err := template.New("client").Funcs(template.FuncMap{"doc": doc, "remark": remark}).Parse(runtime)
	if err != nil {
		return nil, fmt.Errorf("reading template: %w", err)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, m); err != nil {
		return nil, fmt.Errorf("writing client: %w", err)
	}
	return out.Bytes(), nil
}
