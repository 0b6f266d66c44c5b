package rest

import (
	"slices"
	"strconv"
	"strings"
)

// etag is the strong entity tag of a user's version.
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// version is the version that an If-Match tag names, or -1, which no user has, for a tag that
// is not ours.
func version(tag string) int64 {
	text, ok := strings.CutPrefix(tag, `"`)
	if !ok {
		return -1
	}
	if text, ok = strings.CutSuffix(text, `"`); !ok {
		return -1
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < 1 || etag(v) != tag {
		return -1
	}
	return v
}

// splitTags splits the values of If-Match or If-None-Match. Our tags contain no comma; the
// parts of a foreign tag with one match nothing.
func splitTags(values []string) []string {
	var tags []string
	for _, v := range values {
		for tag := range strings.SplitSeq(v, ",") {
			if tag = strings.TrimSpace(tag); tag != "" {
				tags = append(tags, tag)
			}
		}
	}
	return tags
}

// matches compares the tags of If-None-Match weakly.
func matches(values []string, tag string) bool {
	return slices.ContainsFunc(splitTags(values), func(t string) bool {
		return t == "*" || strings.TrimPrefix(t, "W/") == tag
	})
}
