package browsertest

import (
	"fmt"
	"strings"
)

// interactive finds what a person can act on in a page. A group of radio buttons is one stop of the Tab key; what a
// closed part hides is no stop until it is opened.
const interactive = `[...document.querySelectorAll('a[href],button,input,select,textarea,summary,[tabindex="0"],[contenteditable="true"]')]
	.filter(e => e.checkVisibility() && !e.disabled && e.type !== 'hidden' && e.type !== 'radio')`

// dateStops is how often the Tab key stops in a field of a date: at year, month, day and the calendar's button.
const dateStops = 4

// watchFocus notes every element the focus comes to, and whether it can be seen there.
const watchFocus = `{
	window.stops = ` + interactive + `;
	window.reached = new Set(); window.unseen = new Set();
	document.addEventListener('focusin', e => {
		reached.add(e.target);
		if (getComputedStyle(e.target).outlineStyle === 'none') unseen.add(e.target);
	}, true);
	document.activeElement?.blur();
	stops.length + stops.filter(e => e.type === 'date').length * %d
}`

// named says of elements what a person would call them.
const named = `(all => all.map(e => e.tagName.toLowerCase() + ' ' + (e.getAttribute('aria-label') || e.textContent || e.name || '').trim().slice(0, 40)))`

// Keys goes through the open page by the Tab key alone and returns what it does not reach, and where the focus
// cannot be seen.
func (tab *Tab) Keys() (faults []string) {
	tab.t.Helper()
	stops := ask[int](tab, fmt.Sprintf(watchFocus, dateStops))
	for range stops + 2 {
		tab.Stroke("\t")
	}
	if missed := ask[[]string](tab, named+`(stops.filter(e => !reached.has(e) && e.checkVisibility()))`); len(missed) > 0 {
		faults = append(faults, "the keyboard does not reach "+strings.Join(missed, ", "))
	}
	if unseen := ask[[]string](tab, named+`([...unseen])`); len(unseen) > 0 {
		faults = append(faults, "the focus cannot be seen at "+strings.Join(unseen, ", "))
	}
	return faults
}

// Press goes to the element of a selector by the Tab key alone and presses Enter there.
func (tab *Tab) Press(selector string) {
	tab.t.Helper()
	there := fmt.Sprintf("document.activeElement?.matches(%q) ?? false", selector)
	for range 100 {
		if ask[bool](tab, there) {
			tab.load(func() { tab.Stroke("\r") })
			return
		}
		tab.Stroke("\t")
	}
	tab.t.Fatalf("the keyboard does not come to %s on %s", selector, tab.At())
}

// Type goes to the element of a selector by the Tab key alone and types there.
func (tab *Tab) Type(selector, text string) {
	tab.t.Helper()
	there := fmt.Sprintf("document.activeElement?.matches(%q) ?? false", selector)
	for range 100 {
		if ask[bool](tab, there) {
			tab.Stroke(text)
			return
		}
		tab.Stroke("\t")
	}
	tab.t.Fatalf("the keyboard does not come to %s on %s", selector, tab.At())
}
