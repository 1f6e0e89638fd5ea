"""Prints as many lines as it is told to, as a chatty service does."""

import sys

LINE = "2026-05-04T03:02:01Z INFO checkout request served path=/cart status=200 took=12ms"
for number in range(int(sys.argv[1])):
    sys.stdout.write(f"{LINE} n={number:08}\n")
