package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

// templates are the files with template actions, in the order in which they are
// rendered: each may refer to the assets rendered before it. Those with a fixed
// URL keep it, because browsers or people know it by that name; the others are
// assets with a hashed name.
var templates = []struct{ name, url string }{
	{"worker.js", ""},
	{"language.js", ""},
	{"filesworker.js", ""},
	{"files.js", ""},
	{"rescue.js", ""},
	{"boot.js", ""},
	{manifestName, "/" + manifestName},
	{"index.html", "/"},
	{"sw.js", "/sw.js"},
}

// manifestName is the web app manifest's. There is one for each language, which has its code in the name:
// see web/language.js.
const manifestName = "manifest.webmanifest"

// types are the media types of the files a site may hold, by file extension.
var types = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".txt":         "text/plain; charset=utf-8",
	".wasm":        "application/wasm",
	".webmanifest": "application/manifest+json",
	".webp":        "image/webp",
	".woff2":       "font/woff2",
}

// site is everything a build reads.
type site struct {
	leaves    map[string]leaf   // by base name
	templates map[string]string // source by name
}

// leaf is a file that refers to no other one.
type leaf struct {
	data []byte
	// shown marks a screenshot: part of the install dialog, of no use offline.
	shown bool
	// language marks the texts of one: a browser that shows it needs them offline.
	language bool
	// later marks what few visits need: it is fetched when the first visit is over.
	later bool
}

// file is one URL of the built site. Immutable ones have a URL that names their
// content.
type file struct {
	data      []byte
	mediaType string
	immutable bool
	precache  bool
	language  string            // "de" for the German texts
	later     bool              // it is kept when the first visit is over
	variants  map[string][]byte // by content coding
}

// readSite reads the files below dir and those that were built elsewhere, given
// as base name to path. Go code, tests, documents and the output are left out.
func readSite(dir string, elsewhere map[string]string) (*site, error) {
	s := &site{leaves: map[string]leaf{}, templates: map[string]string{}}
	isTemplate := map[string]bool{}
	for _, t := range templates {
		isTemplate[t.name] = true
	}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipDir(dir, p)
		}
		if strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{".go", ".md"}, filepath.Ext(p)) {
			return nil
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if isTemplate[d.Name()] && filepath.Dir(p) == filepath.Clean(dir) {
			s.templates[d.Name()] = string(data)
			return nil
		}
		folder := filepath.Base(filepath.Dir(p))
		return s.addLeaf(d.Name(), leaf{data: data, shown: folder == "screenshots", language: folder == "languages"})
	})
	if err != nil {
		return nil, fmt.Errorf("reading the site's files: %w", err)
	}
	for name, p := range elsewhere {
		data, err := os.ReadFile(p)
		if err != nil {
			return nil, fmt.Errorf("reading asset %s: %w", name, err)
		}
		if err := s.addLeaf(name, leaf{data: data, later: name == filesProgram+".wasm"}); err != nil {
			return nil, err
		}
	}
	for _, t := range templates {
		if _, ok := s.templates[t.name]; !ok {
			return nil, fmt.Errorf("%s is missing", filepath.Join(dir, t.name))
		}
	}
	return s, nil
}

// skipDir keeps the walk below root out of directories that are no part of the
// site.
func skipDir(root, p string) error {
	rel, err := filepath.Rel(root, p)
	if err != nil {
		return err
	}
	if rel != "." && (slices.Contains([]string{"build", "dist", "testdata"}, rel) || strings.HasPrefix(rel, ".")) {
		return fs.SkipDir
	}
	return nil
}

func (s *site) addLeaf(name string, l leaf) error {
	if _, taken := s.leaves[name]; taken {
		return fmt.Errorf("two assets are called %s", name)
	}
	source := name
	if path.Ext(name) == ".ts" {
		name = strings.TrimSuffix(name, ".ts") + ".js"
	}
	if _, known := types[path.Ext(name)]; !known {
		return fmt.Errorf("asset %s: no media type is known for files %q", name, path.Ext(name))
	}
	var err error
	l.data, err = minify(source, l.data)
	s.leaves[name] = l
	return err
}

