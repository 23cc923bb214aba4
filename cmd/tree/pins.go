package tree

import (
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/mod/modfile"
)

// pinned is the written list: one "module version" a line, # begins a remark.
const pinned = "deploy/pins.txt"

// Pins compares go.mod's direct requirements with the written list. `go get` of one module has silently
// downgraded another.
func Pins(root fs.FS) ([]Fault, error) {
	source, err := fs.ReadFile(root, "go.mod")
	if err != nil {
		return nil, fmt.Errorf("reading go.mod: %w", err)
	}
	mod, err := modfile.Parse("go.mod", source, nil)
	if err != nil {
		return nil, fmt.Errorf("reading go.mod: %w", err)
	}
	list, err := fs.ReadFile(root, pinned)
	if err != nil {
		return nil, fmt.Errorf("reading the pins: %w", err)
	}
	want := pinsOf(string(list))
	var faults []Fault
	for _, require := range mod.Require {
		if require.Indirect {
			continue
		}
		name, version := require.Mod.Path, require.Mod.Version
		if want[name] != version {
			faults = append(faults, Fault{"go.mod", fmt.Sprintf("%s is %s; the pin says %q", name, version, want[name])})
		}
		delete(want, name)
	}
	for name, version := range want {
		faults = append(faults, Fault{"go.mod", fmt.Sprintf("%s %s is pinned and not required", name, version)})
	}
	for _, replace := range mod.Replace {
		faults = append(faults, Fault{"go.mod", "replaces " + replace.Old.Path})
	}
	return faults, nil
}

func pinsOf(list string) map[string]string {
	pins := map[string]string{}
	for line := range strings.Lines(list) {
		line, _, _ = strings.Cut(line, "#")
		if fields := strings.Fields(line); len(fields) == 2 {
			pins[fields[0]] = fields[1]
		}
	}
	return pins
}
