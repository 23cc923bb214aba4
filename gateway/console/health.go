package console

import (
	"runtime"
	"runtime/debug"

	"github.com/sluicedata/sluice/catalog/platform"
)

// healthPage is how the instance is.
type healthPage struct {
	platform.Status
	Failing int
	Program string // version this program was built of
	Go      string
}

func showHealth(c call) (answer, error) {
	status, err := c.cat.Platform.Status(c.ctx, c.who)
	if err != nil {
		return answer{}, err
	}
	p := healthPage{Status: status, Failing: len(status.Failing()), Program: "(devel)", Go: runtime.Version()}
	if info, known := debug.ReadBuildInfo(); known && info.Main.Version != "" {
		p.Program = info.Main.Version
	}
	return answer{Body: p}, nil
}
