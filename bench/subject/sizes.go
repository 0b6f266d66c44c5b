package subject

import (
	"fmt"
	"strconv"
	"strings"
)

// Sizes reads numbers of people for a flag, separated by commas, of at least so many each.
func Sizes(text string, least int) (sizes []int, err error) {
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < least {
			return nil, fmt.Errorf("%q is no number of people from %d on", part, least)
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}
