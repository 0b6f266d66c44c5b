package main

import (
	"log/slog"
	"maps"

	"github.com/rollcall/rollcall/server/patch"
	"github.com/rollcall/rollcall/server/static"
	"github.com/rollcall/rollcall/server/store/postgres"
)

// versionsDir is the directory that keeps the last versions of the app, "" for none.
func (o *serveOptions) versionsDir() string {
	switch {
	case o.versions == "none", o.versions == "" && postgres.IsAddress(o.db):
		return ""
	case o.versions == "":
		return o.db + ".app"
	}
	return o.versions
}

// keepVersion adds the programs that are served to those in a directory, and offers patches
// from them. Without that, browsers download updates whole.
func keepVersion(dir string, files *static.Handler, log *slog.Logger) {
	if dir == "" {
		return
	}
	patches, err := patchesOf(dir, files)
	if err == nil {
		err = files.Offer(patches)
	}
	if err != nil {
		log.Warn("the last versions of the app can't be kept, so browsers download each update whole; see -app-versions", "directory", dir, "error", err)
		return
	}
	log.Debug("browsers with an earlier version of the app download what has changed", "versions", len(patches))
}

// patchesOf keeps the programs that are served, and makes the patches to them, by the hashes of what
// they are from.
func patchesOf(dir string, files *static.Handler) (map[string][]byte, error) {
	programs, err := files.Programs()
	if err != nil {
		return nil, err
	}
	all := map[string][]byte{}
	for name, compressed := range programs {
		patches, err := patch.Keep(dir, name, compressed)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, patches)
	}
	return all, nil
}
