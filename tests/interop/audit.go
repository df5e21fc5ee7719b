// Checks a checkpoint, its entries and two proofs of the audit log with golang.org/x/mod/sumdb. Arguments: a folder with
// key, checkpoint, entries (one a line), old (an older checkpoint), inclusion (index, then hashes), consistency (hashes), tiles (level, number, width, path a line).
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
}

func read(name string) []byte {
	data, err := os.ReadFile(filepath.Join(os.Args[1], name))
	must(err)
	return data
}

func lines(name string) []string {
	return strings.Split(strings.TrimSuffix(string(read(name)), "\n"), "\n")
}

func hashes(texts []string) []tlog.Hash {
	var list []tlog.Hash
	for _, text := range texts {
		hash, err := tlog.ParseHash(text)
		must(err)
		list = append(list, hash)
	}
	return list
}

func checkpoint(name string) (int64, tlog.Hash) {
	verifier, err := note.NewVerifier(strings.TrimSpace(string(read("key"))))
	must(err)
	opened, err := note.Open(read(name), note.VerifierList(verifier))
	must(err)
	fields := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(fields[1], 10, 64)
	must(err)
	return size, hashes(fields[2:3])[0]
}

func main() {
	size, root := checkpoint("checkpoint")
	oldSize, oldRoot := checkpoint("old")
	entries := bytes.Split(bytes.TrimSuffix(read("entries"), []byte("\n")), []byte("\n"))
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var list []tlog.Hash
		for _, index := range indexes {
			list = append(list, stored[index])
		}
		return list, nil
	})
	for i, entry := range entries {
		more, err := tlog.StoredHashes(int64(i), entry, reader)
		must(err)
		stored = append(stored, more...)
	}
	whole, err := tlog.TreeHash(size, reader)
	must(err)
	if whole != root {
		must(fmt.Errorf("the root of %d entries is another", size))
	}
	inclusion := lines("inclusion")
	index, err := strconv.ParseInt(inclusion[0], 10, 64)
	must(err)
	must(tlog.CheckRecord(hashes(inclusion[1:]), size, root, index, tlog.RecordHash(entries[index])))
	must(tlog.CheckTree(hashes(lines("consistency")), size, root, oldSize, oldRoot))
	for _, line := range lines("tiles") {
		var level, width int
		var number int64
		var path string
		_, err := fmt.Sscan(line, &level, &number, &width, &path)
		must(err)
		// This library spells the height out, which the later specification does not.
		theirs := strings.Replace(tlog.Tile{H: 8, L: level, N: number, W: width}.Path(), "tile/8/", "tile/", 1)
		if theirs != path {
			must(fmt.Errorf("%s is not %s", path, theirs))
		}
	}
	fmt.Println("all checked")
}
