// A step as people write them in Go: JSON in, JSON out, and what can go wrong.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

type input struct {
	Event struct {
		Data struct {
			Do   string `json:"do"`
			Name string `json:"name"`
		} `json:"data"`
	} `json:"event"`
}

func main() {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		fmt.Fprintln(os.Stderr, "bad input:", err)
		os.Exit(2)
	}
	data := in.Event.Data
	out := map[string]any{}
	switch data.Do {
	case "thank":
		fmt.Fprintln(os.Stderr, "thanking", data.Name)
		out["thanks"] = data.Name
		out["same"] = os.Args[1] != "" && strings.Contains(os.Args[1], data.Name)
	case "environment":
		out["variables"] = os.Environ()
	case "talk":
		fmt.Println("one")
		fmt.Fprintln(os.Stderr, "two")
		fmt.Println("three")
		fmt.Fprint(os.Stderr, "four")
	case "exit":
		fmt.Fprintln(os.Stderr, "no such order")
		fmt.Println(`{"status": 404}`)
		os.Exit(255)
	case "panic":
		var missing map[string]int
		missing["x"] = 1
	case "hoard":
		var all [][]byte
		for {
			all = append(all, make([]byte, 1<<20))
			all[len(all)-1][0] = 1
		}
	case "sleep":
		before := time.Now()
		time.Sleep(100 * time.Millisecond)
		out["slept"] = time.Since(before).Milliseconds()
		out["now"] = before.Unix()
	case "goroutines":
		numbers := make(chan int)
		for i := range 100 {
			go func() { numbers <- i }()
		}
		sum := 0
		for range 100 {
			sum += <-numbers
		}
		out["sum"] = sum
	case "hang":
		for {
		}
	case "sleep long":
		time.Sleep(time.Hour)
	case "read":
		_, err := os.ReadFile("/etc/passwd")
		out["error"] = fmt.Sprint(err)
	}
	json.NewEncoder(os.Stdout).Encode(out)
}
