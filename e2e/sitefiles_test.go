//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// spoilScript spoils a file in the site's caches: its beginning alone stays, or
// another content comes in its place, or it goes.
const spoilScript = `(async (name, how) => {
	const [stem, ending] = name.split(".");
	const wanted = (path) => name === "/" ? path === "/" : path.startsWith("/assets/" + stem + ".") && path.endsWith("." + ending);
	let spoiled = 0;
	for (const cacheName of await caches.keys()) {
		const cache = await caches.open(cacheName);
		for (const request of await cache.keys()) {
			if (!wanted(new URL(request.url).pathname)) continue;
			const { headers } = await cache.match(request);
			const bytes = await (await cache.match(request)).arrayBuffer();
			await cache.delete(request);
			if (how === "truncated") await cache.put(request, new Response(bytes.slice(0, bytes.byteLength / 2), { headers }));
			if (how === "changed") new Uint8Array(bytes)[bytes.byteLength - 9] ^= 1;
			if (how === "changed") await cache.put(request, new Response(bytes, { headers }));
			if (how === "html") await cache.put(request, new Response("<h1>Sign in</h1>", { headers: { "Content-Type": "text/html" } }));
			spoiled++;
		}
	}
	return spoiled;
})(%q, %q)`

// wrongScript lists what is wrong with the site's caches: files that are not what
// their names say, and those that are missing.
const wrongScript = `(async () => {
	const wrong = [];
	const wanted = JSON.parse(/needed=(\{[^}]*\})/.exec(await (await fetch("/sw.js")).text())[1]);
	const names = (await caches.keys()).filter((name) => name.startsWith("rollcall-"));
	if (names.length !== 1) wrong.push("the caches are " + names);
	for (const name of names) {
		const cache = await caches.open(name);
		const found = new Set((await cache.keys()).map((request) => new URL(request.url).pathname));
		for (const [path, integrity] of Object.entries(wanted)) {
			if (!found.has(path)) { wrong.push(path + " is missing"); continue; }
			const sum = await crypto.subtle.digest("SHA-256", await (await cache.match(path)).arrayBuffer());
			if (integrity !== "sha256-" + btoa(String.fromCharCode(...new Uint8Array(sum)))) wrong.push(path + " is spoiled");
		}
	}
	return wrong;
})()`

func (d directory) spoil(name, how string) {
	d.t.Helper()
	if n := harness.Eval[int](d.Page, fmt.Sprintf(spoilScript, name, how)); n == 0 {
		d.t.Fatalf("there is no %s in the caches", name)
	}
}

// cacheIsWhole waits until the site's cache has every file as it was built.
func (d directory) cacheIsWhole() {
	d.t.Helper()
	harness.Eventually(d.t, "the cache is whole", func() error {
		wrong, err := harness.TryEval[[]string](d.Page, wrongScript)
		if err == nil && len(wrong) > 0 {
			err = fmt.Errorf("%v", wrong)
		}
		return err
	})
}

// portalAt answers these paths with a page of its own, and counts how often.
func portalAt(site *harness.Site, matches func(path string) bool) *atomic.Int64 {
	var caught atomic.Int64
	site.Proxy.Portal(func(w http.ResponseWriter, r *http.Request) bool {
		if !matches(r.URL.Path) {
			return false
		}
		caught.Add(1)
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Cache-Control", "max-age=86400") // as careless as portals are
		_, _ = w.Write([]byte("<!doctype html><title>Portal</title><h1>Sign in to the portal</h1>"))
		return true
	})
	return &caught
}

func allowFailedInstall(b *harness.Browser) {
	for _, text := range []string{"was not installed", "does not come as it was built", "integrity checks failed", "valid digest", "failed to load"} {
		b.Allow(text)
	}
}

func TestSpoiledFilesAreMendedByThemselves(t *testing.T) {
	mainPath(t, spoiledFilesAreMendedByThemselves)
}

