package imaptest

import (
	"crypto/tls"
	"net"
	"strconv"
	"testing"

	"imapilot/engine/enginetest/memserver"
)

// Memory starts a memory server.
func Memory(t testing.TB, o Options) *Server {
	t.Helper()
	mo := memserver.Options{NoMove: o.NoMove, NoUIDPlus: o.NoUIDPlus, NoIdle: o.NoIdle, PipeOnly: o.PipeOnly, Roles: o.Roles}
	s := &Server{Options: o, Software: MemoryServer}
	if o.TLS {
		var cert certificate
		cert, s.Roots = newCertificate(t)
		mo.TLS = &tls.Config{Certificates: []tls.Certificate{cert.tls(t)}, MinVersion: tls.VersionTLS12}
	}
	m, err := memserver.NewMemory(mo)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() }) // stopping a test server: nothing to learn
	s.Mem, s.Username, s.Password = m, m.Username, m.Password
	if host, port := m.Addr(); host != "" {
		s.addr = net.JoinHostPort(host, strconv.Itoa(port))
	}
	if host, port := m.TLSAddr(); host != "" {
		s.TLSAddr = net.JoinHostPort(host, strconv.Itoa(port))
	}
	s.watch(t)
	return s
}
