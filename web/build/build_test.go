package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
)

// source is a small site; long enough for its scripts to get smaller by compression.
func source() map[string]string {
	return map[string]string{
		"worker.js":            `importScripts("{{asset "wasm_exec.js"}}"); // for people` + "\n" + strings.Repeat("say(`worker`);", 50),
		"language.js":          `speak({{.Languages}});`,
		"languages/de.json":    `{"Users":"Personen"}`,
		"filesworker.js":       `importScripts("{{asset "wasm_exec.js"}}");`,
		"files.js":             `new Worker("{{asset "filesworker.js"}}");`,
		"rescue.js":            `rescue(); // for people` + "\n" + strings.Repeat("say(`rescue`);", 50),
		"boot.js":              `load("{{asset "app.wasm"}}", {{size "app.wasm"}}, "{{asset "worker.js"}}", "{{.Version}}"); // for people` + "\n" + strings.Repeat("say(`boot`);", 50),
		"manifest.webmanifest": `{"lang":"{{.Language}}","name":{{.Tr "Users"}},"icons":[{"src":"{{asset "icon.png"}}"}],"screenshots":[{"src":"{{asset "wide.png"}}"}]}`,
		"index.html":           `<link href="{{asset "app.css"}}"><script src="{{asset "boot.js"}}" integrity="{{integrity "boot.js"}}"></script>`,
		"sw.js":                `const version = "{{.Version}}", page = {{.Text "/"}}, precache = {{.Precache}};`,
		"css/app.css":          "/* for people */" + manyRules,
		"icons/icon.png":       "png",
		"screenshots/wide.png": "wide",
		"embed.go":             "package web",
		"dist/.gitkeep":        "",
		"dist/old.js":          "left by an earlier build",
		"README.md":            "for people",
	}
}

// manyRules are of a style sheet; each says something else.
var manyRules = func() (rules string) {
	for i := range 30 {
		rules += fmt.Sprintf(".rule-%d { padding: %dem }\n", i, i)
	}
	return rules
}()

