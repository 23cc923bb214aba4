//go:build attack

package attack

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
)

// listeners are what a server, a database and a store would be on this machine. None may ever hear of a job.
type listeners struct {
	at    map[string]string
	heard atomic.Int64
}

// listen opens one of each kind.
func listen(t *testing.T) *listeners {
	t.Helper()
	l := &listeners{at: map[string]string{}}
	for name, at := range map[string]struct{ network, address string }{
		"loopback": {"tcp", "127.0.0.1:0"},
		"address":  {"tcp", net.JoinHostPort(address(t), "0")},
		"abstract": {"unix", "@sluice-attack-" + uuid.NewString()},
		"path":     {"unix", filepath.Join(dockertest.Dir(t), "s")},
	} {
		listener, err := net.Listen(at.network, at.address)
		if err != nil {
			t.Fatalf("listening at %s: %v", name, err)
		}
		l.at[name] = listener.Addr().String()
		go l.accept(listener)
		t.Cleanup(func() { listener.Close() })
	}
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.at["datagram"] = packets.LocalAddr().String()
	go l.receive(packets)
	t.Cleanup(func() { packets.Close() })
	return l
}

// address is one of this machine's that is not loopback.
func address(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range all {
		if ip, ok := each.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() && ip.IP.To4() != nil {
			return ip.IP.String()
		}
	}
	return "127.0.0.1" // a machine without a network: the same walls are tried from its loopback
}

func (l *listeners) accept(from net.Listener) {
	for {
		conn, err := from.Accept()
		if err != nil {
			return
		}
		l.heard.Add(1)
		conn.Close()
	}
}

func (l *listeners) receive(from net.PacketConn) {
	for {
		if _, _, err := from.ReadFrom(make([]byte, 64)); err != nil {
			return
		}
		l.heard.Add(1)
	}
}

// silent is nil while nobody was heard, and no try took longer than the case allows.
func silent(s *site, r result) error {
	var err error
	if n := s.open.heard.Load(); n > 0 {
		err = fmt.Errorf("%d attempts reached this machine", n)
	}
	for _, one := range r.told {
		if one.Took > quick {
			err = errors.Join(err, fmt.Errorf("%s took %s", one.Try, one.Took))
		}
	}
	return err
}
