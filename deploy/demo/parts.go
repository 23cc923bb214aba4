package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// parts are the processes of an instance that can end alone, by their names.
func parts() []string {
	return []string{"worker", "dockerd", "serve", "postgres", "keeper", "store", "launcher"}
}

// killPart ends one part of the instance whose supervisor has that process id.
func killPart(supervisor int, part string) error {
	pid, err := findPart(supervisor, part)
	if err != nil || pid == 0 {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("killing %s: %w", part, err)
	}
	return nil
}

// findPart returns the process id of a part, 0 when it is just not there: the last kill may have taken it along. The
// engine and the database are children of a guard that ends with them, and that also has what they left: the processes
// that hold an engine's containers.
func findPart(supervisor int, part string) (int, error) {
	children, err := childrenOf(supervisor)
	if err != nil {
		return 0, err
	}
	for _, child := range children {
		args := argsOf(child)
		switch {
		case len(args) > 1 && args[1] == part:
			return child, nil
		case slices.ContainsFunc(args, func(a string) bool { return filepath.Base(a) == part }) && args[1] == "guard":
			return findProgram(child, part)
		}
	}
	return 0, nil
}

// findProgram returns the child of a process that runs a program, 0 when there is none.
func findProgram(parent int, program string) (int, error) {
	children, err := childrenOf(parent)
	if err != nil {
		return 0, err
	}
	for _, child := range children {
		if args := argsOf(child); len(args) > 0 && filepath.Base(args[0]) == program {
			return child, nil
		}
	}
	return 0, nil
}

// childrenOf lists the children of a process's threads; none when it has ended.
func childrenOf(pid int) ([]int, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*/children", pid))
	if err != nil {
		return nil, fmt.Errorf("looking for children: %w", err)
	}
	var all []int
	for _, file := range files {
		list, _ := os.ReadFile(file) // a thread that has ended has none
		for _, field := range strings.Fields(string(list)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				return nil, fmt.Errorf("reading children: %w", err)
			}
			all = append(all, child)
		}
	}
	return all, nil
}

// argsOf returns the command line of a process, empty when it has ended.
func argsOf(pid int) []string {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // it has ended
	if len(line) == 0 {
		return nil
	}
	return strings.Split(string(bytes.TrimSuffix(line, []byte{0})), "\x00")
}
