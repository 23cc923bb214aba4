package browsertest

import (
	"fmt"
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
