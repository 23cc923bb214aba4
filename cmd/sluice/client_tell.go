package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// note tells the person something that is not data. What cannot be told is not worth failing for.
func (c *call) note(key string, pairs ...any) { c.speak(c.Say(key, pairs...)) }

// speak tells a text that is worded already.
func (c *call) speak(text string) {
	c.wipe()
	_, _ = fmt.Fprintln(c.tell, printable(text))
}

// progress tells what is being done, only on a terminal.
func (c *call) progress(key string, pairs ...any) { c.status(c.Say(key, pairs...)) }

// status shows one line that the next one replaces, on a terminal only. A terminal that cannot move its cursor
// (TERM=dumb) gets lines below each other.
func (c *call) status(line string) {
	columns := c.columns()
	if columns == 0 {
		return
	}
	line = cut(oneLine(line), columns-1)
	if os.Getenv("TERM") == "dumb" {
		_, _ = fmt.Fprintln(c.tell, line)
		return
	}
	_, _ = fmt.Fprint(c.tell, "\r\x1b[K"+line)
	c.drawn = true
}

// wipe takes the line of status away before anything else is written.
func (c *call) wipe() {
	if c.drawn {
		_, _ = fmt.Fprint(c.tell, "\r\x1b[K")
		c.drawn = false
	}
}

// columns is how wide the terminal is that somebody watches; 0 when nobody does.
func (c *call) columns() int {
	f, ok := c.tell.(*os.File)
	if !ok {
		return 0
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	if size.Col == 0 { // a terminal that does not say
		return 80
	}
	return int(size.Col)
}

// cut shortens a line to so many cells.
func cut(line string, cells int) string {
	var kept strings.Builder
	for _, r := range line {
		if cells -= width(string(r)); cells < 0 {
			break
		}
		kept.WriteRune(r)
	}
	return kept.String()
}
