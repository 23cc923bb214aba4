package supervise

import (
	"context"
	"log/slog"
	"time"
)

// Part is one thing to have up. Parts are started in their order and stopped in reverse.
type Part struct {
	Name string // also of its log file
	// Do is a step that runs inside the supervisor and is done when it returns; a part has either Do or
	// Command.
	Do      func(ctx context.Context) error
	Command Command
	// Before, when set, is done before every start of the command.
	Before func() error
	As     *Credential // nil: the supervisor's own user
	// Ready tells whether the part serves, asked until it returns nil. Nil: the part says so itself.
	Ready func(ctx context.Context) error
	// Alive, when set, is asked again and again once the part serves. A part that leaves some questions in a row
	// unanswered hangs: it is killed and started again.
	Alive func(ctx context.Context) error
	// Grace is how long the part may take to stop before it is killed; 0 means two seconds.
	Grace time.Duration
}

// Command is a program with its arguments, folder and environment beside the few fixed variables every child
// has.
type Command struct {
	Path string
	Name string   // what it is told as its own name; "": the path
	Args []string // without the name
	Dir  string
	Env  []string
}

// Credential is the user a part runs as. Groups are its only supplementary groups.
type Credential struct {
	UID, GID uint32
	Groups   []uint32
}

// Config says what to run and how patiently.
type Config struct {
	Parts []Part
	Logs  string // folder of the log files, there already
	// LogsNamed is the same folder where people find it; "": Logs.
	LogsNamed string
	Log       *slog.Logger
	Now       func() time.Time

	StartWithin time.Duration // a part must be ready by then; 0 means one minute
	StopWithin  time.Duration // everything is down by then; 0 means nine seconds
	// AskEvery is the pause between two questions whether a part is alive, and how long each may take; 0 means ten
	// seconds.
	AskEvery time.Duration
	// Crashes within Window are forgiven up to that number, for all parts together; 0 means five in a minute.
	Crashes int
	Window  time.Duration
	// Hold, when set, stays open in every child as well: a lock on it ends with the last of them, so that a
	// killed supervisor's parts and their successors never overlap.
	Hold *Lock
	// Adopt makes orphans of the parts children of the supervisor, and kills them at the end: nothing stays.
	Adopt bool
}

// withDefaults fills what was left zero.
func (c Config) withDefaults() Config {
	c.StartWithin = orDefault(c.StartWithin, time.Minute)
	c.StopWithin = orDefault(c.StopWithin, 9*time.Second)
	c.Window = orDefault(c.Window, time.Minute)
	c.AskEvery = orDefault(c.AskEvery, 10*time.Second)
	if c.LogsNamed == "" {
		c.LogsNamed = c.Logs
	}
	if c.Crashes == 0 {
		c.Crashes = 5
	}
	return c
}

func orDefault(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return d
}

// baseEnv is all of the parent's surroundings a child sees.
func baseEnv() []string {
	return []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG=C.UTF-8",
		"TZ=UTC",
		envSupervised + "=1",
	}
}
