package tree

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Module is the module's path.
const Module = "github.com/sluicedata/sluice"

// layer is a row of the picture in ARCHITECTURE.md: a folder, and the folders below which it may import.
// The longest matching row counts, so a row for a subfolder replaces its parent's.
type layer struct {
	folder string
	may    []string
}

// layers is the picture: cmd → gateway | sandbox | keeper → catalog → policy. Everything may import from its
// own folder downwards unless its row says otherwise.
func layers() []layer {
	return []layer{
		{"policy", []string{"policy"}},
		{"policy/screen", nil}, // pure: rules over evidence
		{"catalog", []string{"catalog", "policy"}},
		{"gateway", []string{"gateway", "catalog", "policy"}},
		// What is said over the wire is said in the nouns' own words; the record and the store are not reached.
		{"gateway/wire", spoken("gateway/wire")},
		// A page is a verb of the catalog like a route of the API: record and store are not reached, nor the API itself.
		{"gateway/console", []string{"gateway/console", "gateway/session", "gateway/messages", "gateway/sse", "gateway/render", "catalog", "policy"}},
		// Asks the processes that run, and knows of the catalog nothing but that decisions are made.
		{"gateway/admin", []string{"gateway/admin", "policy"}},
		{"gateway/client", spoken("gateway/client", "gateway/wire", "gateway/messages")},
		// The description is read as any reader outside would; of the product only names of states are known.
		{"gateway/description", []string{"gateway/description"}},
		{"gateway/client/python", []string{"gateway/client/python", "gateway/description", "catalog/dataset", "catalog/job"}},
		{"sandbox", []string{"sandbox", "catalog", "policy"}},
		// What runs inside knows letters and evidence, and neither the record nor the store.
		{"sandbox/runner", []string{"sandbox/runner", "catalog/name", "catalog/task", "policy/screen"}},
		{"sandbox/docker", []string{"sandbox/docker", "sandbox", "catalog/task"}},
		{"sandbox/launcher", []string{"sandbox/launcher", "sandbox", "sandbox/docker", "catalog/task", "catalog/name"}},
		{"cmd", []string{"cmd", "gateway", "sandbox", "catalog", "policy"}},
		{"cmd/sluice-runner", []string{"sandbox/runner", "catalog/task"}},
		{"cmd/tree", []string{"cmd/tree"}},
		// No product code, but it speaks to it as anyone outside would.
		{"deploy", []string{"deploy", "gateway/client", "gateway/wire", "catalog", "policy"}},
	}
}

// spoken lists what a client may know beside more: the pure nouns, and the forms it verifies offline.
func spoken(more ...string) []string {
	return append(append(more, leaves()...), "catalog/org", "catalog/dataset", "catalog/registration", "catalog/agreement",
		"catalog/destruction", "catalog/grant", "catalog/image", "catalog/job", "catalog/output", "catalog/platform", "catalog/release", "catalog/trace", "catalog/trust", "catalog/upload")
}

// leaves are the packages of catalog that its others stand on.
func leaves() []string {
	return []string{"catalog/name", "catalog/fault", "catalog/flow", "catalog/calendar", "catalog/canon", "catalog/envelope", "catalog/budget", "catalog/passkey"}
}

// composed are the packages of catalog that bring nouns together. Every other one is a noun, and a noun imports
// nothing of catalog but leaves: never a noun, never what is composed of nouns.
func composed() []string {
	return []string{"catalog", "catalog/keeper", "catalog/postgres", "catalog/task", "catalog/trace/tilestore", "catalog/work"}
}

// only is the list of libraries with one importer (and what is below it).
type only struct{ library, importer string }

