// interrupt-counter takes the place of a tool: it runs <itself>.real, tells the outside world of every SIGINT, and passes each on.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/cldctl/cldctl-iac/test/provider/world"
)

func main() {
	outside, err := world.Open("", "")
	if err != nil {
		fail(err)
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT)
	own, err := os.Executable()
	if err != nil {
		fail(err)
	}
	tool := exec.Command(own+".real", os.Args[1:]...)
	tool.Stdin, tool.Stdout, tool.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := tool.Start(); err != nil {
		fail(err)
	}
	go func() {
		for range signals {
			// In the order that they come: the journal's time is when the tool got it.
			outside.End(world.Call{Operation: "interrupt", Name: os.Getenv("OUTSIDE_STACK")}, "done")
			_ = tool.Process.Signal(syscall.SIGINT)
		}
	}()
	err = tool.Wait()
	var ended *exec.ExitError
	switch {
	case err == nil:
		os.Exit(0)
	case errors.As(err, &ended) && ended.ExitCode() >= 0:
		os.Exit(ended.ExitCode())
	}
	fail(err)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "interrupt-counter:", err)
	os.Exit(1)
}
