package browsertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// What people find by its name.
const (
	listed    = `nav.menu a`
	pressable = `button, a[href], summary, input[type=submit]`
	writable  = `input:not([type=checkbox], [type=radio], [type=hidden], [type=file]), textarea, [role=textbox]`
	tickable  = `input[type=checkbox], input[type=radio]`
	choosable = `select`
	fileField = `input[type=file]`
)

// find is a function of the page: the one control of some kinds that people see under a name, in a part of the page
// that also shows another text. A control is called what its label says, or it itself; a name is the whole of that, or
// how it begins.
const find = `(kinds, name, within) => {
	const tidy = text => (text || '').replace(/\s+/g, ' ').trim();
	const said = label => {
		const copy = label.cloneNode(true);
		copy.querySelectorAll('input, select, textarea, button, kbd').forEach(e => e.remove());
		return tidy(copy.textContent);
	};
	const called = e => tidy(e.getAttribute('aria-label')) || (e.labels?.length ? said(e.labels[0]) : said(e));
	const near = e => e.closest('tr') || e.closest('li') || e.closest('form, fieldset, section');
	const roots = [document, ...[...document.querySelectorAll('*')].flatMap(e => e.shadowRoot || [])];
	const all = roots.flatMap(root => [...root.querySelectorAll(kinds)]).filter(e => e.checkVisibility() && (!within || tidy(near(e)?.textContent).includes(within)));
	const whole = all.filter(e => called(e) === name), begun = all.filter(e => called(e).startsWith(name + ' '));
	const found = whole.length ? whole : begun;
	if (found.length !== 1) throw new Error(found.length + ' of ' + name + ' among ' + all.map(called).join(' | ') + ' on ' + location.pathname + ': ' + tidy(document.querySelector('main')?.innerText).slice(0, 600));
	return found[0];
}`

// found is the expression of a control.
func found(kinds, name string, within ...string) string {
	return fmt.Sprintf("(%s)(%s, %s, %s)", find, quoted(kinds), quoted(name), quoted(strings.Join(within, " ")))
}

// quoted writes a text as the page's language does.
func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string is always one
	}
	return string(b)
}

// spot is where a pointer goes.
type spot struct{ X, Y float64 }

// point finds where a control can be pressed, and that nothing lies over it there, and notes whether it gets the press.
const point = `(e => {
	e.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
	if (e.disabled) throw new Error('it is off: ' + e.textContent);
	const r = e.getClientRects()[0], at = {X: r.x + r.width / 2, Y: r.y + r.height / 2};
	const top = e.getRootNode().elementFromPoint(at.X, at.Y);
	if (!e.contains(top) && !top?.contains(e) && !top?.closest('label')?.contains(e)) throw new Error('something lies over it: ' + top?.outerHTML);
	const press = window.press = {got: false};
	document.addEventListener('click', c => { press.got = c.composedPath().some(n => n === e || n === top) }, {capture: true, once: true});
	return at;
})(%s)`

// press presses a control. A page that changes by itself may have put another in its place between the pointer's coming,
// its going down and its going up: then nothing got the press, and people press again.
func (tab *Tab) press(control string) {
	tab.t.Helper()
	failed := errors.New("not tried")
	if !tab.comes(func(ctx context.Context) bool {
		err := pressOnce(ctx, control)
		if err == nil || ctx.Err() == nil { // the last try is cut short: the one before knows why
			failed = err
		}
		return err == nil
	}) {
		tab.t.Fatalf("pressing on %s: %v", tab.At(), failed)
	}
}

// errMissed says that a press came to nothing.
var errMissed = errors.New("what was pressed did not get it")

func pressOnce(ctx context.Context, control string) error {
	at, err := chromedp.Run(ctx, chromedp.Evaluate[spot](fmt.Sprintf(point, control)))
	if err != nil {
		return err
	}
	if err := chromedp.Do(ctx, chromedp.MouseClickXY(at.X, at.Y)); err != nil {
		return err
	}
	// A page that the press led away from tells nothing any more.
	if got, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("window.press?.got ?? true")); err == nil && !got {
		return errMissed
	}
	return nil
}

// Click presses what people see under a name; within tells one of several apart by a text near it. The page stays.
func (tab *Tab) Click(name string, within ...string) {
	tab.t.Helper()
	tab.press(found(pressable, name, within...))
}

