#!/usr/bin/env python3
"""usage: soak.py [--stories N] [--seed S] [--jobs N] | --story 'STEP; STEP' | --file FILE

Plays random stories, or those that are given, on real clusters of the PostgreSQL in PATH. Prints the seed of each, and of one that fails the
story, what was wrong and the log. Exit status 1 when one failed. --shrink: of one that fails, the shortest found that still does."""
import argparse
import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True  # the checkout stays as it is

import generator
import story
from cluster import Failure, SqlError, make_template
from player import Player

SHRINK_S = 60


def play(steps, home, template):
    """None, or what was wrong; then the log stays in `home`."""
    player = None
    try:
        player = Player(home, template)
        player.play(steps)
        wrong = None
    except (Failure, SqlError) as failure:
        wrong = f"{type(failure).__name__ + ': ' if isinstance(failure, SqlError) else ''}{failure}"
    except Exception:
        wrong = "THE MODEL: " + traceback.format_exc()
    finally:
        if player:
            player.finish()
    if wrong is None:
        shutil.rmtree(home, ignore_errors=True)
    return wrong


def kind_of(wrong):
    return wrong.split(":", 1)[0]


def shrink(steps, wrong, home, template):
    """Drops steps while it still fails in the same way."""
    end, tries, size = time.time() + SHRINK_S, 0, max(1, len(steps) // 2)
    while time.time() < end:
        at, dropped = 0, False
        while at < len(steps) and time.time() < end:
            fewer = steps[:at] + steps[at + size:]
            tries += 1
            again = play(fewer, f"{home}.{tries}", template) if fewer else None
            if again and kind_of(again) == kind_of(wrong):
                steps, wrong, dropped = fewer, again, True
            else:
                at += size
        if size == 1 and not dropped:
            break
        size = max(1, size // 2)
    return steps, wrong


def tell(name, steps, wrong, home, whole_log):
    print(f"FAILED {name}\n{story.text_of(steps)}\nwrong: {wrong}", flush=True)
    print(f"again: make test-soak STORY='{story.line_of(steps)}'", flush=True)
    try:
        with open(os.path.join(home, "story.log"), encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
        print("\n".join("    " + line for line in (lines if whole_log else lines[-25:])), flush=True)
    except FileNotFoundError:
        pass


def stories_of(arguments):
    """[(name, steps)]"""
    if arguments.story:
        return [("the story given", story.parse(arguments.story))]
    if arguments.file:
        with open(arguments.file, encoding="utf-8") as file:
            blocks = [block.splitlines() for block in file.read().split("\n\n") if block.strip()]
        return [(lines[0].lstrip("# "), story.parse("\n".join(lines))) for lines in blocks if story.parse("\n".join(lines))]
    return [(f"seed {seed}", generator.make(seed, arguments.named or None)) for seed in range(arguments.seed, arguments.seed + arguments.stories)]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--stories", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 1000000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--story")
    parser.add_argument("--file")
    parser.add_argument("--only", help="of a file: the story whose name begins so")
    parser.add_argument("--shrink", action="store_true")
    parser.add_argument("--named", action="store_true", help="only stories in which every branch is named")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--whole-log", action="store_true")
    parser.add_argument("--print", action="store_true", help="the stories, without playing them")
    arguments = parser.parse_args()
    stories = [item for item in stories_of(arguments) if not arguments.only or item[0].startswith(arguments.only)]
    if arguments.print:
        print("\n\n".join(f"# {name}\n{story.text_of(steps)}" for name, steps in stories))
        return 0
    os.umask(0o077)
    os.environ.update(TZ="UTC", PGTZ="UTC", LC_ALL="C", PGUSER="postgres", PGCONNECT_TIMEOUT="10")
    for name in ("PGHOST", "PGPORT", "PGDATABASE", "PGOPTIONS", "PG_PITR_CONFIG"):
        os.environ.pop(name, None)
    work = tempfile.mkdtemp(prefix="soak.")  # short: sockets are in it
    template, failed, kinds = os.path.join(work, "template"), 0, {}
    print(f"{len(stories)} stories from seed {arguments.seed}, {subprocess.check_output(['pg_ctl', '--version'], text=True).strip()}", flush=True)
    try:
        make_template(template, lambda _: None)
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            began, running = time.time(), {}
            for number, (name, steps) in enumerate(stories):
                home = os.path.join(work, f"s{number}")
                running[pool.submit(play, steps, home, template)] = (name, steps, home)
            for done in concurrent.futures.as_completed(running):
                name, steps, home = running[done]
                wrong = done.result()
                print(f"{'not ok' if wrong else 'ok'} - {name} ({len(steps)} steps)", flush=True)
                if wrong:
                    failed += 1
                    kinds[kind_of(wrong)] = kinds.get(kind_of(wrong), 0) + 1
                    if arguments.shrink:
                        steps, wrong = shrink(steps, wrong, home, template)
                    tell(name, steps, wrong, home, arguments.whole_log)
        print(f"{len(stories) - failed} of {len(stories)} stories held, {time.time() - began:.0f} s{'; ' if kinds else ''}"
              + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())), flush=True)
    finally:
        if arguments.keep or failed and not arguments.shrink and sys.stdout.isatty():
            print(f"kept: {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