func spoiledFilesAreMendedByThemselves(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	users := openUsers(t, b, site.URL())
	users.cacheIsWhole()
	for _, spoiled := range [][]struct{ name, how string }{
		{{"app.wasm", "truncated"}, {"worker.js", "truncated"}, {"boot.js", "html"}, {"app.css", "html"}},
		{{"app.wasm", "html"}, {"worker.js", "html"}, {"rescue.js", "html"}, {"wasm_exec.js", "truncated"}, {"icon-512.png", "html"}},
		{{"app.wasm", "changed"}, {"idb-helper.js", "changed"}, {"/", "html"}},
		// What a missing file costs is seen without a network alone.
		{{"app.wasm", "missing"}, {"boot.js", "missing"}, {"worker.js", "missing"}, {"/", "missing"}, {"app.css", "missing"}},
	} {
		for _, s := range spoiled {
			users.spoil(s.name, s.how)
		}
		users.Reload()
		users.See("heading", "Users")
		users.isOnline()
		users.cacheIsWhole()
	}
	b.Offline(site.Proxy, true)
	users.ForgetFiles()
	users.Reload()
	users.isOffline()
	users.hasState("Ann Archer", "")
}

// TestServiceWorkerRunsOnlyTheProgramAsItWasBuilt: with every tab closed no page checks
// the program that the service worker has in its cache.
func TestServiceWorkerRunsOnlyTheProgramAsItWasBuilt(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	b := harness.OpenBrowser(t)
	registrations := b.Registrations()
	users := openUsers(t, b, site.URL())
	users.cacheIsWhole()
	users.Close()
	b.WaitWorkers(site.URL(), 0)
	probe := directory{bare(t, b, site.URL()), t}
	for _, how := range []string{"changed", "truncated", "html", "missing"} {
		registrations.StopAll()
		probe.spoil("app.wasm", how)
		site.Proxy.ResetRequests()
		registrations.PeriodicSync(site.URL(), periodicTag)
		probe.cacheIsWhole()
		harness.Eventually(t, "the service worker pulls", func() error {
			if len(site.Proxy.Requests("GET", "/api/v1/changes")) == 0 {
				return fmt.Errorf("it did not, with the program %s", how)
			}
			return nil
		})
	}
}

func TestAPortalCantSpoilAnInstallation(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	b := harness.OpenBrowser(t)
	allowFailedInstall(b)
	// During the first installation: nothing of it is kept.
	caught := portalAt(site, func(path string) bool { return strings.HasPrefix(path, "/assets/icon-maskable") })
	users := openOffline(t, b, site.URL())
	harness.Eventually(t, "the portal has been in the way of the installation", func() error {
		if caught.Load() == 0 || harness.Eval[bool](users.Page, `rollcall.registration.then((r) => r.installing !== null)`) {
			return fmt.Errorf("it has answered %d times, and the installation goes on", caught.Load())
		}
		return nil
	})
	if harness.Eval[bool](users.Page, `rollcall.registration.then((r) => r.active !== null)`) {
		t.Error("a version is installed with the portal's page among its files")
	}
	users.isOnline()
	site.Proxy.Portal(nil)
	users.Reload()
	users.WaitOfflineReady()
	users.cacheIsWhole()

	// During an update, for as long as it stays: the version before goes on.
	before := harness.Eval[string](users.Page, `rollcall.version`)
	deploy(site, newer(t))
	caught = portalAt(site, func(path string) bool { return strings.HasPrefix(path, "/assets/boot") })
	harness.Eval[string](users.Page, `rollcall.registration.then((r) => r.update()).then((r) => new Promise((ended) => {
		const worker = r.installing;
		if (!worker) return ended("");
		worker.onstatechange = () => ended(worker.state);
	})).catch(String)`)
	if caught.Load() == 0 {
		t.Error("the portal was not in the way of the update")
	}
	users.Reload()
	users.See("heading", "Users")
	users.isOnline()
	if v := harness.Eval[string](users.Page, `rollcall.version`); v != before || harness.Eval[bool](users.Page, `rollcall.updateWaiting()`) {
		t.Errorf("the page has version %s, and was %s; a new one waits or not", v, before)
	}

	// What the older version's cache has of it is not copied.
	site.Proxy.Portal(nil)
	users.spoil("icon-512.png", "html")
	harness.Eval[bool](users.Page, `rollcall.registration.then((r) => r.update()).then(() => true)`)
	users.SeeText("A new version is ready")
	users.Click("button", "Reload")
	users.leavesVersion(before)
	users.See("heading", "Users")
	users.cacheIsWhole()
}

// leavesVersion waits until the page runs another version of the program.
func (d directory) leavesVersion(before string) {
	d.t.Helper()
	harness.Eventually(d.t, "the page runs another version", func() error {
		v, err := harness.TryEval[string](d.Page, `globalThis.rollcall?.version ?? ""`)
		if err == nil && (v == before || v == "") {
			err = fmt.Errorf("it runs version %q", v)
		}
		return err
	})
}