// Follow presses what leads to another page, and waits until that is there.
func (tab *Tab) Follow(name string, within ...string) {
	tab.t.Helper()
	tab.load(func() { tab.press(found(pressable, name, within...)) })
}

// Menu goes to an entry of the menu.
func (tab *Tab) Menu(name string) {
	tab.t.Helper()
	tab.load(func() { tab.press(found(listed, name)) })
}

// paste puts a text into the editor that has the focus as people do who have it elsewhere; false when that is a field.
const paste = `(text => {
	let at = document.activeElement;
	while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
	if (!at.isContentEditable) return false;
	const held = new DataTransfer();
	held.setData('text/plain', text);
	at.dispatchEvent(new ClipboardEvent('paste', {clipboardData: held, bubbles: true, cancelable: true}));
	return true;
})(%s)`

// Fill writes into the field of a label, in place of what it held. Lines that come into an editor as if an input method had
// written them are set by the browser, with styles that the policy forbids: they are pasted.
func (tab *Tab) Fill(label, text string, within ...string) {
	tab.t.Helper()
	tab.press(found(writable, label, within...))
	tab.do(chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	if !ask[bool](tab, fmt.Sprintf(paste, quoted(text))) {
		tab.do(call(input.InsertText, input.InsertTextParams{Text: text}))
	}
}

// Date writes a date, YYYY-MM-DD, into the field of a label, key by key in the order in which this browser shows its parts.
func (tab *Tab) Date(label, date string, within ...string) {
	tab.t.Helper()
	parts := strings.Split(date, "-")
	typed := map[string]string{"year": parts[0] + kb.ArrowRight, "month": parts[1], "day": parts[2]}
	ask[bool](tab, "("+found(writable, label, within...)+".focus(), true)")
	for _, part := range ask[[]string](tab, `new Intl.DateTimeFormat().formatToParts().map(p => p.type).filter(p => p !== 'literal')`) {
		tab.Stroke(typed[part])
	}
	if got := ask[string](tab, found(writable, label, within...)+".value"); got != date {
		tab.t.Fatalf("%s holds %q, not %q", label, got, date)
	}
}

// Choose chooses an option of a list by the arrow keys.
func (tab *Tab) Choose(label, option string, within ...string) {
	tab.t.Helper()
	list := found(choosable, label, within...)
	steps := ask[int](tab, `(e => {
		const to = [...e.options].findIndex(o => o.text === `+quoted(option)+`);
		if (to < 0) throw new Error('no such option among ' + [...e.options].map(o => o.text).join(' | '));
		e.focus();
		return to - e.selectedIndex;
	})(`+list+`)`)
	key := kb.ArrowDown
	if steps < 0 {
		key, steps = kb.ArrowUp, -steps
	}
	for range steps {
		tab.Stroke(key)
	}
}

// Tick ticks the box, or chooses the button, of a label, unless it is.
func (tab *Tab) Tick(label string, within ...string) {
	tab.t.Helper()
	tab.tick(true, label, within...)
}

// Untick takes the tick off the box of a label.
func (tab *Tab) Untick(label string, within ...string) {
	tab.t.Helper()
	tab.tick(false, label, within...)
}

func (tab *Tab) tick(want bool, label string, within ...string) {
	tab.t.Helper()
	box := found(tickable, label, within...)
	if ask[bool](tab, box+".checked") != want {
		tab.press(box)
	}
}

// Attach gives the file field of a label a file of this machine's.
func (tab *Tab) Attach(label, path string, within ...string) {
	tab.t.Helper()
	tab.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		field, err := handle(ctx, target, found(fileField, label, within...))
		if err != nil {
			return err
		}
		_, err = cdp.Call(ctx, target, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: []string{path}, ObjectID: field})
		return err
	}))
}

