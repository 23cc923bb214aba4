package launcher

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Listen makes the launcher's socket: root's, and connectable by the worker's group alone.
func Listen(path string, workerGID int) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("removing an old socket: %w", err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listening for the worker: %w", err)
	}
	if err := errors.Join(os.Chown(path, 0, workerGID), os.Chmod(path, 0o660)); err != nil {
		return nil, errors.Join(fmt.Errorf("closing the socket to others: %w", err), listener.Close())
	}
	return listener, nil
}

// guarded passes on only connections whose process ran under one uid when it connected. Others are cut before
// a byte is read.
type guarded struct {
	net.Listener
	uid int
	log *slog.Logger
}

// Accept implements net.Listener.
func (g guarded) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		who, err := peer(conn)
		if err == nil && int(who.Uid) == g.uid {
			return conn, nil
		}
		g.log.Warn("refused a connection", "uid", who.Uid, "error", err)
		conn.Close() // nothing was written that could be lost
	}
}

// peer asks the kernel which process connected, and under whom it ran then.
func peer(conn net.Conn) (unix.Ucred, error) {
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return unix.Ucred{}, errors.New("asking for a peer: not a socket")
	}
	control, err := raw.SyscallConn()
	if err != nil {
		return unix.Ucred{}, fmt.Errorf("asking for a peer: %w", err)
	}
	var who *unix.Ucred
	var asked error
	err = control.Control(func(fd uintptr) {
		who, asked = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, asked); err != nil {
		return unix.Ucred{}, fmt.Errorf("asking for a peer: %w", err)
	}
	return *who, nil
}