// build returns the site's version, and its files by URL. The version changes when any of
// them does, or the tag.
func (s *site) build(tag string) (string, map[string]*file, error) {
	files, err := s.render("")
	if err != nil {
		return "", nil, err
	}
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%q\n", tag) // a hash takes everything
	for _, url := range slices.Sorted(maps.Keys(files)) {
		_, _ = fmt.Fprintf(h, "%q %s\n", url, files[url].integrity())
	}
	version := hex.EncodeToString(h.Sum(nil))[:16]
	files, err = s.render(version)
	return version, files, err
}

// render returns the files of the site by URL.
func (s *site) render(version string) (map[string]*file, error) {
	files := map[string]*file{}
	urls := map[string]string{}
	publish := func(name, url string, data []byte, precache bool) {
		immutable := url == ""
		if immutable {
			url = hashedURL(name, data)
			urls[name] = url
		}
		files[url] = &file{data: data, mediaType: types[path.Ext(name)], immutable: immutable, precache: precache}
	}
	for name, l := range s.leaves {
		publish(name, "", l.data, !l.shown && !l.language && !l.later)
		if l.language {
			files[urls[name]].language = strings.TrimSuffix(name, ".json")
		}
		files[urls[name]].later = l.later
	}
	asset := func(name string) (string, error) {
		url, ok := urls[name]
		if !ok {
			return "", fmt.Errorf("there is no asset %q (yet)", name)
		}
		return url, nil
	}
	funcs := template.FuncMap{
		"asset": asset,
		"integrity": func(name string) (string, error) {
			url, err := asset(name)
			if err != nil {
				return "", err
			}
			return files[url].integrity(), nil
		},
		"size": func(name string) (int, error) {
			l, ok := s.leaves[name]
			if !ok {
				return 0, fmt.Errorf("there is no asset %q", name)
			}
			return len(l.data), nil
		},
	}
	for _, t := range templates {
		tmpl, err := template.New(t.name).Funcs(funcs).Option("missingkey=error").Parse(s.templates[t.name])
		if err != nil {
			return nil, fmt.Errorf("reading template: %w", err)
		}
		languages := map[string]catalogue{"en": nil}
		if t.name == manifestName {
			if languages, err = s.catalogues(); err != nil {
				return nil, err
			}
		}
		for code, texts := range languages {
			var b bytes.Buffer
			if err := tmpl.Execute(&b, page{version, code, t.name, files, texts}); err != nil {
				return nil, fmt.Errorf("rendering template: %w", err)
			}
			data, err := minify(t.name, b.Bytes())
			if err != nil {
				return nil, err
			}
			url := t.url
			if code != "en" {
				url = strings.Replace(url, ".", "."+code+".", 1)
			}
			publish(t.name, url, data, url == "" || url == "/")
		}
	}
	return files, nil
}

// catalogue has the texts of a language by the English ones. A plural is an object.
type catalogue map[string]any

// catalogues are those of all languages; English has none.
func (s *site) catalogues() (map[string]catalogue, error) {
	all := map[string]catalogue{"en": nil}
	for name, l := range s.leaves {
		if !l.language {
			continue
		}
		var c catalogue
		if err := json.Unmarshal(l.data, &c); err != nil {
			return nil, fmt.Errorf("reading the texts of %s: %w", name, err)
		}
		all[strings.TrimSuffix(name, ".json")] = c
	}
	return all, nil
}

// page is what a template sees besides its functions.
type page struct {
	Version  string
	Language string
	name     string
	files    map[string]*file
	texts    catalogue
}

// Tr is a text in the page's language, as a JSON string.
func (p page) Tr(english string) (string, error) {
	if text, ok := p.texts[english]; ok {
		return jsonText(text)
	}
	return jsonText(english)
}

// Precache is the JSON object of the URLs that make the site work offline, each
// with the integrity of its file. Only the last template can have it, when every
// other URL is known.
func (p page) Precache() (string, error) {
	if last := templates[len(templates)-1].name; p.name != last {
		return "", fmt.Errorf("only %s can use .Precache", last)
	}
	integrities := map[string]string{}
	for url, f := range p.files {
		if f.precache {
			integrities[url] = f.integrity()
		}
	}
	return jsonText(integrities)
}

