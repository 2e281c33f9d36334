// A static Go program: client URL writes the body to stdout; client -n COUNT -c PARALLEL URL fetches
// it again and again, each time over a fresh connection, and writes how many fetches went well.
package main

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
)

func fetch(client *http.Client, url string, to io.Writer) error {
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(to, answer.Body)
	return err
}

func main() {
	count := flag.Int64("n", 1, "fetches")
	parallel := flag.Int("c", 1, "clients at once")
	flag.Parse()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if *count == 1 {
		if err := fetch(client, flag.Arg(0), os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	var begun, good int64
	var wait sync.WaitGroup
	for i := 0; i < *parallel; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for atomic.AddInt64(&begun, 1) <= *count {
				if err := fetch(client, flag.Arg(0), io.Discard); err != nil {
					fmt.Fprintln(os.Stderr, err)
				} else {
					atomic.AddInt64(&good, 1)
				}
			}
		}()
	}
	wait.Wait()
	fmt.Println(good)
}
