// Package netip stands in for net/netip, which package net/url needs for a host in brackets
// alone. The program has its hosts from the browser, which has parsed them.
package netip

import (
	"errors"
	"strings"
)

// Addr is an address, of which only the version is known.
type Addr struct{ four bool }

// ParseAddr takes what looks like an address of either version.
func ParseAddr(s string) (Addr, error) {
	const digits = "0123456789"
	address, _, _ := strings.Cut(s, "%") // a zone
	switch {
	case strings.Contains(address, ":") && strings.Trim(address, digits+"abcdefABCDEF:.") == "":
		return Addr{}, nil
	case strings.Count(s, ".") == 3 && strings.Trim(s, digits+".") == "":
		return Addr{four: true}, nil
	}
	return Addr{}, errors.New("not an IP address: " + s)
}

// Is4 reports whether it is one of version 4.
func (a Addr) Is4() bool { return a.four }
