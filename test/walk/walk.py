#!/usr/bin/env python3
"""Takes every command block of README and of the runbook and runs it on the machine that walk.sh has made. A block that the document does
not mark as one that cannot be run, and that no scene here plays, is a failure. The last line has the counts."""
import os
import sys
import traceback

sys.dont_write_bytecode = True  # the checkout stays as it is

from documents import Document
from machine import Machine
from readme import Readme
from runbook import Runbook

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main():
    if os.getpid() > 1000 or os.path.exists("/run/systemd"):
        raise SystemExit("walk.py: runs on the machine that walk.sh makes, and nowhere else")
    transcript = []
    machine = Machine(TOP, transcript.append)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    marked = []
    for name, play in (("README.md", Readme), ("docs/runbook.md", Runbook)):
        document = Document(TOP, name)
        scenes = dict(play(machine, document).scenes)
        for block in document.blocks:
            transcript.clear()
            scene = scenes.pop((block.section, block.number), None)
            if block.why_not:
                marked.append(f"{block}: {block.why_not}")
                counts["skipped"] += 1
                continue
            try:
                if scene is None:
                    raise AssertionError("no scene plays this block, and the document does not say that it cannot be run")
                scene(block)
                counts["passed"] += 1
                print(f"ok      {block}", flush=True)
            except Exception as error:
                counts["failed"] += 1
                text = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
                print(f"FAILED  {block}: {text}\n{''.join(transcript)}\n", flush=True)
        for section, number in scenes:
            counts["failed"] += 1
            print(f"FAILED  {name}: there is no block {number} in \"{section}\", or it is marked", flush=True)
    for line in marked:
        print(f"not run {line}")
    for command, lines in machine.wide.items():
        counts["failed"] += 1
        print(f"FAILED  {lines} lines of a table need more than 80 columns: {command}")
    print(", ".join(f"{count} {what}" for what, count in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
