package browsertest

import (
	"context"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// HoldsPasskeys gives whoever sits before the tab a device that keeps passkeys and knows its owner.
func (tab *Tab) HoldsPasskeys() {
	tab.t.Helper()
	tab.do(call(webauthn.Enable, webauthn.EnableParams{}), call(webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		},
	}))
}

// OnPhone makes the tab as small as a phone.
func (tab *Tab) OnPhone() { tab.t.Helper(); tab.do(chromedp.EmulateViewport(phoneWide, phoneHigh)) }

// Lose takes the tab's connection away from all that it asks for from here on, or gives it back. What is under way goes on:
// the browser cannot cut that off.
func (tab *Tab) Lose(lost bool) {
	tab.t.Helper()
	tab.do(call(network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{Offline: lost, DownloadThroughput: -1, UploadThroughput: -1}},
	}))
}

// Slow lets the tab send no more than some bytes a second from here on; 0 lets it go again.
func (tab *Tab) Slow(sent float64) {
	tab.t.Helper()
	if sent == 0 {
		sent = -1
	}
	tab.do(call(network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{DownloadThroughput: -1, UploadThroughput: sent}},
	}))
}

// Save presses what saves a file, and returns the file.
func (tab *Tab) Save(name string, within ...string) []byte {
	tab.t.Helper()
	folder, saved := tab.t.TempDir(), make(chan string, 1)
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	if err := chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*browser.EventDownloadProgress); ok && e.State == browser.DownloadProgressStateCompleted {
			saved <- e.GUID
		}
	}); err != nil {
		tab.t.Fatal(err)
	}
	on := true
	tab.do(call(browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllowAndName, DownloadPath: folder, EventsEnabled: &on,
		BrowserContextID: chromedp.FromContext(tab.ctx).BrowserContextID,
	}))
	tab.Click(name, within...)
	select {
	case id := <-saved:
		body, err := os.ReadFile(filepath.Join(folder, id))
		if err != nil {
			tab.t.Fatal(err)
		}
		return body
	case <-ctx.Done():
		tab.t.Fatalf("%s saves nothing: %v", name, ctx.Err())
		return nil
	}
}

// Scan prints the first page of a PDF with the distribution's poppler, and reads the code on it as a phone does.
func Scan(t testing.TB, pdf []byte) string {
	t.Helper()
	folder := t.TempDir()
	from, to := filepath.Join(folder, "paper.pdf"), filepath.Join(folder, "paper")
	if err := os.WriteFile(from, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command("pdftoppm", "-png", "-singlefile", "-r", "150", from, to).CombinedOutput(); err != nil { //nolint:gosec // files of the test's own
		t.Fatalf("printing: %v\n%s", err, said)
	}
	f, err := os.Open(to + ".png")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	page, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := gozxing.NewBinaryBitmapFromImage(page)
	if err != nil {
		t.Fatal(err)
	}
	read, err := qrcode.NewQRCodeReader().Decode(seen, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		t.Fatalf("no code can be read on the paper: %v", err)
	}
	return read.GetText()
}
