package webhook

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// public reports whether an address is globally routable unicast, by the
// special-purpose address registries of IANA (RFC 6890 and its successors).
// An IPv6 address that carries an IPv4 one is judged by that, for a translator
// on the way would connect there.
func public(a netip.Addr) bool {
	if a = a.Unmap(); a.Is4() {
		return !within(a, special4())
	}
	if inner, carries := carried(a); carries {
		return !slices.ContainsFunc(inner, func(v4 netip.Addr) bool { return within(v4, special4()) })
	}
	// Everything that is global today is below 2000::/3; the rest, with
	// loopback, v4-compatible, unique local, link-local and multicast
	// addresses, is refused unseen; so is an address with a zone, which is in
	// no prefix.
	return within(a, []string{"2000::/3"}) && !within(a, special6())
}

// special4 are the IPv4 networks that are not public.
func special4() []string {
	return []string{
		"0.0.0.0/8",        // this network, RFC 791
		"10.0.0.0/8",       // private, RFC 1918
		"100.64.0.0/10",    // carrier-grade NAT, RFC 6598
		"127.0.0.0/8",      // loopback, RFC 1122
		"168.63.129.16/32", // the host of an Azure machine, which hands out its secrets
		"169.254.0.0/16",   // link-local, RFC 3927, with the clouds' metadata
		"172.16.0.0/12",    // private, RFC 1918
		"192.0.0.0/24",     // protocol assignments, RFC 6890
		"192.0.2.0/24",     // documentation, RFC 5737
		"192.88.99.0/24",   // 6to4 relays, RFC 7526
		"192.168.0.0/16",   // private, RFC 1918
		"198.18.0.0/15",    // benchmarks, RFC 2544
		"198.51.100.0/24",  // documentation, RFC 5737
		"203.0.113.0/24",   // documentation, RFC 5737
		"224.0.0.0/4",      // multicast, RFC 5771
		"240.0.0.0/4",      // reserved, RFC 1112, and broadcast
	}
}

// special6 are the networks below 2000::/3 that are not public.
func special6() []string {
	return []string{
		"2001::/23",     // protocol assignments with benchmarks and ORCHID, RFC 2928
		"2001:db8::/32", // documentation, RFC 3849
		"3fff::/20",     // documentation, RFC 9637
	}
}

// carried returns the IPv4 addresses inside one of NAT64 (RFC 6052), 6to4
// (RFC 3056) or Teredo (RFC 4380: its server, and its client with all bits
// inverted).
func carried(a netip.Addr) ([]netip.Addr, bool) {
	b := a.As16()
	switch {
	case within(a, []string{"64:ff9b::/96"}):
		return []netip.Addr{v4(b[12:16])}, true
	case within(a, []string{"2002::/16"}):
		return []netip.Addr{v4(b[2:6])}, true
	case within(a, []string{"2001::/32"}):
		client := binary.BigEndian.AppendUint32(nil, ^binary.BigEndian.Uint32(b[12:16]))
		return []netip.Addr{v4(b[4:8]), v4(client)}, true
	}
	return nil, false
}

func v4(b []byte) netip.Addr { return netip.AddrFrom4([4]byte(b)) }

func within(a netip.Addr, networks []string) bool {
	return slices.ContainsFunc(networks, func(n string) bool { return netip.MustParsePrefix(n).Contains(a) })
}
