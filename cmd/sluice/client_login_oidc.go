package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway"
	"github.com/sluicedata/sluice/gateway/client"
)

// loginPatience is how long a person may take at the provider; the gateway waits no longer either.
const loginPatience = 10 * time.Minute

// keptSession is a session through a provider, in a file of its owner's beside the profile. It lasts minutes.
type keptSession struct {
	Server  string    `json:"server"`
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

// loginOIDC logs in through the server's identity provider: the browser comes back to this program on loopback.
func loginOIDC(c *call) error {
	path, err := c.profilePath()
	if err != nil {
		return err
	}
	server := serverAddress(c.flag("server"), "")
	if server == "" {
		return usage("flag.needed", "flag", "--server URL", "command", c.cmd.CommandPath())
	}
	if _, err := os.Stat(path); err == nil {
		return usage("login.key_profile", "path", path)
	}
	if c.rehearses() {
		c.note("login.would_open", "server", server)
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, loginPatience)
	defer cancel()
	at, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return failed("login.no_listener").because(err)
	}
	own := client.New(server, nil).In(string(c.Language))
	l := own.BeginLogin("http://"+at.Addr().String()+"/done", c.flag("org"), c.flag("login"))
	c.note("login.open", "address", l.Address)
	code, err := c.comeBack(ctx, at, l)
	if err != nil {
		return err
	}
	token, err := own.Redeem(ctx, l, code)
	if err != nil {
		return err
	}
	kept := keptSession{Server: server, Token: token.AccessToken, Expires: c.now().Add(time.Duration(token.ExpiresIn) * time.Second)}
	if err := kept.save(sessionFile(path)); err != nil {
		return failed("profile.not_written", "path", sessionFile(path)).because(err)
	}
	me, err := own.Whoami(ctx)
	return one(c, me, err, meFields(c))
}

// comeBack waits for the browser and returns the code it brings. Any other page that finds the address is
// refused: it does not know the state.
func (c *call) comeBack(ctx context.Context, at net.Listener, l client.Login) (string, error) {
	codes := make(chan string, 1)
	server := gateway.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if r.URL.Path != "/done" || q.Get("state") != l.State || q.Get("code") == "" {
			http.Error(w, c.Say("login.other_page"), http.StatusBadRequest)
			return
		}
		_, _ = fmt.Fprintln(w, c.Say("login.close_page"))
		select {
		case codes <- q.Get("code"):
		default:
		}
	}))
	go func() { _ = server.Serve(at) }() // it ends with Shutdown below
	defer func() {
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = server.Shutdown(drain)
	}()
	select {
	case code := <-codes:
		return code, nil
	case <-ctx.Done():
		return "", late("login.no_browser").because(ctx.Err())
	}
}

// sessionFile is where the session that goes with a profile's place is kept.
func sessionFile(profile string) string { return profile + ".session" }

// save writes a session, whole or not at all, where only its owner reads it.
func (k keptSession) save(path string) error {
	body, err := json.Marshal(k)
	if err != nil {
		return texts.Wrong("file.not_written", "path", path).Because(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return texts.Wrong("up.making", "path", filepath.Dir(path)).Because(err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".session-*") // mode 0600
	if err != nil {
		return texts.Wrong("file.not_written", "path", path).Because(err)
	}
	_, err = f.Write(append(body, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return texts.Wrong("file.not_written", "path", path).Because(errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// errNoSession says that there is neither a profile nor a session that counts.
var errNoSession = errors.New("no session")

// loadSession reads the session that goes with a profile's place.
func loadSession(profile string, now time.Time) (keptSession, error) {
	var k keptSession
	path := sessionFile(profile)
	info, err := os.Stat(path)
	if err != nil {
		return k, errNoSession
	}
	if info.Mode().Perm()&0o077 != 0 {
		return k, texts.Wrong("file.unreadable", "path", path).Because(client.ErrProfileOpen)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return k, texts.Wrong("file.unreadable", "path", path).Because(err)
	}
	if err := json.Unmarshal(body, &k); err != nil {
		return k, texts.Wrong("file.unreadable", "path", path).Because(err)
	}
	if !now.Before(k.Expires) {
		return k, failed("session.ended")
	}
	return k, nil
}
