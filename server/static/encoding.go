package static

import (
	"strconv"
	"strings"
)

const identity = "identity"

// choose returns the variant a client likes best by its Accept-Encoding (RFC
// 9110, section 12.5.3). Among equals a compressed one wins, the earlier of
// them. ok is false when the client takes none.
func choose(variants []variant, accept []string) (best variant, ok bool) {
	weights := parseAccept(accept)
	var most float64
	// identity stands first and must not win a draw, so it is looked at last.
	for _, v := range append(variants[1:len(variants):len(variants)], variants[0]) {
		if q := weight(weights, v.coding, len(accept) == 0); q > most {
			best, most = v, q
		}
	}
	return best, most > 0
}

// weight is how much a client likes a coding, 0 for not at all.
func weight(weights map[string]float64, coding string, unsaid bool) float64 {
	if q, named := weights[coding]; named {
		return q
	}
	if coding == identity {
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
				coding = "gzip"
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
