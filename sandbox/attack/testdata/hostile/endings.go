package main

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// endings are tries to say something by how the program ends: by its code, by a signal, by its last words.
func endings() map[string]act {
	all := map[string]act{
		"panic with a row": func(order) string { panic(row()) },
		"panic with a row after a report": func(o order) string {
			tell([]told{{Try: o.Tries[0], Result: managed}})
			panic(row())
		},
		"print a row and fail":    func(order) string { fmt.Println(row()); fmt.Fprintln(os.Stderr, row()); os.Exit(1); return "" },
		"zero without a report":   func(order) string { os.Exit(0); return "" },
		"zero with half a report": func(order) string { _ = os.WriteFile("/out/report.json", nil, 0o644); os.Exit(0); return "" },
	}
	for code := range 256 {
		all[fmt.Sprintf("exit %d", code)] = func(o order) string {
			tell([]told{{Try: o.Tries[0], Result: managed}})
			os.Exit(code)
			return ""
		}
	}
	for _, signal := range []syscall.Signal{syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGKILL, syscall.SIGTERM, syscall.SIGUSR1} {
		all["end by "+signal.String()] = func(o order) string {
			tell([]told{{Try: o.Tries[0], Result: managed}})
			_ = syscall.Kill(os.Getpid(), signal)
			time.Sleep(time.Minute)
			return managed
		}
	}
	return all
}

// row is what no log and no error may carry outside.
func row() string {
	raw, _ := os.ReadFile("/in/row.csv")
	return string(raw)
}
