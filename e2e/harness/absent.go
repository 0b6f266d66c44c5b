package harness

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// integritiesOf finds the list of files in the service worker's script.
var integritiesOf = regexp.MustCompile(`needed=(\{[^}]*\})`)

// Prepend makes a script run before those of the site, in its pages and in its workers: the
// proxy puts it into their files. Every browser runs it, also offline.
func (p *Proxy) Prepend(script string) {
	p.t.Helper()
	serviceWorker := p.original("/sw.js")
	var integrities map[string]string
	if found := integritiesOf.FindStringSubmatch(serviceWorker); len(found) != 2 || json.Unmarshal([]byte(found[1]), &integrities) != nil {
		p.t.Fatal("the service worker's script has no list of files")
	}
	replace := func(path, mediaType, content string) {
		sum := sha256.Sum256([]byte(content))
		serviceWorker = strings.Replace(serviceWorker, integrities[path], "sha256-"+base64.StdEncoding.EncodeToString(sum[:]), 1)
		p.Serve(path, mediaType, []byte(content))
	}
	page := strings.Replace(p.original("/"), "<head>", "<head><script>"+script+"</script>", 1)
	replace("/", "text/html; charset=utf-8", page)
	p.Serve("/sync", "text/html; charset=utf-8", []byte(page))
	for path := range integrities {
		if strings.HasPrefix(path, "/assets/worker.") {
			replace(path, "text/javascript; charset=utf-8", script+"\n"+p.original(path))
		}
	}
	p.Serve("/sw.js", "text/javascript; charset=utf-8", []byte(script+"\n"+serviceWorker))
}

// original is a file as the server has it.
func (p *Proxy) original(path string) string {
	p.t.Helper()
	res, err := http.Get(p.target.String() + path)
	if err != nil {
		p.t.Fatalf("reading %s: %v", path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		p.t.Fatalf("reading %s: %s (%v)", path, res.Status, err)
	}
	return string(text)
}
