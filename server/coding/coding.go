// Package coding selects the content coding of a response by the request's Accept-Encoding
// (RFC 9110, section 12.5.3).
package coding

import (
	"strconv"
	"strings"
)

// Content codings. Identity is the unencoded content.
const (
	Identity = "identity"
	Brotli   = "br"
	Zstd     = "zstd"
	Gzip     = "gzip"
)

// Choose returns the offered coding that a client prefers, given the values of its
// Accept-Encoding. Among equals the earlier one wins, and Identity comes last. ok is false if
// the client accepts none.
func Choose(accept []string, offered ...string) (best string, ok bool) {
	weights := parseAccept(accept)
	var most float64
	try := func(coding string) {
		if q := weight(weights, coding, len(accept) == 0); q > most {
			best, most = coding, q
		}
	}
	identity := false
	for _, o := range offered {
		if o == Identity {
			identity = true
			continue
		}
		try(o)
	}
	if identity {
		try(Identity)
	}
	return best, most > 0
}

// weight is a client's quality value of a coding; 0 means not acceptable.
func weight(weights map[string]float64, coding string, noHeader bool) float64 {
	if q, named := weights[coding]; named {
		return q
	}
	if coding == Identity {
		// Acceptable unless excluded, but any named coding is preferred.
		if q, any := weights["*"]; any && q == 0 {
			return 0
		}
		return 0.0001
	}
	if noHeader {
		return 0
	}
	return weights["*"]
}

func parseAccept(values []string) map[string]float64 {
	weights := map[string]float64{}
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			coding, parameters, _ := strings.Cut(part, ";")
			coding = strings.ToLower(strings.TrimSpace(coding))
			if coding == "" {
				continue
			}
			if coding == "x-gzip" {
				coding = Gzip
			}
			weights[coding] = quality(parameters)
		}
	}
	return weights
}

// quality parses ";q=0.5". An invalid value makes the coding unacceptable, which is harmless:
// the client gets another one.
func quality(parameters string) float64 {
	text := strings.TrimSpace(parameters)
	if text == "" {
		return 1
	}
	name, value, _ := strings.Cut(text, "=")
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !strings.EqualFold(strings.TrimSpace(name), "q") || q < 0 || q > 1 {
		return 0
	}
	return q
}