func TestAVersionThatCantBeMendedGivesWayToTheNewer(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	b := harness.OpenBrowser(t)
	users := openUsers(t, b, site.URL())
	before := harness.Eval[string](users.Page, `rollcall.version`)
	deploy(site, newer(t))
	allowFailedInstall(b)
	users.Allow("Rollcall could not be loaded")
	users.Allow("integrity checks failed")
	users.spoil("boot.js", "truncated") // the server has it no more
	users.ForgetFiles()
	users.Reload()
	users.leavesVersion(before)
	users.See("heading", "Users")
	users.cacheIsWhole()

	// Nor does a page that still runs hold up the next one: its version can't start again.
	site.Server.Stop()
	site.Server.Use(binary(t))
	site.Server.Start()
	users.spoil("app.wasm", "truncated")
	harness.Eval[bool](users.Page, `rollcall.registration.then((r) => r.update()).then(() => true)`)
	users.SeeText(newVersionIsReady)
	harness.Eventually(t, "the other version has taken over", func() error {
		return harness.Equal("one waits", harness.Eval[bool](users.Page, `rollcall.registration.then((r) => r.waiting !== null || r.installing !== null)`), false)
	})
}

// TestTheQueueComesBackFromAFile: the program can't start and there is no network; a
// week of work is saved to a file, all data are cleared, and the file is taken in.
func TestTheQueueComesBackFromAFile(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	b := harness.OpenBrowser(t)
	users := openUsers(t, b, site.URL())
	users.hasState("Ann Archer", "")
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.edit("Ann Archer", harness.Person{Bio: "Draws"})
	users.add(dora)
	users.remove("Carl Cole")
	users.spoil("app.wasm", "truncated")
	users.ForgetFiles()
	users.Allow("Rollcall could not be loaded")
	users.Reload()
	users.See("alertdialog", "Rollcall could not be loaded")
	users.SeeText("3 changes made here wait to be sent. They stay on this device.")
	for _, v := range users.Accessibility("node_modules/axe-core/axe.min.js") {
		t.Errorf("the failure page: %s", v)
	}
	dir := users.Downloads()
	users.Click("button", "Save changes to a file")
	users.SeeText("3 changes were saved to a file.")
	file := users.Download(dir)

	users.Evict()
	b.Offline(site.Proxy, false)
	users.Go("/sync")
	users.See("heading", "Sync")
	garbage := filepath.Join(t.TempDir(), "garbage.json")
	if err := os.WriteFile(garbage, []byte(`{"format":"something else"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	users.Choose("take-in", garbage)
	users.SeeText("The file was not loaded. This is not a file of saved changes of Rollcall")
	users.Choose("take-in", file)
	users.SeeText("3 changes were loaded.")
	users.WaitQueueEmpty()
	users.Choose("take-in", file)
	users.SeeText("3 changes were here already, or had been sent.")
	users.Go("/")
	users.shows(map[string]string{"Ann Archer": "", "Bob Baker": "", "Dora Dent": ""})
	users.matchesServer(site)
	eachSentOnce(t, site, before, site.Proxy)
	if r, _ := site.Row("Ann Archer"); r.Bio != "Draws" {
		t.Errorf("Ann became %+v", r)
	}
	// Another device takes the same file in: the server knows the changes again.
	other := site.AnotherProxy()
	friend := openUsers(t, harness.OpenBrowser(t), other.URL())
	friend.Go("/sync")
	friend.Choose("take-in", file)
	friend.SeeText("3 changes were loaded.")
	friend.WaitQueueEmpty()
	friend.Go("/")
	friend.shows(map[string]string{"Ann Archer": "", "Bob Baker": "", "Dora Dent": ""})
	if got := site.Changes() - before.changes; got != 3 {
		t.Errorf("the server counts %d changes, want 3", got)
	}
}

// rescueScript loads the site's rescue.js into a page that is not the app.
const rescueScript = `fetch("/").then((r) => r.text()).then((page) => fetch(/\/assets\/rescue[^"]*/.exec(page)[0])).then((r) => r.text())`

// savedChanges is the file that rescue.js makes of what waits.
type savedChanges struct {
	Format            string
	Version, Database int
	Operations        []struct{ ID, Type string }
	Unreadable        []json.RawMessage
	SavedAt, Program  string
}

// rescued has rescue.js read the queue in a page that is not the app.
func rescued(t *testing.T, p *harness.Page) (s savedChanges, operations []string) {
	t.Helper()
	text := harness.Eval[string](p, `rollcallRescue.read().then(({ file }) => file)`)
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	for _, o := range s.Operations {
		operations = append(operations, o.ID+" "+o.Type)
	}
	return s, operations
}

// queueToRescue leaves two operations in the queue, and returns a page that can read them.
func queueToRescue(t *testing.T) *harness.Page {
	t.Helper()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	b := harness.OpenBrowser(t)
	other := bare(t, b, site.URL())
	harness.Eval[int](other, harness.Eval[string](other, rescueScript)+"; 0")
	leaveWork(t, b, site) // without a network from here on, so that nobody else opens the database
	return other
}

func TestTheQueueOfEveryVersionCanBeSaved(t *testing.T) {
	t.Parallel()
	other := queueToRescue(t)
	_, ids := rescued(t, other)
	check := func(version int) {
		t.Helper()
		s, got := rescued(t, other)
		if s.Format != "rollcall-changes" || s.Version != 1 || s.Database != version || len(got) != 2 || fmt.Sprint(got) != fmt.Sprint(ids) || len(s.Unreadable) != 0 {
			t.Errorf("of version %d %+v is saved, want %v", version, s, ids)
		}
	}
	latest := newest(other)
	check(latest)
	for version := latest - 1; version > 0; version-- {
		if got := harness.Eval[int](other, fmt.Sprintf(downgrade, version)); got != version {
			t.Fatalf("the database has version %d, want %d", got, version)
		}
		check(version)
		if got := harness.Eval[int](other, fmt.Sprintf(upgrade, latest)); got != latest {
			t.Fatalf("the database has version %d, want %d", got, latest)
		}
	}
	// One that nobody knows yet, with lines that are damaged: those that may be a person's go along.
	harness.Eval[bool](other, fmt.Sprintf(`settle(indexedDB.open("rollcall", %d)).then(async (db) => {
		await settle(db.transaction("log", "readwrite").objectStore("log").put({ seq: 1000, text: "q\t9\t{half\tffffffff\nq\t10\t{}\tffffffff\nr\tuser\tx\tffffffff\n" }));
		db.close();
		return true;
	})`, latest+7))
	if s, got := rescued(t, other); len(got) != 2 || len(s.Unreadable) != 2 {
		t.Errorf("of a version nobody knows %+v is saved", s)
	}
	// Where there is no database, none is made.
	harness.Eval[bool](other, `settle(indexedDB.deleteDatabase("rollcall")).then(() => true)`)
	if n := harness.Eval[int](other, `rollcallRescue.save()`); n != 0 {
		t.Errorf("%d changes are saved of a device that has none", n)
	}
	if n := harness.Eval[int](other, `indexedDB.databases().then((all) => all.length)`); n != 0 {
		t.Errorf("looking has made %d databases", n)
	}
}

// storeQueue stores the queue anew. change gets the lines that tell it, and returns those of
// the two copies and of the log behind them.
const storeQueue = `(async (change) => {
	const db = await settle(indexedDB.open("rollcall"));
	const tx = db.transaction(["log", "base"], "readwrite"), log = tx.objectStore("log"), base = tx.objectStore("base");
	if (!globalThis.queueLines) {
		const told = new Map();
		let entity;
		for (const line of (await settle(log.getAll())).flatMap(({ text }) => text.split("\n"))) {
			if (/^[ex]/.test(line)) told.delete(entity = line.split("\t")[2]);
			if (/^[ecq]/.test(line)) told.set(entity, [...told.get(entity) ?? [], line]);
		}
		globalThis.queueLines = [...told.values()].flat();
	}
	const { a, b, behind } = change(queueLines), text = (lines) => lines.map((line) => line + "\n").join("");
	log.clear();
	base.put(text(a), "state/a");
	base.put(text(b), "state/b");
	log.put({ seq: 50, text: text(queueLines).replaceAll("q\t", "x\t") }); // the copies stand for it
	log.put({ seq: 51, text: text(behind) });
	await new Promise((done) => { tx.oncomplete = done; });
	db.close();
	return true;
})(%s)`

// TestTheQueueInTheBaseCanBeSaved: of two copies the whole one counts, and what is damaged in
// both goes along as it is.
func TestTheQueueInTheBaseCanBeSaved(t *testing.T) {
	t.Parallel()
	other := queueToRescue(t)
	_, ids := rescued(t, other)
	const head = `"h\t1\t50\t00000000"`
	for name, c := range map[string]struct {
		change           string
		lost, unreadable int
	}{
		"whole":            {`(all) => ({ a: [HEAD, ...all], b: [HEAD, ...all], behind: [] })`, 0, 0},
		"the first torn":   {`(all) => ({ a: [HEAD, ...all.map((l) => l.replace('"create"', '"delete"'))], b: [HEAD, ...all], behind: [] })`, 0, 0},
		"the second torn":  {`(all) => ({ a: [HEAD, ...all], b: [], behind: [] })`, 0, 0},
		"no first":         {`(all) => ({ a: [], b: [HEAD, ...all], behind: [] })`, 0, 0},
		"both torn":        {`(all) => { const a = [HEAD, ...all.map((l) => l.replace('"create"', '"delete"'))]; return { a, b: a, behind: [] }; }`, 1, 1},
		"another letter":   {`(all) => { const a = [HEAD, ...all.map((l) => l.includes('"create"') ? "s" + l.slice(1) : l)]; return { a, b: a, behind: [] }; }`, 1, 1},
		"told anew behind": {`(all) => ({ a: [HEAD, ...all], b: [HEAD, ...all], behind: all })`, 0, 0},
		"damaged entities": {`(all) => ({ a: [HEAD, ...all], b: [HEAD, ...all], behind: all.map((l) => l.replace(/^e.user/, "e\tUser")) })`, 0, 0},
		"damaged rows":     {`(all) => ({ a: [HEAD, ...all], b: [HEAD, ...all], behind: ["r\tuser\tid\t-\t\t1\t\t\t1\t{}\tffffffff"] })`, 0, 0},
		"kept as damaged":  {`(all) => ({ a: [HEAD, "u\tq\x1bI9\x1bI{half\t24c565d1", ...all], b: [], behind: [] })`, 0, 1},
	} {
		harness.Eval[bool](other, fmt.Sprintf(storeQueue, strings.ReplaceAll(c.change, "HEAD", head)))
		s, got := rescued(t, other)
		want := len(ids) - c.lost
		if len(got) != want || len(s.Unreadable) != c.unreadable || c.lost == 0 && fmt.Sprint(got) != fmt.Sprint(ids) {
			t.Errorf("%s: %v and unreadable %s are saved, want %d of %v and %d", name, got, s.Unreadable, want, ids, c.unreadable)
		}
	}
}

func TestOnlyAppRoutesAreAnsweredFromTheCache(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	b := harness.OpenBrowser(t)
	users := openUsers(t, b, site.URL())
	foreign := []string{
		"/oauth2/start", "/oauth2/sign_out?rd=%2F", "/cdn-cgi/access/logout", "/login", "/logout", "/wiki/", "/wiki/Home",
		"/users/" + ann + "/photo", "/synchronise", "/usersguide",
	}
	portalAt(site, func(path string) bool { return path != "/manifest.webmanifest" && path != "/favicon.ico" })
	for _, path := range foreign {
		users.Go(path)
		users.SeeText("Sign in to the portal")
	}
	for _, path := range []string{"/", "/?x=1", "/users", "/users/" + ann, "/sync", "/sync/", "/users?tab=1"} {
		users.Go(path)
		if text := users.Text(); strings.Contains(text, "Sign in to the portal") {
			t.Errorf("%s is not answered from the cache: %s", path, text)
		}
	}
}

func TestTheManifestIsFetchedWithCredentials(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	b := harness.OpenBrowser(t)
	users := openUsers(t, b, site.URL())
	harness.Eval[string](users.Page, `document.cookie = "portal=let-me-in; path=/"`)
	var refused atomic.Int64
	site.Proxy.Portal(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/manifest.webmanifest" || strings.Contains(r.Header.Get("Cookie"), "portal=let-me-in") {
			return false
		}
		refused.Add(1)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	users.Reload()
	var m struct{ Name string }
	users.Manifest(&m)
	if m.Name != "Rollcall" || refused.Load() > 0 {
		t.Errorf("the manifest is %+v; it was asked for %d times without the cookie", m, refused.Load())
	}
}
