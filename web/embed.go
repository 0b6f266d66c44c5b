// Package web holds the built web files, for the server to embed.
package web

import "embed"

// Dist is the directory dist as web/build left it; without a build it holds no
// assets.json. "all:" also takes the dot file that keeps the directory in git.
//
//go:embed all:dist
var Dist embed.FS
