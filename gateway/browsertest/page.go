package browsertest

import (
	"context"
	"fmt"

	"github.com/chromedp/chromedp"
)

// Tell evaluates an expression in the open page and returns the text it is.
func (tab *Tab) Tell(expression string) string {
	tab.t.Helper()
	return ask[string](tab, "String("+expression+")")
}

// until asks for an expression again before each picture the browser draws, until it is true or its time is up.
const until = `new Promise(done => {
	const end = performance.now() + %d;
	const see = () => (%s) ? done(true) : performance.now() > end ? done(false) : requestAnimationFrame(see);
	see();
})`

// Wait waits until an expression is true in the open page.
func (tab *Tab) Wait(what, expression string) {
	tab.t.Helper()
	if !ask[bool](tab, fmt.Sprintf(until, (patience/2).Milliseconds(), expression)) {
		tab.t.Fatalf("%s does not come on %s", what, tab.At())
	}
}

// Keystrokes sends keys to whatever has the focus, as chromedp writes them: control characters are keys.
func (tab *Tab) Keystrokes(keys string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.KeyEvent(keys)); err != nil {
		tab.t.Fatalf("typing: %v", err)
	}
}
