package main

import (
	"errors"
	"fmt"
	"path"

	"github.com/evanw/esbuild/pkg/api"
)

// loaders are of the files that are minified, by extension.
var loaders = map[string]api.Loader{".js": api.LoaderJS, ".css": api.LoaderCSS, ".ts": api.LoaderTS}

// minify returns a script or a style sheet without what only people read. Names at the
// top level stay, because other scripts know them, and so do licences: comments that begin
// with "/*!".
func minify(name string, data []byte) ([]byte, error) {
	loader, ok := loaders[path.Ext(name)]
	if !ok {
		return data, nil
	}
	r := api.Transform(string(data), api.TransformOptions{
		Sourcefile: name, Loader: loader, Target: api.ES2022, Charset: api.CharsetUTF8,
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, LegalComments: api.LegalCommentsInline,
	})
	var found error
	for _, m := range append(r.Errors, r.Warnings...) {
		found = errors.Join(found, fmt.Errorf("%s:%d:%d: %s", name, m.Location.Line, m.Location.Column, m.Text))
	}
	return r.Code, found
}
