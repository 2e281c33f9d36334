// Writes what Go says of the network: a line per link ("1 lo"), one per address ("lo ::1").
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	links, err := net.Interfaces()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, link := range links {
		fmt.Println(link.Index, link.Name)
		addrs, err := link.Addrs()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for _, a := range addrs {
			fmt.Println(link.Name, a.(*net.IPNet).IP)
		}
	}
}
