//go:build tools

// Pins the spin command line and all it is built from.
package tools

import _ "github.com/spinnaker/spin"
