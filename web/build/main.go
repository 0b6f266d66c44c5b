// Command build makes the site that the server embeds: the wasm file, the
// assets under names that carry the hash of their content, the pages and
// scripts that refer to them by those names, and brotli and gzip variants of
// everything that gets smaller by it.
//
// From the module's root:
//
//	go run ./web/build [-o web/dist] [-tag x] [-quality 11]
//	go run ./web/build -contents
//
// The output is a function of the input: two builds of the same tree with the
// same Go are byte-identical. assets.json in the output directory lists what is
// in it; see Manifest.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "web/build:", err)
		os.Exit(1)
	}
}

func run() error {
	out := flag.String("o", "web/dist", "directory to write the site to")
	tag := flag.String("tag", "", "text that makes the version differ although nothing else does")
	quality := flag.Int("quality", 11, "brotli quality, 0 to 11; 11 is for release, 5 is quick")
	cache := flag.String("cache", ".cache/web", "directory for compiled and compressed files")
	list := flag.Bool("contents", false, "build nothing; print what is in the program, by package")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if _, err := os.Stat("go.mod"); err != nil {
		return fmt.Errorf("run it from the module's root: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	if *list {
		return contents(ctx, filepath.Join(*cache, "wasm"), os.Stdout)
	}
	compiled, err := compile(ctx, filepath.Join(*cache, "wasm"))
	if err != nil {
		return err
	}
	compiled["idb-helper.js"] = filepath.Join("wasm", "idb", "helper.js")
	site, err := readSite("web", compiled)
	if err != nil {
		return err
	}
	version, files, err := site.build(*tag)
	if err != nil {
		return err
	}
	c := compressor{cache: filepath.Join(*cache, "compressed"), quality: *quality}
	if err := c.addVariants(ctx, files); err != nil {
		return err
	}
	return write(*out, version, files)
}
