package webhook

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// resolver answers each question for an IPv4 address with what next returns
// for the name, and with nothing where that is not valid. It asks no network.
func resolver(t *testing.T, next func(name string) netip.Addr) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go serveDNS(t, theirs, next)
		return ours, nil
	}}
}

// serveDNS answers questions that come as over TCP (RFC 1035 section 4.2.2).
func serveDNS(t *testing.T, c net.Conn, next func(string) netip.Addr) {
	defer c.Close()
	for {
		size := make([]byte, 2)
		if _, err := io.ReadFull(c, size); err != nil {
			return
		}
		question := make([]byte, int(size[0])<<8|int(size[1]))
		if _, err := io.ReadFull(c, question); err != nil {
			t.Errorf("half a question: %v", err)
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(question); err != nil {
			t.Errorf("a question that is none: %v", err)
			return
		}
		out := answerDNS(m, next)
		c.Write(append([]byte{byte(len(out) >> 8), byte(len(out))}, out...))
	}
}

func answerDNS(m dnsmessage.Message, next func(string) netip.Addr) []byte {
	q := m.Questions[0]
	reply := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true}, Questions: m.Questions}
	if q.Type == dnsmessage.TypeA {
		if a := next(strings.TrimSuffix(q.Name.String(), ".")); a.IsValid() {
			head := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 1}
			reply.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AResource{A: a.As4()}}}
		}
	}
	out, err := reply.Pack()
	if err != nil {
		panic(err)
	}
	return out
}

// refused sends a call that must not connect, and returns its result.
func refused(t *testing.T, c *Client, to Endpoint) Result {
	t.Helper()
	r := c.Send(t.Context(), to, "msg_1", time.Now(), []byte("{}"))
	if !errors.Is(r.Err, ErrEgress) || r.Status != 0 || r.Retry != (to.Egress != Confined) {
		t.Errorf("%s: %+v", to.URL, r)
	}
	return r
}

// receiver counts the calls that it gets.
func receiver(t *testing.T) (srv *httptest.Server, calls *atomic.Int32) {
	calls = &atomic.Int32{}
	srv = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	t.Cleanup(srv.Close)
	return srv, calls
}

func TestPublicRefusesAddresses(t *testing.T) {
	_, port, calls := loopback(t)
	for _, host := range []string{
		"127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254", "10.0.0.1", "100.100.100.200", "255.255.255.255",
		"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]", "[::7f00:1]", "[fe80::1%25lo]", "[fd00:ec2::254]",
		"[64:ff9b::7f00:1]", "[2002:7f00:1::1]", "[2001:0:7f00:1::]", "[ff02::1]",
	} {
		r := refused(t, NewClient("test"), Endpoint{URL: "http://" + host + ":" + port + "/hush", Egress: Public})
		if r.Err != nil && strings.Contains(r.Err.Error(), "hush") {
			t.Errorf("%s: %v", host, r.Err)
		}
	}
	if calls.Load() != 0 {
		t.Errorf("%d calls came through", calls.Load())
	}
}

func loopback(t *testing.T) (url, port string, calls *atomic.Int32) {
	srv, calls := receiver(t)
	_, port, _ = net.SplitHostPort(srv.Listener.Addr().String())
	return srv.URL, port, calls
}

// Some resolvers take these for 127.0.0.1, as inet_aton does; so does this one.
func TestPublicRefusesOtherSpellingsOfAnAddress(t *testing.T) {
	_, port, calls := loopback(t)
	c := NewClient("test")
	c.transports.resolver = resolver(t, func(string) netip.Addr { return netip.MustParseAddr("127.0.0.1") })
	hosts := []string{"0x7f000001", "0x7f.0.0.1", "0x7f.1", "localhost.", "localhost", "hooks.example.org"}
	for _, host := range hosts {
		refused(t, c, Endpoint{URL: "http://" + host + ":" + port, Egress: Public})
		if r := c.Send(t.Context(), Endpoint{URL: "http://" + host + ":" + port}, "msg_1", time.Now(), nil); r.Err != nil {
			t.Errorf("Any does not reach %s, so that the refusal shows nothing: %v", host, r.Err)
		}
	}
	if int(calls.Load()) != len(hosts) {
		t.Errorf("%d calls", calls.Load())
	}
}

// Go's resolver takes a name without letters for no name, so that nothing can
// answer for it.
func TestDecimalAndOctalAddressesAreNoNames(t *testing.T) {
	_, port, calls := loopback(t)
	c := NewClient("test")
	c.transports.resolver = resolver(t, func(string) netip.Addr { return netip.MustParseAddr("127.0.0.1") })
	for _, host := range []string{"2130706433", "017700000001", "0177.0.0.1", "127.1", "127.0.0.01"} {
		r := c.Send(t.Context(), Endpoint{URL: "http://" + host + ":" + port, Egress: Public}, "msg_1", time.Now(), nil)
		if r.Err == nil || r.Status != 0 || calls.Load() != 0 {
			t.Errorf("%s: %+v, %d calls", host, r, calls.Load())
		}
	}
}

