package main

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// facts are tries to read what the machine says of itself: "file PATH" for each, and the clock.
func facts(o order) map[string]act {
	all := map[string]act{
		"clock": func(order) string { return strconv.FormatInt(time.Now().Unix(), 10) },
	}
	for _, name := range o.Tries {
		path, reads := strings.CutPrefix(name, "file ")
		if !reads {
			continue
		}
		all[name] = func(order) string {
			raw, err := os.ReadFile(path)
			if err != nil {
				return ""
			}
			return string(raw[:min(len(raw), most)])
		}
	}
	return all
}
