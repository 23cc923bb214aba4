package browsertest

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/chromedp"
)

// axe is what Deque released under the Mozilla Public License: axe-core 4.14.1 of the npm registry, with its licence
// and checksum beside it. It is no part of any program of Sluice.
//
//go:embed axe-4.14.1.min.js
var axe string

// violations has axe look at the page with every rule it has.
const violations = `axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v =>
	v.id + ' (' + v.help + '): ' + v.nodes.map(n => n.target.join(' ') + ' ' + n.html.slice(0, 120)).slice(0, 3).join(' | ')))`

// Audit returns what axe finds wrong in the open page.
func (tab *Tab) Audit() []string {
	tab.t.Helper()
	ask[bool](tab, "("+"typeof axe === 'object' || (()=>{"+axe+";return true})()"+") && true")
	return ask[[]string](tab, violations)
}

// sideways says what sticks out of a page on the right, in pixels; what scrolls by itself does not.
const sideways = `document.scrollingElement.scrollWidth - document.documentElement.clientWidth`

// Fits tells whether the open page needs no scrolling sideways on a desk and on a phone.
func (tab *Tab) Fits() (faults []string) {
	tab.t.Helper()
	for _, size := range [][2]int64{{phoneWide, phoneHigh}, {wide, high}} {
		tab.do(chromedp.EmulateViewport(size[0], size[1]))
		if over := ask[int](tab, sideways); over > 0 {
			faults = append(faults, fmt.Sprintf("sticks out by %d pixels at %d", over, size[0]))
		}
	}
	return faults
}

// Shoot writes the whole open page as it is on a desk and on a phone into a folder, as NAME-1366.png and NAME-390.png.
func (tab *Tab) Shoot(folder, name string) {
	tab.t.Helper()
	ask[bool](tab, "(document.activeElement?.blur(), true)") // as it comes, not as the keyboard left it
	for _, size := range [][2]int64{{phoneWide, phoneHigh}, {wide, high}} {
		tab.do(chromedp.EmulateViewport(size[0], size[1]))
		ctx, cancel := context.WithTimeout(tab.ctx, patience)
		image, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		cancel()
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%d.png", name, size[0])), image, 0o644)
		}
		if err != nil {
			tab.t.Fatalf("taking a picture of %s: %v", name, err)
		}
	}
}

// FileName makes a name for a file of an address.
func FileName(address string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '_'
	}, address)
	return strings.Trim(name, "_")
}