// A name that is public when somebody looks and loopback when the call is made.
func TestPublicRefusesARebindingName(t *testing.T) {
	_, port, calls := loopback(t)
	looked := 0
	res := resolver(t, func(string) netip.Addr {
		looked++
		if looked == 1 {
			return netip.MustParseAddr("8.8.8.8")
		}
		return netip.MustParseAddr("127.0.0.1")
	})
	first, err := res.LookupNetIP(t.Context(), "ip4", "rebind.example.org")
	if err != nil || len(first) != 1 || !public(first[0]) {
		t.Fatalf("%v, %v", first, err)
	}
	c := NewClient("test")
	c.transports.resolver = res
	refused(t, c, Endpoint{URL: "http://rebind.example.org:" + port, Egress: Public})
	if looked != 2 || calls.Load() != 0 {
		t.Errorf("looked up %d times, %d calls", looked, calls.Load())
	}
}

// A redirect is not followed; its target would be refused when connecting.
func TestRedirectToLoopback(t *testing.T) {
	target, _, calls := loopback(t)
	srv := httptest.NewServer(http.RedirectHandler(target, http.StatusTemporaryRedirect))
	defer srv.Close()
	c := NewClient("test")
	r := c.Send(t.Context(), Endpoint{URL: srv.URL}, "msg_1", time.Now(), nil)
	if r.Err == nil || !strings.Contains(r.Err.Error(), "redirects are not followed") || r.Status != 307 || calls.Load() != 0 {
		t.Errorf("%+v, %d calls", r, calls.Load())
	}
	refused(t, c, Endpoint{URL: target, Egress: Public})
	following := http.Client{Transport: c.transports.of(Endpoint{Egress: Public})}
	if resp, err := following.Get(target); !errors.Is(err, ErrEgress) {
		t.Errorf("%v, %v", resp, err)
	}
}

func TestAnyGoesToLoopback(t *testing.T) {
	url, _, calls := loopback(t)
	if r := NewClient("test").Send(t.Context(), Endpoint{URL: url}, "msg_1", time.Now(), nil); r.Err != nil || calls.Load() != 1 {
		t.Errorf("%+v, %d calls", r, calls.Load())
	}
}

// A proxy would connect where it likes.
func TestOnlyAnyUsesAProxy(t *testing.T) {
	for e, want := range map[Egress]bool{Any: true, Public: false, Confined: false} {
		transport := newTransport(Endpoint{Egress: e}, nil).(*http.Transport)
		if (transport.Proxy != nil) != want {
			t.Errorf("egress %d has a proxy: %v", e, transport.Proxy != nil)
		}
	}
}

func TestOnlyPublicLetsPublicAddressesOut(t *testing.T) {
	for address, want := range map[string]bool{
		"tcp4 8.8.8.8:443": true, "tcp6 [2606:4700:4700::1111]:443": true, "tcp4 127.0.0.1:443": false,
		"tcp4 nonsense": false, "udp4 8.8.8.8:443": false, "unix /run/docker.sock": false,
	} {
		network, to, _ := strings.Cut(address, " ")
		if err := onlyPublic(t.Context(), network, to, nil); (err == nil) != want || err != nil && !errors.Is(err, ErrEgress) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestConfined(t *testing.T) {
	c := NewClient("test")
	c.transports.build = func(Endpoint, *net.Resolver) http.RoundTripper { t.Error("connects"); return hanging{} }
	for url, want := range map[string]string{
		"http://example.org/": "https", "http://example.org:443/": "https", "https://example.org:8443/": "port 443",
		"https://ann@example.org/": "user name", "https://ann:hush@example.org/": "user name",
	} {
		if r := refused(t, c, Endpoint{URL: url, Egress: Confined}); r.Err == nil || !strings.Contains(r.Err.Error(), want) {
			t.Errorf("%s: %v, want %q", url, r.Err, want)
		}
	}
	for _, to := range []Endpoint{{Headers: map[string]string{"Authorization": "hush"}}, {Secrets: [][]byte{[]byte("hush")}}, {Certificate: certificate(t)}} {
		to.URL, to.Egress = "https://example.org/", Confined
		if r := refused(t, c, to); r.Err != nil && strings.Contains(r.Err.Error(), "hush") {
			t.Error(r.Err)
		}
	}
	for _, url := range []string{"https://example.org", "https://example.org:443/x?y"} {
		if err := (Endpoint{URL: url, Egress: Confined}).Check(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestConfinedRefusesLoopback(t *testing.T) {
	c := NewClient("test")
	c.transports.resolver = resolver(t, func(string) netip.Addr { return netip.MustParseAddr("127.0.0.1") })
	for _, url := range []string{"https://127.0.0.1/", "https://[::1]/", "https://unsubscribe.example.org/"} {
		refused(t, c, Endpoint{URL: url, Egress: Confined})
	}
}

// capture keeps the request that would have been sent.
type capture struct{ got *http.Request }

func (c *capture) RoundTrip(r *http.Request) (*http.Response, error) {
	c.got = r
	return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
}

// The stranger who is called learns nothing of us but the program's name.
func TestConfinedSendsNoContext(t *testing.T) {
	c, seen := NewClient("test"), &capture{}
	c.transports.build = func(Endpoint, *net.Resolver) http.RoundTripper { return seen }
	to := Endpoint{URL: "https://example.org/", ContentType: "application/x-www-form-urlencoded", Egress: Confined}
	r := c.Send(t.Context(), to, "msg_1", time.Now(), []byte("List-Unsubscribe=One-Click"))
	if r.Err != nil || len(seen.got.Header) != 2 || seen.got.Header.Get("Content-Type") != to.ContentType || seen.got.Header.Get("User-Agent") == "" {
		t.Errorf("%+v, %v", r, seen.got.Header)
	}
}
