package main

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// network are tries to reach somebody. What is sent is the word loot, to whoever listens.
func network() map[string]act {
	all := map[string]act{
		"resolve a name":              try(func() error { _, err := net.LookupHost("example.org"); return err }),
		"resolve at 1.1.1.1":          try(resolveAt("1.1.1.1:53")),
		"an interface beside lo":      try(otherInterface),
		"a route":                     try(route),
		"raw ICMP":                    try(func() error { return socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP) }),
		"ICMP by datagram":            try(ping),
		"broadcast":                   try(func() error { return send("udp", "255.255.255.255:9") }),
		"a listener of the test":      func(o order) string { return words(send("tcp", o.At["loopback"])) },
		"a listener at the address":   func(o order) string { return words(send("tcp", o.At["address"])) },
		"a datagram listener":         func(o order) string { return words(sendAlone("udp", o.At["datagram"])) },
		"an abstract socket":          func(o order) string { return words(send("unix", o.At["abstract"])) },
		"a socket beside the input":   func(o order) string { return words(send("unix", o.At["path"])) },
		"a socket in the input":       try(func() error { return send("unix", "/in/engine.sock") }),
		"descriptors that came along": inherited,
	}
	for _, to := range []string{
		"tcp 1.1.1.1:80", "tcp 1.1.1.1:443", "udp 1.1.1.1:53", "tcp 169.254.169.254:80", "tcp 100.100.100.200:80",
		"tcp [fd00:ec2::254]:80", "tcp [2606:4700:4700::1111]:443", "tcp [::ffff:1.1.1.1]:80", "udp 224.0.0.1:9", "tcp 172.17.0.1:2375",
		"tcp 127.0.0.1:5432", "tcp 127.0.0.1:2375", "tcp [::1]:5432", "tcp 0.0.0.0:5432", "tcp 127.1.2.3:5432",
	} {
		kind, address, _ := strings.Cut(to, " ")
		all["connect "+to] = try(func() error { return send(kind, address) })
	}
	return all
}

// patience is how long an attempt may take to fail: the case says two seconds.
const patience = 1500 * time.Millisecond

func send(kind, address string) error {
	conn, err := net.DialTimeout(kind, address, patience)
	if err != nil {
		return err
	}
	_, err = conn.Write([]byte("loot"))
	return errors.Join(err, conn.Close())
}

// sendAlone knows no answer: a datagram to a loopback of one's own is sent and lost. The listener says whether it came.
func sendAlone(kind, address string) error {
	err := send(kind, address)
	if err == nil {
		err = errors.New("sent")
	}
	return err
}

func resolveAt(server string) func() error {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: patience}).DialContext(ctx, "udp", server)
	}
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, err := (&net.Resolver{PreferGo: true, Dial: dial}).LookupHost(ctx, "loot.example.org")
		return err
	}
}

// otherInterface reads the list that needs no netlink socket: proc_pid_net(5).
func otherInterface() error { return secondLine("/proc/net/dev", "lo:") }

func route() error { return secondLine("/proc/net/route", "") }

// secondLine looks for a line below the headings that does not begin with a word.
func secondLine(path, but string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		heading := strings.Contains(line, "|") || strings.HasPrefix(line, "Iface")
		if line != "" && !heading && (but == "" || !strings.HasPrefix(line, but)) {
			return nil
		}
	}
	return errors.New("none")
}

func ping() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP)
	if err != nil {
		return err
	}
	to := &unix.SockaddrInet4{Addr: [4]byte{1, 1, 1, 1}}
	return errors.Join(unix.Sendto(fd, []byte{8, 0, 0, 0, 0, 0, 0, 0}, 0, to), unix.Close(fd))
}

// inherited looks among the open descriptors for one that leads somewhere.
func inherited(order) string {
	for fd := range 256 {
		var info unix.Stat_t
		if unix.Fstat(fd, &info) != nil {
			continue
		}
		switch info.Mode & unix.S_IFMT {
		case unix.S_IFSOCK, unix.S_IFDIR, unix.S_IFBLK:
			return managed
		}
	}
	return "none"
}