// Stroke types keys where the focus is. Control characters are keys.
func (tab *Tab) Stroke(keys string) {
	tab.t.Helper()
	tab.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		for _, r := range keys {
			for _, event := range pressed(r) {
				if _, err := cdp.Call(ctx, target, input.DispatchKeyEvent, *event); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

// pressed are the events of one key. chromedp sends a key and its character apart, and the browser then writes the
// character whatever the page did with the key; a keyboard's key writes what the page leaves to it.
func pressed(r rune) []*input.DispatchKeyEventParams {
	events := kb.Encode(r)
	if kb.Keys[r] == nil || len(events) < 3 {
		return events
	}
	down, written, up := events[0], events[1], events[2]
	down.Text, down.UnmodifiedText = written.Text, written.UnmodifiedText
	return []*input.DispatchKeyEventParams{down, up}
}

// StrokeOn types a key that leads to another page, and waits until that is there.
func (tab *Tab) StrokeOn(key string) { tab.t.Helper(); tab.load(func() { tab.Stroke(key) }) }

// Sees waits until a text can be read on the page.
func (tab *Tab) Sees(texts ...string) {
	tab.t.Helper()
	for _, text := range texts {
		tab.until(`document.body.innerText.includes(`+quoted(text)+`)`, text)
	}
}

// until waits until an expression is true in the page. One that is left while it is asked is asked again where it led.
func (tab *Tab) until(expression, what string) {
	tab.t.Helper()
	var failed error
	if !tab.comes(func(ctx context.Context) bool {
		shown, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
		failed = err
		return shown && err == nil
	}) {
		tab.t.Fatalf("%s does not show %q: %v\n%s", tab.At(), what, failed, tab.Text())
	}
}

// comes asks again and again until the answer is yes; false when it never was.
func (tab *Tab) comes(yes func(context.Context) bool) bool {
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	tick := time.NewTicker(pollEach)
	defer tick.Stop()
	for !yes(ctx) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// Text is what can be read on the page.
func (tab *Tab) Text() string { tab.t.Helper(); return ask[string](tab, "document.body.innerText") }

// Focused is what the element that has the focus shows.
func (tab *Tab) Focused() string {
	tab.t.Helper()
	return ask[string](tab, "(document.activeElement.innerText || document.activeElement.name || '').replace(/\\s+/g, ' ').trim()")
}

// Fact is what stands beside a name in the last list of facts that has it.
func (tab *Tab) Fact(name string) string {
	tab.t.Helper()
	return ask[string](tab, `[...document.querySelectorAll('dt')].findLast(dt => dt.innerText.trim() === `+quoted(name)+`)?.nextElementSibling.innerText.trim() ?? ''`)
}

// Table reads the cells of the table in the part of a name, its heads first.
func (tab *Tab) Table(name string) [][]string {
	tab.t.Helper()
	return ask[[][]string](tab, `[...document.querySelector('[role=region][aria-label=' + CSS.escape(`+quoted(name)+`) + '] table').rows]
		.map(row => [...row.cells].map(cell => cell.firstChild?.textContent.trim() ?? ''))`)
}

// handle is the browser's name of what an expression finds.
func handle(ctx context.Context, target *chromedp.Target, expression string) (runtime.RemoteObjectID, error) {
	got, err := cdp.Call(ctx, target, runtime.Evaluate, runtime.EvaluateParams{Expression: expression})
	if err != nil {
		return "", err
	}
	if got.ExceptionDetails != nil {
		return "", fmt.Errorf("in the page: %s", got.ExceptionDetails.Exception.Description)
	}
	return got.Result.ObjectID, nil
}

// Has tells whether a control can be seen under a name.
func (tab *Tab) Has(name string, within ...string) bool {
	tab.t.Helper()
	return ask[bool](tab, `(() => { try { `+found(pressable+", "+writable+", "+tickable, name, within...)+`; return true } catch { return false } })()`)
}

// Filled waits until the field of a label holds something.
func (tab *Tab) Filled(label string, within ...string) {
	tab.t.Helper()
	tab.until(found(writable, label, within...)+".value !== ''", label)
}

// Heading is the first line of the page: what it is about.
func (tab *Tab) Heading() string {
	tab.t.Helper()
	return ask[string](tab, "document.querySelector('h1').firstChild.textContent.trim()")
}

// Row is what can be read in the row of a table that shows a text; nothing when there is none.
func (tab *Tab) Row(text string) string {
	tab.t.Helper()
	return ask[string](tab, `[...document.querySelectorAll('tr')].find(row => row.innerText.includes(`+quoted(text)+`))?.innerText ?? ''`)
}

// Reloads comes back to a page until the row of a text shows another, which it does not by itself.
func (tab *Tab) Reloads(again func(), row, text string) {
	tab.t.Helper()
	if !tab.comes(func(context.Context) bool { again(); return strings.Contains(tab.Row(row), text) }) {
		tab.t.Fatalf("%s of %s never shows %q:\n%s", row, tab.At(), text, tab.Text())
	}
}