// writeTree puts files into a new directory.
func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		if err := writeFile(filepath.Join(dir, name), []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// build runs everything but the compiler and returns the output's files by name.
func build(t *testing.T, src map[string]string, tag string) (map[string]string, error) {
	t.Helper()
	out := t.TempDir()
	err := buildInto(t, out, t.TempDir(), src, tag)
	return tree(t, out), err
}

func buildInto(t *testing.T, out, cache string, src map[string]string, tag string) error {
	t.Helper()
	compiled := writeTree(t, map[string]string{
		"app.wasm": strings.Repeat("app", 1000), "wasm_exec.js": "go();",
	})
	elsewhere := map[string]string{}
	for _, name := range []string{"app.wasm", "wasm_exec.js"} {
		elsewhere[name] = filepath.Join(compiled, name)
	}
	s, err := readSite(writeTree(t, src), elsewhere)
	if err != nil {
		return err
	}
	version, files, err := s.build(tag)
	if err != nil {
		return err
	}
	if err := (compressor{cache: cache, quality: 5}).addVariants(t.Context(), files); err != nil {
		return err
	}
	return write(out, version, files)
}

func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		files[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func manifest(t *testing.T, files map[string]string) Manifest {
	t.Helper()
	var m Manifest
	if err := json.Unmarshal([]byte(files["assets.json"]), &m); err != nil {
		t.Fatalf("assets.json: %v", err)
	}
	return m
}

func TestManifestListsExactlyTheFiles(t *testing.T) {
	files, err := build(t, source(), "")
	if err != nil {
		t.Fatal(err)
	}
	m := manifest(t, files)
	want := []string{"assets.json"}
	for url, e := range m.Files {
		name := strings.TrimPrefix(url, "/")
		if url == "/" {
			name = "index.html"
		}
		want = append(want, name)
		if got := len(files[name]); got != e.Size {
			t.Errorf("%s: size %d, file has %d", url, e.Size, got)
		}
		if e.Immutable != strings.HasPrefix(url, "/assets/") {
			t.Errorf("%s: immutable is %v", url, e.Immutable)
		}
		for _, coding := range e.Encodings {
			variant := name + map[string]string{"br": ".br", "gzip": ".gz"}[coding]
			want = append(want, variant)
			if got := decode(t, coding, files[variant]); got != files[name] {
				t.Errorf("%s decodes to something else than %s", variant, name)
			}
		}
	}
	var got []string
	for name := range files {
		got = append(got, name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the output has\n%v, the manifest says\n%v", got, want)
	}
	css := hashedURL("app.css", []byte(minified(t, "app.css", source()["css/app.css"])))
	if !slices.Equal(m.Files[css].Encodings, []string{"br", "gzip"}) {
		t.Errorf("encodings of the style sheet are %v", m.Files[css].Encodings)
	}
}

func decode(t *testing.T, coding, data string) string {
	t.Helper()
	var r io.Reader = brotli.NewReader(strings.NewReader(data))
	if coding == "gzip" {
		z, err := gzip.NewReader(strings.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		r = z
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTemplatesReferToHashedNames(t *testing.T) {
	files, err := build(t, source(), "")
	if err != nil {
		t.Fatal(err)
	}
	m := manifest(t, files)
	precached := precacheOf(t, files["sw.js"])
	precache := slices.Collect(maps.Keys(precached))
	for _, url := range precache {
		if _, ok := m.Files[url]; !ok {
			t.Errorf("the precache names %s, which is not in the manifest", url)
		}
		if strings.HasPrefix(url, "/assets/wide.") {
			t.Errorf("the precache has the screenshot %s", url)
		}
	}
	for _, want := range []string{"/", "/assets/app.", "/assets/worker.", "/assets/boot.", "/assets/wasm_exec.", "/assets/icon."} {
		if !slices.ContainsFunc(precache, func(url string) bool { return strings.HasPrefix(url, want) }) {
			t.Errorf("the precache %v lacks %s", precache, want)
		}
	}
	if slices.ContainsFunc(precache, func(url string) bool { return strings.HasPrefix(url, "/assets/de.") }) {
		t.Errorf("the precache %v has a language that nobody may speak here", precache)
	}
	for name, want := range map[string]string{"manifest.webmanifest": `{"lang":"en","name":"Users",`, "manifest.de.webmanifest": `{"lang":"de","name":"Personen",`} {
		if !strings.HasPrefix(files[name], want) || m.Files["/"+name].Type != "application/manifest+json" {
			t.Errorf("%s is %s", name, files[name])
		}
	}
	for name, text := range files {
		if strings.HasPrefix(name, "assets/language.") && strings.HasSuffix(name, ".js") && !strings.Contains(text, `de:["/assets/de.`) {
			t.Errorf("the script knows no German: %s", text)
		}
	}
	_, boot, _ := strings.Cut(files["index.html"], `src="/`)
	boot, _, _ = strings.Cut(boot, `"`)
	if !strings.Contains(files[boot], `",3e3,"/assets/worker.`) || !strings.Contains(files[boot], m.Version) {
		t.Errorf("boot script %s is %q", boot, files[boot])
	}
}

// precacheOf is the precache list that the small site's service worker has.
func precacheOf(t *testing.T, script string) map[string]string {
	t.Helper()
	_, list, _ := strings.Cut(script, "precache=")
	var integrities map[string]string
	if err := json.NewDecoder(strings.NewReader(list)).Decode(&integrities); err != nil {
		t.Fatalf("precache of %q: %v", script, err)
	}
	return integrities
}

// integrityOf is what Subresource Integrity (W3C) says of a content.
func integrityOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func TestEveryReferenceCarriesTheIntegrityOfItsFile(t *testing.T) {
	files, err := build(t, source(), "")
	if err != nil {
		t.Fatal(err)
	}
	precached := precacheOf(t, files["sw.js"])
	page, err := jsonText(files["index.html"])
	if err != nil {
		t.Fatal(err)
	}
	page = strings.Trim(minified(t, "sw.js", "x="+page), "x=;\n")
	if !strings.Contains(files["sw.js"], "page="+page+",") {
		t.Errorf("the service worker has not the page's text %s: %s", page, files["sw.js"])
	}
	if len(precached) < 8 {
		t.Errorf("the precache has only %v", precached)
	}
	for url, integrity := range precached {
		name := strings.TrimPrefix(url, "/")
		if url == "/" {
			name = "index.html"
		}
		if want := integrityOf(files[name]); integrity != want {
			t.Errorf("the precache says %s of %s, whose content has %s", integrity, url, want)
		}
	}
	_, boot, _ := strings.Cut(files["index.html"], `src="/`)
	boot, rest, _ := strings.Cut(boot, `"`)
	if want := ` integrity="` + integrityOf(files[boot]) + `"`; !strings.HasPrefix(rest, want) {
		t.Errorf("the page says %.80s of %s, whose content has %s", rest, boot, want)
	}
}

// TestThePageNamesTheIntegrityOfAllItLoads looks at the real templates: what a
// browser loads by itself it checks only when it is told to.
func TestThePageNamesTheIntegrityOfAllItLoads(t *testing.T) {
	page, err := os.ReadFile("../index.html")
	if err != nil {
		t.Fatal(err)
	}
	loads := regexp.MustCompile(`<(?:script|link rel="stylesheet")[^>]* (?:src|href)="{{asset "([^"]+)"[^>]*>`)
	found := loads.FindAllSubmatch(page, -1)
	if len(found) < 5 {
		t.Errorf("the page loads only %d files", len(found))
	}
	for _, m := range found {
		if !bytes.Contains(m[0], fmt.Appendf(nil, `integrity="{{integrity %q}}"`, m[1])) {
			t.Errorf("the page loads %s without its integrity: %s", m[1], m[0])
		}
	}
	if !bytes.Contains(page, []byte(`<link rel="manifest" href="/manifest.webmanifest" crossorigin="use-credentials">`)) {
		t.Error("the manifest is fetched without credentials, which a portal in front of the site asks for")
	}
}

func minified(t *testing.T, name, text string) string {
	t.Helper()
	b, err := minify(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWhatOnlyPeopleReadIsLeftOut(t *testing.T) {
	files, err := build(t, source(), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if strings.Contains(content, "for people") {
			t.Errorf("%s has a comment", name)
		}
	}
	script := minified(t, "a.js", `"use strict";
// A comment.
const known = 1; /* What no other script can see is renamed. */
function alsoKnown(argument) { return argument + "é"; }`)
	if script != `"use strict";const known=1;function alsoKnown(n){return n+"é"}`+"\n" {
		t.Errorf("the script is %s", script)
	}
}

// TestACommentMakesNoNewVersion: the version is of what is served.
func TestACommentMakesNoNewVersion(t *testing.T) {
	commented := source()
	commented["boot.js"] = "// Another comment.\n" + commented["boot.js"]
	commented["css/app.css"] = "/* Another. */" + commented["css/app.css"]
	if a, b := versionOf(t, source()), versionOf(t, commented); a != b {
		t.Errorf("the version was %s and is %s", a, b)
	}
}

func versionOf(t *testing.T, src map[string]string) string {
	t.Helper()
	files, err := build(t, src, "")
	if err != nil {
		t.Fatal(err)
	}
	return manifest(t, files).Version
}

func TestBuildIsDeterministic(t *testing.T) {
	a, err := build(t, source(), "")
	if err != nil {
		t.Fatal(err)
	}
	b, err := build(t, source(), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(a) != len(b) {
		t.Fatalf("%d files, then %d", len(a), len(b))
	}
	for name := range a {
		if a[name] != b[name] {
			t.Errorf("%s differs between two builds", name)
		}
	}
}

func TestVersionFollowsContentAndTag(t *testing.T) {
	changed := source()
	changed["css/app.css"] += "p { margin: 0 }\n"
	versions := map[string]string{}
	for name, v := range map[string]struct {
		src map[string]string
		tag string
	}{"as it is": {source(), ""}, "another tag": {source(), "b"}, "another style": {changed, ""}} {
		files, err := build(t, v.src, v.tag)
		if err != nil {
			t.Fatal(err)
		}
		version := manifest(t, files).Version
		if same, ok := versions[version]; ok {
			t.Errorf("%q and %q have the same version", name, same)
		}
		versions[version] = name
		if !strings.Contains(files["sw.js"], version) {
			t.Errorf("%s: the service worker does not change with the version", name)
		}
	}
}

func TestRebuildRemovesStaleFilesAndUsesTheCache(t *testing.T) {
	out, cache := t.TempDir(), t.TempDir()
	if err := writeFile(filepath.Join(out, ".gitkeep"), nil); err != nil {
		t.Fatal(err)
	}
	if err := buildInto(t, out, cache, source(), ""); err != nil {
		t.Fatal(err)
	}
	cached := tree(t, cache)
	src := source()
	delete(src, "icons/icon.png")
	src["icons/other.png"] = "other"
	src["manifest.webmanifest"] = strings.ReplaceAll(src["manifest.webmanifest"], "icon.png", "other.png")
	if err := buildInto(t, out, cache, src, ""); err != nil {
		t.Fatal(err)
	}
	files := tree(t, out)
	if _, ok := files[".gitkeep"]; !ok {
		t.Error(".gitkeep was removed")
	}
	for name := range files {
		if strings.HasPrefix(name, "assets/icon.") {
			t.Errorf("%s is left of the earlier build", name)
		}
	}
	again := tree(t, cache)
	for name := range cached {
		if again[name] != cached[name] {
			t.Errorf("cache entry %s changed", name)
		}
	}
	if bytes.Contains([]byte(files["sw.js"]), []byte("/assets/icon.")) {
		t.Error("the precache names a removed file")
	}
}

func TestInputErrorsNameTheFile(t *testing.T) {
	tests := map[string]struct {
		change func(map[string]string)
		want   string
	}{
		"no template":       {func(s map[string]string) { delete(s, "sw.js") }, "sw.js is missing"},
		"unknown asset":     {func(s map[string]string) { s["index.html"] = `{{asset "nope.css"}}` }, "nope.css"},
		"unknown integrity": {func(s map[string]string) { s["index.html"] = `{{integrity "nope.js"}}` }, "nope.js"},
		"unknown text":      {func(s map[string]string) { s["sw.js"] = `{{.Text "/nope"}}` }, "/nope"},
		"unknown size":      {func(s map[string]string) { s["boot.js"] = `{{size "nope.wasm"}}` }, "nope.wasm"},
		"not yet rendered":  {func(s map[string]string) { s["worker.js"] = `{{asset "boot.js"}}` }, "boot.js"},
		"precache too soon": {func(s map[string]string) { s["index.html"] = `{{.Precache}}` }, "only sw.js"},
		"unknown field":     {func(s map[string]string) { s["index.html"] = `{{.Wersion}}` }, "Wersion"},
		"broken template":   {func(s map[string]string) { s["boot.js"] = `{{asset` }, "boot.js"},
		"broken script":     {func(s map[string]string) { s["boot.js"] = "a;\nif;" }, "boot.js:2"},
		"broken asset":      {func(s map[string]string) { s["extra.js"] = "(" }, "extra.js:1"},
		"broken style":      {func(s map[string]string) { s["css/app.css"] = "p { margin 0 }" }, "app.css:1"},
		"same name twice":   {func(s map[string]string) { s["other/app.css"] = "" }, "app.css"},
		"unknown type":      {func(s map[string]string) { s["a.exe"] = "" }, "a.exe"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			src := source()
			test.change(src)
			_, err := build(t, src, "")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want one that names %q", err, test.want)
			}
		})
	}
	_, err := readSite(writeTree(t, source()), map[string]string{"app.wasm": "no/such/app.wasm"})
	if err == nil || !strings.Contains(err.Error(), "app.wasm") {
		t.Errorf("a missing wasm file gives %v", err)
	}
}
