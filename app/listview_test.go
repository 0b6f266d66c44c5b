package app

import (
	"net/url"
	"testing"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

func TestListViewSurvivesItsAddress(t *testing.T) {
	for _, v := range []listView{
		{},
		{search: "José & Ünal=?#/"},
		{sort: sortEmailDown},
		{search: " a ", sort: sortChanged, state: queue.InConflict, changed: changedWeek},
	} {
		u, err := url.Parse("https://rollcall.test" + v.address())
		if err != nil {
			t.Fatal(err)
		}
		if got := parseListView(u); got != v {
			t.Errorf("%+v became %+v by way of %s", v, got, v.address())
		}
	}
	u, _ := url.Parse("/?sort=shoe-size&state=asleep&changed=ever&add=1")
	if got := parseListView(u); got != (listView{}) {
		t.Errorf("what nobody knows became %+v", got)
	}
}

func TestListViewAsAQuery(t *testing.T) {
	now := time.Date(2026, 11, 29, 13, 0, 0, 0, time.FixedZone("", 3600)) // a Sunday
	for _, c := range []struct {
		v    listView
		want repository.Query
	}{
		{listView{}, repository.Query{}},
		{listView{sort: sortNameDown}, repository.Query{Order: "name", Reverse: true}},
		{listView{sort: sortEmail, search: "a"}, repository.Query{Order: "email", Search: "a"}},
		{listView{changed: changedToday}, repository.Query{Since: time.Date(2026, 11, 29, 0, 0, 0, 0, now.Location())}},
		{listView{changed: changedWeek}, repository.Query{Since: time.Date(2026, 11, 23, 0, 0, 0, 0, now.Location())}},
		{listView{sort: sortChangedDown, state: queue.Pending}, repository.Query{Order: "changed", Reverse: true, State: queue.Pending}},
	} {
		if got := c.v.apply(repository.Query{}, now); got != c.want {
			t.Errorf("%+v asks for %+v, want %+v", c.v, got, c.want)
		}
	}
}

func TestListPlaceSurvivesAReload(t *testing.T) {
	p := listPlace{address: "/?q=a", key: queue.Key{Sort: "ann", ID: "1"}, index: 70, offset: 12.5, total: 900}
	if got := parseListPlace(p.text()); got != p {
		t.Errorf("%+v became %+v", p, got)
	}
	if got := p.top(75, 72); got != 75*72+12.5 {
		t.Errorf("with five rows more before it, it is at %v", got)
	}
	if got := (listPlace{}).top(75, 72); got != 0 {
		t.Errorf("the top is at %v", got)
	}
	for _, text := range []string{"", "x", "/\na\n1\n-1\n0\n5", "/\na\n1\n1\nfar\n5"} {
		if got := parseListPlace(text); got != (listPlace{}) {
			t.Errorf("%q became %+v", text, got)
		}
	}
}
