package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/rollcall/rollcall/bench/chromium"
	"github.com/rollcall/rollcall/bench/figures"
	"github.com/rollcall/rollcall/bench/subject"
)

// describe describes the machine, the versions and the method.
func describe(ctx context.Context, o *options, dir string) (string, error) {
	sync, err := subject.SyncTime(dir)
	if err != nil {
		return "", err
	}
	machine, err := subject.Machine(dir)
	if err != nil {
		return "", err
	}
	browser, err := chromium.Open(ctx, dir)
	if err != nil {
		return "", err
	}
	version, err := browser.Version()
	browser.Close()
	if err != nil {
		return "", err
	}
	said, err := exec.CommandContext(ctx, o.rollcall, "version").Output()
	if err != nil {
		return "", fmt.Errorf("ask for a version: %w", err)
	}
	versions := []string{version, "Rollcall " + strings.TrimSpace(strings.TrimPrefix(string(said), "rollcall "))}
	for _, c := range contenders() {
		if c.npm == "" {
			continue
		}
		v, err := installed(o.source, c.npm)
		if err != nil {
			return "", err
		}
		versions = append(versions, c.npm+" "+v)
	}
	return fmt.Sprintf("Measured on %s: %s; load average %.1f before; a 4 kB write with fsync takes %s ms there.\n%s.\n",
		time.Now().UTC().Format(time.DateOnly), machine, subject.LoadAverage(), figures.Milliseconds(sync), strings.Join(versions, ", ")), nil
}

// installed returns the version of an npm package.
func installed(source, name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(source, "node_modules", filepath.FromSlash(name), "package.json"))
	if err != nil {
		return "", fmt.Errorf("read the version of %s (npm ci): %w", name, err)
	}
	var p struct{ Version string }
	if err := json.Unmarshal(text, &p); err != nil {
		return "", fmt.Errorf("read the version of %s: %w", name, err)
	}
	return p.Version, nil
}
