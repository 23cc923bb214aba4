package console

import (
	"runtime"
	"runtime/debug"

	"github.com/sluicedata/sluice/catalog"
)

// healthPage is how the instance is.
type healthPage struct {
	catalog.Status
	Failing int
	Program string // version this program was built of
	Go      string
}

func showHealth(c call) (answer, error) {
	status, err := c.cat.Platform.Status(c.ctx, c.who)
	if err != nil {
		return answer{}, err
	}
	p := healthPage{Status: status, Program: "(devel)", Go: runtime.Version()}
	if info, known := debug.ReadBuildInfo(); known && info.Main.Version != "" {
		p.Program = info.Main.Version
	}
	for _, check := range status.Checks {
		if !check.OK {
			p.Failing++
		}
	}
	return answer{Body: p}, nil
}
