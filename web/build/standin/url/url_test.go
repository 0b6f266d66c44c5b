package url_test

import (
	real "net/url"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall/rollcall/web/build/standin/url"
)

func TestAddresses(t *testing.T) {
	for _, address := range []string{
		"https://rollcall.example/", "http://127.0.0.1:8080/users/a%2Fb?add=1&q=%C3%A4+b#top", "/users/1", "/?x=1", "/a:b", "",
		"http://[::1]:8080/sync", "https://user@host/a%20b/%C3%A9?q", "/sync#%E2%82%AC", "?q=1", "#part", "HTTPS://Host", "/a+b?a+b=c%2Bd&a+b=e&&f",
	} {
		want, err := real.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		got, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		host := want.Host
		if want.User != nil {
			host = want.User.String() + "@" + host
		}
		if got.Scheme != want.Scheme || got.Host != host || got.Path != want.Path || got.RawQuery != want.RawQuery || got.Fragment != want.Fragment || got.String() != want.String() {
			t.Errorf("%s: got %+v (%s), want %+v (%s)", address, got, got, want, want)
		}
		if got, want := got.Query().Encode(), want.Query().Encode(); got != want {
			t.Errorf("%s has the query %s, want %s", address, got, want)
		}
		got.Path, want.Path, want.RawPath = "/ä b/(c)%", "/ä b/(c)%", ""
		got.RawQuery, want.RawQuery = "", ""
		if got.String() != want.String() {
			t.Errorf("with another path and no query it is %s, want %s", got, want)
		}
	}
}

func TestMailHasAScheme(t *testing.T) {
	if u, err := url.Parse("mailto:ann@example.com"); err != nil || u.Scheme != "mailto" || u.String() != "mailto:ann@example.com" {
		t.Errorf("got %+v, %v", u, err)
	}
}

// TestWhatIsNotEscapedStays: the real one says it is wrong, and go-app then shows nothing at all.
func TestWhatIsNotEscapedStays(t *testing.T) {
	if u, err := url.Parse("/users/100%?q=%zz"); err != nil || u.Path != "/users/100%" || u.Query().Get("q") != "%zz" || u.String() != "/users/100%?q=%zz" {
		t.Errorf("got %+v, %v", u, err)
	}
}

func TestQueriesAndEscapes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, key := rapid.String().Draw(t, "value"), rapid.String().Draw(t, "key")
		if got, want := url.QueryEscape(s), real.QueryEscape(s); got != want {
			t.Errorf("in a query: got %s, want %s", got, want)
		}
		if got, want := url.PathEscape(s), real.PathEscape(s); got != want {
			t.Errorf("in a path: got %s, want %s", got, want)
		}
		got, want := url.Values{"limit": {"1", "2"}}, real.Values{"limit": {"1", "2"}}
		got.Add(key, s)
		want.Add(key, s)
		got.Set("q", s)
		want.Set("q", s)
		if got.Encode() != want.Encode() || got.Get(key) != want.Get(key) || got.Has("x") != want.Has("x") || got.Get("none") != "" {
			t.Errorf("got %s, want %s", got.Encode(), want.Encode())
		}
		got.Del(key)
		want.Del(key)
		u, err := url.Parse("/?" + got.Encode())
		if err != nil || u.Query().Encode() != want.Encode() {
			t.Errorf("got %v, want %s", u, want.Encode())
		}
	})
}
