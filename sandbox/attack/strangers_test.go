//go:build attack

package attack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// strangers is S48: what a job learns of its machine and of other jobs.
func strangers() []family {
	return []family{
		{id: "S48", also: stranger, vectors: join(
			// In one container the second finds what the first left: it knows how to look.
			same("/tmp/mark /tmp/.mark /out/mark", "leave what the next might find"),
			same("/out/mark /tmp/.mark /tmp/mark", "find what another left"),
			each(saw, "", "find what another left"),
			same("", "other processes"),
			same("Linux job .*", "uname"),
			same("UTC|Local", "time zone"),
			same(`loads \[0 0 0\], swap 0`, "sysinfo"),
			same("managed", "everything to be read"),
		)},
	}
}

// stranger is nil when nothing that could be read names the machine, its folders, its secrets or a job.
func stranger(s *site, r result) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	for what, secret := range map[string]string{
		"the machine's name": `(?m)(?:^|\s)` + regexp.QuoteMeta(host) + `(?:\s|$)`, // as a word: it may be a short one
		"the job":            r.run.Work, "the folder of runs": s.base, "the engine": s.engine,
		"the environment of the engine": canary, "a folder of the test": filepath.Dir(s.open.at["path"]), "a layer": "overlay2",
		"a file of the machine": "/var/lib",
	} {
		for name, body := range r.body {
			if at := regexp.MustCompile(secret).FindIndex(body); at != nil {
				err = errors.Join(err, fmt.Errorf("%s tells of %s: %q", name, what, body[max(0, at[0]-40):min(len(body), at[1]+40)]))
			}
		}
	}
	return err
}
