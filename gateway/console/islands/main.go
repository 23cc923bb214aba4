// Command islands bundles the two programs that the console's pages load where plain pages do not do: the editor of a
// job's draft, and the charts. `make islands` runs it; what it writes is committed, so that building the product needs
// neither npm nor Node.
//
// It installs exactly the packages of package-lock.json without running any of their scripts, bundles editor/ and chart/
// with esbuild into ../static, collects the licences of what went in, and lists the digests of sources and results in
// SHA256SUMS. A test of the console compares those: a source that was changed and not bundled is found without Node.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

// static is where the console's files lie; licences is the one that holds those of the packages.
const (
	static   = "../static"
	licences = "islands-LICENSES.txt"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "islands:", err)
		os.Exit(1)
	}
}

// run makes everything anew in the folder it is started in, that of this file.
func run(ctx context.Context) error {
	modules, err := install(ctx)
	if err != nil {
		return err
	}
	for _, island := range []string{"editor", "chart"} {
		if err := bundle(island, modules); err != nil {
			return fmt.Errorf("bundling %s: %w", island, err)
		}
	}
	if err := writeLicences(modules); err != nil {
		return err
	}
	return writeSums()
}

// install puts the packages of the lock file below the tree's build folder and returns where they are.
func install(ctx context.Context) (string, error) {
	folder, err := filepath.Abs("../../../build/islands")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		body, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(folder, name), body, 0o644); err != nil {
			return "", err
		}
	}
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir, npm.Stdout, npm.Stderr = folder, os.Stderr, os.Stderr
	if err := npm.Run(); err != nil {
		return "", fmt.Errorf("installing the packages with npm: %w", err)
	}
	return filepath.Join(folder, "node_modules"), nil
}

// bundle writes one island.
func bundle(island, modules string) error {
	made := api.Build(api.BuildOptions{
		EntryPoints: []string{island + "/main.js"}, Outfile: static + "/" + island + ".js", Write: true,
		Bundle: true, Format: api.FormatESModule, Target: api.ES2020, Charset: api.CharsetUTF8, NodePaths: []string{modules},
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, Define: map[string]string{"process.env.NODE_ENV": `"production"`},
		LegalComments: api.LegalCommentsNone, Banner: map[string]string{"js": "/* Bundled by gateway/console/islands; licences: " + licences + " */"},
		LogLevel: api.LogLevelWarning,
	})
	if len(made.Errors) > 0 {
		return errors.New(made.Errors[0].Text)
	}
	return nil
}