// Languages is the JSON object of the catalogues, by language: the URL and the integrity.
func (p page) Languages() (string, error) {
	catalogues := map[string][2]string{}
	for url, f := range p.files {
		if f.language != "" {
			catalogues[f.language] = [2]string{url, f.integrity()}
		}
	}
	return jsonText(catalogues)
}

// Later is the JSON object of the URLs that few visits need, each with the integrity of its file.
func (p page) Later() (string, error) {
	later := map[string]string{}
	for url, f := range p.files {
		if f.later {
			later[url] = f.integrity()
		}
	}
	return jsonText(later)
}

// Text is the file of a URL as a JavaScript text.
func (p page) Text(url string) (string, error) {
	f, ok := p.files[url]
	if !ok {
		return "", fmt.Errorf("there is no file %q (yet)", url)
	}
	return jsonText(string(f.data))
}

// jsonText is JSON that is JavaScript too, and has no more escapes than it needs.
func jsonText(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSpace(b.String()), err
}

// integrity is the file's metadata for Subresource Integrity: a browser refuses
// any other content.
func (f *file) integrity() string {
	sum := sha256.Sum256(f.data)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// hashedURL names an asset by its content: /assets/NAME.HASH.EXT.
func hashedURL(name string, data []byte) string {
	sum := sha256.Sum256(data)
	ext := path.Ext(name)
	return "/assets/" + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:8]) + ext
}

// Manifest is assets.json: every URL the server answers from the site. The file
// of a URL is the URL below the output directory, /index.html for "/"; its
// variants add ".br" and ".gz".
type Manifest struct {
	Version string           `json:"version"`
	Files   map[string]Entry `json:"files"`
}

// Entry describes the file of one URL. An immutable one never changes under
// its URL. Encodings are the content codings there is a variant for, best first.
type Entry struct {
	Type      string   `json:"type"`
	Size      int      `json:"size"`
	Immutable bool     `json:"immutable"`
	Encodings []string `json:"encodings"`
}

// write makes dir hold the files and assets.json, and nothing else but dot files.
// assets.json comes last: it is what says that the rest is complete.
func write(dir, version string, files map[string]*file) error {
	m := Manifest{Version: version, Files: map[string]Entry{}}
	keep := map[string]bool{"assets.json": true}
	for url, f := range files {
		name := strings.TrimPrefix(url, "/")
		if url == "/" {
			name = "index.html"
		}
		e := Entry{Type: f.mediaType, Size: len(f.data), Immutable: f.immutable, Encodings: []string{}}
		contents := map[string][]byte{name: f.data}
		for _, c := range codings {
			if data, ok := f.variants[c.name]; ok {
				contents[name+c.suffix] = data
				e.Encodings = append(e.Encodings, c.name)
			}
		}
		m.Files[url] = e
		for name, data := range contents {
			keep[name] = true
			if err := writeFile(filepath.Join(dir, filepath.FromSlash(name)), data); err != nil {
				return fmt.Errorf("writing %s: %w", url, err)
			}
		}
	}
	if err := removeOthers(dir, keep); err != nil {
		return fmt.Errorf("removing files of an earlier build: %w", err)
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding assets.json: %w", err)
	}
	if err := writeFile(filepath.Join(dir, "assets.json"), append(b, '\n')); err != nil {
		return fmt.Errorf("writing assets.json: %w", err)
	}
	return nil
}

// writeFile writes a file whole or not at all, so that a build that is cut
// short leaves none that looks complete.
func writeFile(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, werr := io.Copy(f, bytes.NewReader(data))
	if err := errors.Join(werr, f.Chmod(0o644), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), name)
}

func removeOthers(dir string, keep map[string]bool) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		if keep[filepath.ToSlash(rel)] || strings.HasPrefix(d.Name(), ".git") {
			return nil
		}
		return os.Remove(p)
	})
}
