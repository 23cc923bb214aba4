package main

import (
	"path/filepath"
	"time"

	"github.com/sluicedata/sluice/cmd/sluice/supervise"
	"github.com/sluicedata/sluice/sandbox/docker"
)

// daemon describes the instance's own engine. Its control group carries the instance's mark, so that two
// instances on one machine do not meet.
func (in *opened) daemon() docker.Daemon {
	return docker.Daemon{
		Data: in.Home("docker"), Run: in.Socket("docker"), Runsc: in.options.Runsc,
		Cgroup: "sluice-" + filepath.Base(in.Run),
	}
}

// engine is the instance's own dockerd. It stays root: an engine's socket is root anyway, and so its folder
// lets nobody in.
func engine(in *opened) supervise.Part {
	daemon := in.daemon()
	return supervise.Part{
		Name: "dockerd", Before: daemon.Write, Ready: daemon.Ready, Alive: daemon.Alive, Grace: 5 * time.Second,
		Command: guard(false, append([]string{"dockerd"}, daemon.Args()...)),
	}
}
