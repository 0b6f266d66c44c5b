package active

// Patched reports whether the program is built with the patched copies. The overlay
// replaces this file.
const Patched = false
