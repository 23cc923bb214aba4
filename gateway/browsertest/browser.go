// Package browsertest drives a real browser, the distribution's Chromium, through a site for tests: it walks pages by
// their links as people do, and holds every one to what all pages promise. Nothing shipped imports it.
//
// Start at walk.go for what a page is held to; audit.go holds it against axe, keys.go tries the keyboard.
package browsertest

import (
	"cmp"
	"context"
	"maps"
	"net/url"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// pollEach is how often a page is asked for what it is to show.
const pollEach = 100 * time.Millisecond

// patience bounds one step of a browser on a busy machine.
const patience = 5 * time.Minute

// Browser is a running browser. People sit before tabs of their own.
type Browser struct{ ctx context.Context }

// Start starts the distribution's Chromium; it ends with the test.
func Start(t testing.TB) *Browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("run make setup-test: %v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:len(chromedp.DefaultExecAllocatorOptions):len(chromedp.DefaultExecAllocatorOptions)],
		chromedp.ExecPath(program), chromedp.Flag("no-sandbox", true), chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "zh-CN"))
	allocated, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	ctx, stop := chromedp.NewContext(allocated)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting the browser: %v", err)
	}
	return &Browser{ctx}
}

// Tab is one person's browser: its cookies are nobody else's. It is for one goroutine.
type Tab struct {
	t   testing.TB
	ctx context.Context

	mu    sync.Mutex // the browser tells at any time
	said  []string   // errors of console, scripts and policy since the last Open
	asked map[network.RequestID]string
	bytes map[string]int // transferred since the last Open, by path
}

// Tab opens a browser of somebody's own.
func (b *Browser) Tab(t testing.TB) *Tab {
	t.Helper()
	ctx, stop := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(stop)
	tab := &Tab{t: t, ctx: ctx, asked: map[network.RequestID]string{}, bytes: map[string]int{}}
	if err := chromedp.Listen(ctx, tab.hear); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	// Whoever sits before a browser looks at it: in one that is not looked at a page's live part rests.
	tab.do(call(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}))
	tab.do(call(log.Enable, cdp.Empty{}), call(network.Enable, network.EnableParams{}),
		call(network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true}), chromedp.EmulateViewport(wide, high))
	return tab
}

// In has another test answer for the tab from here on: a part of the one it was opened for.
func (tab *Tab) In(t testing.TB) *Tab {
	tab.t = t
	return tab
}

// The screens people have: the smallest the console is made for, the same at 125 %, and a phone's.
const (
	wide, high = 1366, 768
	zoomedWide = 1093
	zoomedHigh = 614
	phoneWide  = 390
	phoneHigh  = 844
)

// hear notes what goes wrong in a page, and what it costs.
func (tab *Tab) hear(event any) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" {
			tab.said = append(tab.said, string(e.Entry.Source)+": "+e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		tab.said = append(tab.said, "script: "+e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" {
			tab.said = append(tab.said, "a script told the console of an error")
		}
	case *network.EventRequestWillBeSent:
		if at, err := url.Parse(e.Request.URL); err == nil {
			tab.asked[e.RequestID] = at.Path
		}
	case *network.EventLoadingFinished:
		tab.bytes[tab.asked[e.RequestID]] += int(e.EncodedDataLength)
	}
}

// call makes an action of a command whose answer is not wanted.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, params)
		return err
	})
}

// do takes steps in the tab.
func (tab *Tab) do(steps ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tab.t.Fatalf("in the browser: %v", err)
	}
}

// ask evaluates an expression in the page.
func ask[T any](tab *Tab, expression string) T {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	answer, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		tab.t.Fatalf("in the page: %v", err)
	}
	return answer
}

// Open opens an address and returns its status.
func (tab *Tab) Open(address string) int {
	tab.t.Helper()
	tab.mu.Lock()
	tab.said, tab.asked, tab.bytes = nil, map[network.RequestID]string{}, map[string]int{}
	tab.mu.Unlock()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	answer, err := chromedp.Run(ctx, chromedp.NavigateResponse(address))
	if err != nil {
		tab.t.Fatalf("opening %s: %v", address, err)
	}
	return int(answer.Status)
}

// At is the address of the page that is open.
func (tab *Tab) At() *url.URL {
	tab.t.Helper()
	at, err := url.Parse(ask[string](tab, "location.href"))
	if err != nil {
		tab.t.Fatal(err)
	}
	return at
}

// Said returns the errors of console, scripts and policy since the page was opened.
func (tab *Tab) Said() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return tab.said
}

// Heard returns what Said does, and forgets it: what is heard once is not heard again on a later page.
func (tab *Tab) Heard() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	said := tab.said
	tab.said = nil
	return said
}

// Bytes is what came over the wire since the page was opened by path, headers included, nothing from a cache.
func (tab *Tab) Bytes() map[string]int {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return maps.Clone(tab.bytes)
}

// SetCookie sets a cookie for an address and all below its path.
func (tab *Tab) SetCookie(address, name, value string) {
	tab.t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		tab.t.Fatal(err)
	}
	tab.do(call(network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: address, Path: cmp.Or(at.Path, "/")}))
}