func onlyImporters() []only {
	return []only{
		{"github.com/casbin/", "policy/access"},
		{"github.com/open-policy-agent/", "policy/rule"},
		{"github.com/minio/", "catalog/object"},
		{"github.com/versity/", "catalog/object/store"},
		{"github.com/docker/", "sandbox/docker"},
		{"github.com/duckdb/", "sandbox/runner"},
		{"github.com/jackc/", "catalog/postgres"},
		{"github.com/pressly/goose", "catalog/postgres"},
		{"github.com/danielgtaylor/huma", "gateway"},
		{"github.com/parquet-go/", "gateway/render"},
		{"github.com/spf13/", "cmd/sluice"},
		{"github.com/alexedwards/", "gateway/console"},
		{"github.com/coreos/go-oidc", "gateway/session"},
		{"golang.org/x/oauth2", "gateway/session"},
		{"github.com/zitadel/", "gateway/providertest"},
		{"github.com/chromedp/", "gateway/browsertest"},
		{"github.com/makiuchi-d/", "gateway/browsertest"},
		{"github.com/signintech/", "gateway/console/paper"},
		{"github.com/boombuler/", "gateway/console/paper"},
		{"github.com/pquerna/otp", "catalog"},
		{"github.com/go-webauthn/", "catalog/passkey"},
		{"github.com/prometheus/", "gateway/admin"},
		{"filippo.io/age", "cmd/sluice"},
	}
}

// Layers checks every import against the picture. Tests may reach across to bring up the real parts they need,
// but not into deploy.
func Layers(files []File) []Fault {
	var faults []Fault
	for _, file := range files {
		for _, imported := range file.Imports {
			if rule := forbidden(file, imported); rule != "" {
				faults = append(faults, Fault{file.Path, rule})
			}
		}
	}
	return faults
}

// forbidden returns the rule that an import breaks, "" for none.
func forbidden(file File, imported string) string {
	target, ours := strings.CutPrefix(imported, Module+"/")
	if !ours {
		return foreignImport(file, imported)
	}
	if below(target, "deploy") && !below(file.Dir, "deploy") {
		return "imports " + target + ": nothing imports deploy"
	}
	if file.Test || target == file.Dir {
		return ""
	}
	row := layerOf(file.Dir)
	if !slices.ContainsFunc(row.may, func(folder string) bool { return below(target, folder) }) {
		return fmt.Sprintf("imports %s: %s may import only %s", target, row.folder, strings.Join(row.may, ", "))
	}
	if name := noun(file.Dir); name != "" && !below(target, name) && !leaf(target) {
		return "imports " + target + ": a noun imports only leaves of catalog"
	}
	return ""
}

// foreignImport checks the libraries with one importer, in tests too.
func foreignImport(file File, imported string) string {
	for _, row := range onlyImporters() {
		if strings.HasPrefix(imported+"/", row.library) && !below(file.Dir, row.importer) {
			return fmt.Sprintf("imports %s: only %s may", imported, row.importer)
		}
	}
	return ""
}

// layerOf returns the longest row that holds a folder; a folder of no row may import nothing of ours.
func layerOf(folder string) layer {
	best := layer{folder: folder}
	length := -1
	for _, row := range layers() {
		if below(folder, row.folder) && len(row.folder) > length {
			best, length = row, len(row.folder)
		}
	}
	return best
}

// below says whether a folder is another or lies in it.
func below(folder, parent string) bool {
	return folder == parent || strings.HasPrefix(folder, parent+"/")
}

// noun returns the noun of catalog that a folder is or lies in, "" when it is none.
func noun(folder string) string {
	rest, ok := strings.CutPrefix(folder, "catalog/")
	if !ok {
		return ""
	}
	first, _, _ := strings.Cut(rest, "/")
	name := path.Join("catalog", first)
	for _, other := range append(leaves(), composed()...) {
		if other != "catalog" && below(folder, other) {
			return ""
		}
	}
	return name
}

// leaf says whether a folder is a leaf of catalog or not of catalog at all.
func leaf(folder string) bool {
	return !below(folder, "catalog") || slices.Contains(leaves(), folder)
}
