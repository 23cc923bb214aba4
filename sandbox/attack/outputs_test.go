//go:build attack

package attack

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Ends of an output.
const (
	whole  = `output: output\.refused`
	passed = `, collected`
)

// unlessRefused is what may come of an odd entry: the kernel refuses it, or the collector the whole output.
const unlessRefused = whole + `|(?:` + denied + `)` + passed

// outputs are S09, S13 to S17 and S26: putting into the output what is more than bounded plain files.
func outputs() []family {
	return []family{
		{id: "S09", also: within, vectors: join(
			same(tooLarge, "truncate to a tebibyte", "write behind a tebibyte", "copy behind a tebibyte"),
			each(ended, "limit", "reserve a tebibyte"),
			each(left, whole, "leave two holes"),
		)},
		{id: "S13", also: within, vectors: each(left, whole, prefixed("a link ",
			"absolute", "up", "to the input", "to a folder", "to itself", "dangling", "to a process", "to the report", "to the host's root")...)},
		{id: "S14", also: within, vectors: join(
			each(left, unlessRefused, "a second name", "a FIFO", "a device"),
			// gVisor keeps a name bound to a socket to itself: nothing is there outside.
			each(left, unlessRefused+"|managed"+passed, "a socket"),
			each(left, `(?:`+denied+`|invalid cross-device link)`+passed, "a name of the input"),
			each(left, whole, "a folder"),
			each(left, "managed"+passed+` a\.csv`, "a file that runs as it", "a file of no mode"),
			escaped(),
		)},
		{id: "S15", also: within, vectors: join(
			each(left, whole, "twins by normal form", "twins by case"),
			each(left, whole, prefixed("name: ", "escaped slash", "backslash", "line end", "carriage return", "bidi override", "zero width", "255 bytes",
				"129 bytes", "leading dash", "leading dot", "trailing dot", "two dots", "space", "trailing space", "full width", "full-width slash", "escape",
				"colon", "formula", "quote", "capital")...),
			each(left, whole+"|invalid argument"+passed, "name: bad UTF-8"),
		)},
		{id: "S16", also: within, vectors: each(left, "managed"+passed+` a\.csv`, "rewrite from a child", "rewrite from many", "rewrite from a mapping")},
		// An archive is bytes like any: it is handed on as it is, and nobody here unpacks it.
		{id: "S26", also: within, vectors: join(
			each(left, "managed"+passed+` a\.zip`, "leave a zip", "leave a zip of zips"),
			each(left, "managed"+passed+` r\.parquet`, "leave gzip"),
		)},
		{id: "S17", also: within, vectors: join(
			each(left, whole, "a chain of folders"),
			each(left, `(?:managed|\d+: (?:`+noRoom+`|file name too long))`+passed, "a chain in scratch"),
		)},
	}
}

// escaped are entries no runtime lets a job make: they are put there from outside, as one that escaped could.
func escaped() []vector {
	var all []vector
	for name, put := range map[string]func(out string) error{
		"second name": func(out string) error { return os.Link(out+"/report.json", out+"/a.csv") },
		"FIFO":        func(out string) error { return unix.Mkfifo(out+"/a.csv", 0o644) },
		"socket":      func(out string) error { return unix.Mknod(out+"/a.csv", unix.S_IFSOCK|0o644, 0) },
		"device":      func(out string) error { return unix.Mknod(out+"/a.csv", unix.S_IFCHR|0o644, 1<<8|5) },
		"block device": func(out string) error {
			return unix.Mknod(out+"/a.csv", unix.S_IFBLK|0o644, 7<<8)
		},
		"mount of another": func(out string) error {
			return errors.Join(os.WriteFile(out+"/a.csv", nil, 0o644), unix.Mount("/etc/hostname", out+"/a.csv", "", unix.MS_BIND, ""))
		},
		"folder of long names": func(out string) error {
			return os.MkdirAll(out+"/"+strings.Repeat(strings.Repeat("d", 255)+"/", 8), 0o755)
		},
	} {
		all = append(all, vector{try: "uid", see: left, want: whole, alone: true, outside: put, title: "from outside: " + name})
	}
	return all
}
