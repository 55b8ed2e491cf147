// Command clusters is what `npm run clusters` needs of Go: a producer, and a broker and a schema
// registry that are independent implementations.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 5 && args[0] == "produce":
		return produce(args[1], args[2], args[3], args[4])
	case len(args) == 2 && args[0] == "registry":
		return serveRegistry(args[1])
	case len(args) == 2 && args[0] == "broker":
		return serveBroker(args[1])
	}
	return fmt.Errorf("usage: produce BROKERS TOPIC CODEC FILE | registry ADDRESS | broker PORT")
}
