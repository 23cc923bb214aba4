package browsertest

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axe is what Deque released under the Mozilla Public License: axe-core 4.14.1 of the npm registry, with its licence
// and checksum beside it. It is no part of any program of Sluice.
//
//go:embed axe-4.14.1.min.js
var axe string

// findings says of axe's answer what it found.
const findings = `r => r.violations.map(v =>
	v.id + ' (' + v.help + '): ' + v.nodes.map(n => n.target.join(' ') + ' ' + n.html.slice(0, 120)).slice(0, 3).join(' | '))`

// violations has axe look at the page with every rule it has.
const violations = `axe.run(document, {resultTypes: ['violations']}).then(` + findings + `)`

// bring makes axe known to the open page.
func (tab *Tab) bring() {
	tab.t.Helper()
	ask[bool](tab, "("+"typeof axe === 'object' || (()=>{"+axe+";return true})()"+") && true")
}

// Audit returns what axe finds wrong in the open page.
func (tab *Tab) Audit() []string {
	tab.t.Helper()
	tab.bring()
	return ask[[]string](tab, violations)
}

// turned evaluates an expression in the open page as it is in another theme, and turns the page back.
const turned = `(async () => {
	const root = document.documentElement, before = root.dataset.theme;
	root.dataset.theme = %s;
	try {
		return await %s;
	} finally {
		before === undefined ? delete root.dataset.theme : root.dataset.theme = before;
	}
})()`

// colours has axe look at the page with the rules that a theme can break.
const colours = `axe.run(document, {runOnly: ['color-contrast', 'link-in-text-block'], resultTypes: ['violations']}).then(` + findings + `)`

// Colours returns what axe finds wrong in the colours of the open page in a theme. A theme changes nothing else of a page
// but the name of what chooses it.
func (tab *Tab) Colours(theme string) []string {
	tab.t.Helper()
	tab.bring()
	return ask[[]string](tab, fmt.Sprintf(turned, quoted(theme), colours))
}

// faint finds what cannot be read on white paper: text whose colour has less than 4.5 times white's contrast (WCAG 2.2,
// 1.4.3), and what a chart is drawn of with less than 3 times (1.4.11). Printers leave grounds out, so there is none but the
// paper. Pictures other than charts bring a ground of their own.
const faint = `(() => {
	const pen = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
	const light = colour => {
		pen.fillStyle = colour;
		pen.fillRect(0, 0, 1, 1);
		const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map(n => n / 255).map(n => n <= .04045 ? n / 12.92 : ((n + .055) / 1.055) ** 2.4);
		return .2126 * r + .7152 * g + .0722 * b;
	};
	const words = e => [...e.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.data.trim());
	const drawn = e => e.matches('.charts svg *');
	const written = e => e.checkVisibility() && !e.closest('noscript, .skip') && (drawn(e) ? e.matches('text, [fill]:not([fill=none])') : words(e) && !e.closest('svg'));
	const contrast = e => 1.05 / (light(getComputedStyle(e)[drawn(e) ? 'fill' : 'color']) + .05);
	return [...document.body.querySelectorAll('*')].filter(written)
		.map(e => [e, contrast(e)]).filter(([e, found]) => found < (words(e) ? 4.5 : 3))
		.map(([e, found]) => e.tagName + '.' + e.getAttribute('class') + ' ' + e.textContent.trim().slice(0, 20) + ' at ' + found.toFixed(1)).slice(0, 5);
})()`

// Paper returns what of the open page cannot be read when it is printed in a theme.
func (tab *Tab) Paper(theme string) []string {
	tab.t.Helper()
	tab.do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}))
	found := ask[[]string](tab, fmt.Sprintf(turned, quoted(theme), faint))
	tab.do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{}))
	return found
}

// sideways says what sticks out of a page on the right, in pixels; what scrolls by itself does not.
const sideways = `document.scrollingElement.scrollWidth - document.documentElement.clientWidth`

// Fits tells whether the open page needs no scrolling sideways on a phone, on a desk, and there when all is a quarter
// larger.
func (tab *Tab) Fits() (faults []string) {
	tab.t.Helper()
	for _, size := range [][2]int64{{phoneWide, phoneHigh}, {zoomedWide, zoomedHigh}, {wide, high}} {
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
	tab.Picture(folder, name)
}

// Picture is Shoot of a page somebody is at work in: what has the focus keeps it.
func (tab *Tab) Picture(folder, name string) {
	tab.t.Helper()
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
