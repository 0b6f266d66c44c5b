// Package coding chooses the content coding of an answer by a request's
// Accept-Encoding (RFC 9110, section 12.5.3).
package coding

import (
	"strconv"
	"strings"
)

// The codings. Identity is the content as it is.
const (
	Identity = "identity"
	Brotli   = "br"
	Zstd     = "zstd"
	Gzip     = "gzip"
)

// Choose returns which of the offered codings a client likes best, given the
// values of its Accept-Encoding. Among equals the earlier one wins, and
// Identity, wherever it stands, comes last. ok is false when the client takes none.
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

// weight is how much a client likes a coding, 0 for not at all.
func weight(weights map[string]float64, coding string, unsaid bool) float64 {
	if q, named := weights[coding]; named {
		return q
	}
	if coding == Identity {
		// Always acceptable unless excluded, but what was named is liked better.
		if q, any := weights["*"]; any && q == 0 {
			return 0
		}
		return 0.0001
	}
	if unsaid {
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

// quality reads ";q=0.5". What can't be read counts as not acceptable: nobody is
// hurt by getting another coding.
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
