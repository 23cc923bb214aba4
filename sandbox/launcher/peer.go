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
		uid, err := peerUID(conn)
		if err == nil && uid == g.uid {
			return conn, nil
		}
		g.log.Warn("refused a connection", "uid", uid, "error", err)
		conn.Close() // nothing was written that could be lost
	}
}

// peerUID asks the kernel who connected; -1 with an error when it does not say.
func peerUID(conn net.Conn) (int, error) {
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return -1, errors.New("asking for a peer's uid: not a socket")
	}
	control, err := raw.SyscallConn()
	if err != nil {
		return -1, fmt.Errorf("asking for a peer's uid: %w", err)
	}
	var who *unix.Ucred
	var asked error
	err = control.Control(func(fd uintptr) {
		who, asked = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, asked); err != nil {
		return -1, fmt.Errorf("asking for a peer's uid: %w", err)
	}
	return int(who.Uid), nil
}
