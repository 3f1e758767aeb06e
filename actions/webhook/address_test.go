package webhook

import (
	"net/netip"
	"testing"
)

func TestPublicAddresses(t *testing.T) {
	for _, s := range []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
		"169.253.255.255", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
		"198.20.0.0", "223.255.255.255", "::ffff:8.8.8.8", "2606:4700:4700::1111", "2001:4860:4860::8888", "2001:200::1",
		"64:ff9b::808:808", "2002:808:808::1", "2001:0:808:808:0:0:f7f7:f7f7", "2a00:1450::1",
	} {
		if !public(netip.MustParseAddr(s)) {
			t.Errorf("%s is public", s)
		}
	}
}

func TestSpecialAddresses(t *testing.T) {
	for _, s := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1",
		"127.255.255.255", "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1",
		"192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
		"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::7f00:1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1",
		"fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%lo", "2606:4700:4700::1111%lo", "fec0::1", "ff02::1", "100::1",
		"2001:db8::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1::1", "3fff::1", "5f00::1", "4000::1",
		"64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::808:808", "64:ff9b:0:0:0:1:808:808",
		"2002:7f00:1::1", "2002:a9fe:a9fe::", "2002:c0a8:1::",
		"2001:0:7f00:1:0:0:f7f7:f7f7", "2001:0:808:808:0:0:80ff:fffe", "2001:0:808:808:0:0:5601:5601",
	} {
		if public(netip.MustParseAddr(s)) {
			t.Errorf("%s is not public", s)
		}
	}
	if public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

// FuzzPublic: what net/netip knows to be special is not public, and an IPv4
// address is judged the same however it is carried.
func FuzzPublic(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1}, true)
	f.Add([]byte{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, false)
	f.Add([]byte{169, 254, 169, 254}, true)
	f.Fuzz(func(t *testing.T, b []byte, _ bool) {
		a, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		if public(a) && (!a.IsGlobalUnicast() || a.IsPrivate() || a.Unmap().IsLoopback() || a.Unmap().IsPrivate()) {
			t.Errorf("%s is public", a)
		}
		if !a.Is4() {
			return
		}
		mapped := netip.AddrFrom16(a.As16())
		nat64 := netip.AddrFrom16([16]byte{0, 0x64, 0xff, 0x9b, 12: b[0], 13: b[1], 14: b[2], 15: b[3]})
		sixToFour := netip.AddrFrom16([16]byte{0x20, 2, b[0], b[1], b[2], b[3], 15: 1})
		for _, in := range []netip.Addr{mapped, nat64, sixToFour} {
			if public(in) != public(a) {
				t.Errorf("%s is public: %v, and %s: %v", a, public(a), in, public(in))
			}
		}
	})
}
